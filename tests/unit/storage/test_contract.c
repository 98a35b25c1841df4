/* Runs the contract on every driver and every kind of place it works on. Pools are made as root
 * where that is needed; the suite itself always runs as an ordinary account. */
#include "contract.h"

#include "core/io.h"
#include "core/str.h"
#include "fixture.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ORDINARY_UID = 61234, EXIT_SKIPPED = 77 };

static const int64_t SIZE = 320 * 1024 * 1024;

typedef struct Place {
  const char *name;
  const char *driver;
  bool reflink; /* what must come out of the proof */
  bool needs_root;
  bool small;
  /* Fills what plan needs but its owner; false, with the reason printed, where it isn't possible.
   */
  bool (*prepare)(const char *root, PoolPlan *plan);
} Place;

static bool prepare_image(const char *root, PoolPlan *plan) {
  plan->image = path_join(root, "pool.img");
  plan->size = (uint64_t)SIZE;
  plan->mount_point = path_join(root, "pool");
  return true;
}

static bool prepare_image_with_quota(const char *root, PoolPlan *plan) {
  plan->quota = true;
  return prepare_image(root, plan);
}

static bool prepare_directory_on(const char *root, PoolPlan *plan, const char *const *mkfs,
                                 const char *options) {
  AUTO(str_free) char *point = fixture_mount(root, "fs", SIZE, mkfs, options);
  if (point == NULL)
    return false;
  plan->path = path_join(point, "pool");
  return mkdir(plan->path, 0755) == 0 && chmod(point, 0755) == 0;
}

/* Somebody else's btrfs, mounted without user_subvol_rm_allowed. */
static bool prepare_btrfs_directory(const char *root, PoolPlan *plan) {
  static const char *const mkfs[] = {"mkfs.btrfs", "-q", NULL};
  return prepare_directory_on(root, plan, mkfs, "loop");
}

static bool prepare_xfs_directory(const char *root, PoolPlan *plan) {
  static const char *const mkfs[] = {"mkfs.xfs", "-q", "-m", "reflink=1", NULL};
  return prepare_directory_on(root, plan, mkfs, "loop");
}

static bool prepare_ext4_directory(const char *root, PoolPlan *plan) {
  static const char *const mkfs[] = {"mkfs.ext4", "-q", "-F", NULL};
  return prepare_directory_on(root, plan, mkfs, "loop");
}

static bool prepare_plain_directory(const char *root, PoolPlan *plan) {
  plan->path = path_join(root, "pool");
  return mkdir(plan->path, 0755) == 0;
}

static const Place places[] = {
    {"btrfs, image", "btrfs", false, true, true, prepare_image},
    {"btrfs, image with quota", "btrfs", false, true, false, prepare_image_with_quota},
    {"btrfs, directory in another's", "btrfs", false, true, false, prepare_btrfs_directory},
    {"files, reflinks of XFS", "files", true, true, true, prepare_xfs_directory},
    {"files, plain copies on ext4", "files", false, true, true, prepare_ext4_directory},
    {"files, wherever /tmp is", "files", false, false, false, prepare_plain_directory},
};

static int skip_place(const Place *place, const char *reason) {
  (void)printf("SKIPPED: %s: %s\n", place->name, reason);
  return EXIT_SKIPPED;
}

static bool become_ordinary(void) {
  return geteuid() != 0 ||
         (setgroups(0, NULL) == 0 && setgid(ORDINARY_UID) == 0 && setuid(ORDINARY_UID) == 0);
}

/* In a process of its own, as giving up root can't be undone. */
static int run_suite(const Place *place, const char *driver, const char *path,
                     const char *wal_root) {
  Error err = ERROR_INIT;
  AUTO(pool_free) Pool *pool = NULL;
  if (!become_ordinary() || !pool_open(driver, path, wal_root, &pool, &err)) {
    (void)printf("FAILED: %s: %s\n", place->name, err.message);
    return 1;
  }
  const ContractSubject subject = {.name = place->name,
                                   .pool = pool,
                                   .pool_path = path,
                                   .wal_root = wal_root,
                                   .small = place->small};
  return contract_run(&subject);
}

static int fork_suite(const Place *place, const char *driver, const char *path,
                      const char *wal_root) {
  (void)fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    exit(run_suite(place, driver, path, wal_root) == 0 ? 0 : 1);
  int status = 0;
  (void)waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int test_pool(const Place *place, const PoolPlan *plan, const char *wal_root) {
  Error err = ERROR_INIT;
  const char *driver = NULL;
  AUTO(str_free) char *path = NULL;
  if (!pool_format(plan, &driver, &path, &err)) {
    if (err.code == ERROR_UNSUPPORTED)
      return skip_place(place, err.message);
    (void)printf("FAILED: %s: %s\n", place->name, err.message);
    return 1;
  }
  AUTO(str_free) char *marker = path_join(path, "bough-pool.json");
  AUTO(str_free) char *text = NULL;
  if (!str_equal(driver, place->driver) || !io_read_file(marker, 4096, &text, NULL, &err) ||
      (place->needs_root && (strstr(text, "\"reflink\":true") != NULL) != place->reflink)) {
    (void)printf("FAILED: %s: driver %s, marker %s\n", place->name, driver, text);
    return 1;
  }
  return fork_suite(place, driver, path, wal_root);
}

static int test_place(const Place *place) {
  const char *reason = place->needs_root ? fixture_why_no_mounts() : NULL;
  if (reason != NULL)
    return skip_place(place, reason);
  char *root = fixture_new();
  AUTO(str_free) char *wal_root = path_join(root, "wal");
  const uid_t owner = geteuid() == 0 ? ORDINARY_UID : geteuid();
  PoolPlan plan = {.owner_uid = owner, .owner_gid = geteuid() == 0 ? ORDINARY_UID : getegid()};
  int result = EXIT_SKIPPED;
  if (mkdir(wal_root, 0700) != 0 || chown(wal_root, plan.owner_uid, plan.owner_gid) != 0)
    result = 1;
  else if (place->prepare(root, &plan))
    result = test_pool(place, &plan, wal_root);
  else
    (void)skip_place(place, "could not make such a file system");
  str_free((char *)plan.path);
  str_free((char *)plan.image);
  str_free((char *)plan.mount_point);
  fixture_free(root);
  return result;
}

/* With an argument: only the places whose name holds it. */
int main(int argc, char **argv) {
  int failed = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(places); at++) {
    if (argc > 1 && strstr(places[at].name, argv[1]) == NULL)
      continue;
    int result = test_place(&places[at]);
    failed += result != 0 && result != EXIT_SKIPPED;
  }
  return failed == 0 ? 0 : 1;
}
