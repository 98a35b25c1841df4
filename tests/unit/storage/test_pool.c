/* Making and mounting pools: what is refused, what is left behind, and what the mount is like. */
#include "storage/storage.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ORDINARY_UID = 61234 };

static const uint64_t SIZE = 320 * 1024 * 1024;

static Error err;
static const char *driver;

typedef struct Setting {
  char *root, *wal, *image, *mount_point, *directory;
  PoolPlan plan; /* of an image */
} Setting;

static void assert_format_refused(const PoolPlan *plan, ErrorCode code) {
  char *path = NULL;
  err = ERROR_INIT;
  assert_false(pool_format(plan, &driver, &path, &err));
  if (err.code != code)
    fail_msg("%s (%s)", err.message, error_info(err.code)->code);
  assert_null(path);
}

static void assert_formatted(const PoolPlan *plan, const char *expected_driver) {
  AUTO(str_free) char *path = NULL;
  if (!pool_format(plan, &driver, &path, &err))
    fail_msg("%s", err.message);
  assert_string_equal(driver, expected_driver);
  assert_string_equal(path, plan->path != NULL ? plan->path : plan->mount_point);
}

static int count_entries(const char *path) {
  DIR *directory = opendir(path);
  int count = 0;
  assert_non_null(directory);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    count += entry->d_name[0] != '.';
  (void)closedir(directory);
  return count;
}

static int set_up(void **state) {
  Setting *setting = mem_new(1, sizeof *setting);
  const bool root = geteuid() == 0;
  setting->root = fixture_new();
  setting->wal = path_join(setting->root, "wal");
  setting->image = path_join(setting->root, "pool.img");
  setting->mount_point = path_join(setting->root, "pool");
  setting->directory = path_join(setting->root, "directory");
  setting->plan = (PoolPlan){.image = setting->image,
                             .size = SIZE,
                             .mount_point = setting->mount_point,
                             .owner_uid = root ? ORDINARY_UID : geteuid(),
                             .owner_gid = root ? ORDINARY_UID : getegid()};
  *state = setting;
  return mkdir(setting->wal, 0700) == 0 && mkdir(setting->directory, 0755) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
  Setting *setting = *state;
  fixture_free(setting->root);
  str_free(setting->wal);
  str_free(setting->image);
  str_free(setting->mount_point);
  str_free(setting->directory);
  mem_free(setting);
  return 0;
}

static PoolPlan directory_plan(const Setting *setting) {
  return (PoolPlan){.path = setting->directory,
                    .owner_uid = setting->plan.owner_uid,
                    .owner_gid = setting->plan.owner_gid};
}

static void need_mounts(void) {
  const char *reason = fixture_why_no_mounts();
  if (reason == NULL)
    return;
  print_message("SKIPPED: %s\n", reason);
  skip();
}

/* A loop device over a sparse file, as a stand-in for a disk. Goes with the last who holds it open.
 */
static char *new_device(const Setting *setting, const char *const *mkfs) {
  AUTO(str_free) char *file = path_join(setting->root, "disk");
  AUTO_RELEASE(fd_release) int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_int_equal(ftruncate(fd, (off_t)SIZE), 0);
  const char *losetup[] = {"losetup", "--find", "--show", file, NULL};
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  assert_true(process_run(losetup, &PROCESS_OPTIONS, &result, &err));
  assert_int_equal(result.status, 0);
  result.output[strcspn(result.output, "\n")] = '\0';
  if (mkfs != NULL) {
    const char *argv[] = {mkfs[0], mkfs[1], file, NULL};
    assert_true(fixture_run(argv));
  }
  return str_dup(result.output);
}

static void free_device(const char *device) {
  const char *argv[] = {"losetup", "--detach", device, NULL};
  assert_true(fixture_run(argv));
}

/* -------- plans and directories -------- */

static void test_plans_that_make_no_sense(void **state) {
  const Setting *setting = *state;
  PoolPlan plan = {0};
  assert_format_refused(&plan, ERROR_USAGE);
  plan = setting->plan;
  plan.path = setting->directory;
  assert_format_refused(&plan, ERROR_USAGE);
  plan = (PoolPlan){.path = "relative"};
  assert_format_refused(&plan, ERROR_USAGE);
  plan = setting->plan;
  plan.mount_point = "relative";
  assert_format_refused(&plan, ERROR_USAGE);
  plan.mount_point = NULL;
  assert_format_refused(&plan, ERROR_USAGE);
  plan = directory_plan(setting);
  plan.quota = true;
  assert_format_refused(&plan, ERROR_USAGE);
}

static void test_directory_must_be_there_and_empty(void **state) {
  const Setting *setting = *state;
  PoolPlan plan = directory_plan(setting);
  AUTO(str_free) char *file = path_join(setting->directory, "somebody's");
  AUTO(str_free) char *link = path_join(setting->root, "link");
  AUTO(str_free) char *missing = path_join(setting->root, "missing");
  assert_true(io_write_file(file, "mine", 4, 0644, &err));
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  assert_int_equal(count_entries(setting->directory), 1);
  assert_int_equal(unlink(file), 0);
  assert_int_equal(symlink(setting->directory, link), 0);
  plan.path = link;
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  plan.path = missing;
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  assert_int_equal(count_entries(setting->directory), 0);
}

static void test_directory_becomes_a_pool_once(void **state) {
  const Setting *setting = *state;
  const PoolPlan plan = directory_plan(setting);
  struct stat status;
  AUTO(str_free) char *marker = path_join(setting->directory, "bough-pool.json");
  AUTO(str_free) char *text = NULL;
  assert_formatted(&plan, "files");
  assert_format_refused(&plan, ERROR_POOL_EXISTS);
  assert_int_equal(stat(setting->directory, &status), 0);
  assert_int_equal(status.st_mode, S_IFDIR | 0700);
  assert_int_equal(status.st_uid, plan.owner_uid);
  assert_int_equal(stat(marker, &status), 0);
  assert_int_equal(status.st_uid, plan.owner_uid);
  assert_true(io_read_file(marker, 4096, &text, NULL, &err));
  assert_non_null(strstr(text, "\"version\":1"));
  assert_non_null(strstr(text, "\"driver\":\"files\""));
  assert_int_equal(count_entries(setting->directory), 2);
  assert_true(pool_mount(&plan, &err)); /* nothing to do */
}

static void test_broken_markers_are_no_pool(void **state) {
  static const char *const broken[] = {
      "",
      "{",
      "[]",
      "{\"version\":2,\"id\":\"pool-aaaaaaaaaaaa\",\"driver\":\"files\",\"quota\":false}",
      "{\"version\":1,\"id\":\"../../x\",\"driver\":\"files\",\"quota\":false}",
      "{\"version\":1,\"id\":\"pool-aaaaaaaaaaaa\",\"quota\":false}",
      "{\"version\":1,\"id\":\"pool-aaaaaaaaaaaa\",\"driver\":\"filesfilesfilesfiles\"}",
      "{\"version\":1,\"id\":\"pool-aaaaaaaaaaaa\",\"driver\":\"btrfs\"}",
  };
  const Setting *setting = *state;
  const PoolPlan plan = directory_plan(setting);
  AUTO(str_free) char *marker = path_join(setting->directory, "bough-pool.json");
  Pool *pool = NULL;
  assert_formatted(&plan, "files");
  for (size_t at = 0; at < ARRAY_LENGTH(broken); at++) {
    assert_true(io_write_file(marker, broken[at], strlen(broken[at]), 0600, &err));
    assert_false(pool_open("files", setting->directory, setting->wal, &pool, &err));
    assert_int_equal(err.code, ERROR_POOL_MISSING);
    assert_false(pool_open("btrfs", setting->directory, setting->wal, &pool, &err));
    assert_int_equal(err.code, ERROR_POOL_MISSING); /* the last one: it isn't on a btrfs */
  }
  assert_null(pool);
}

/* -------- images -------- */

static void test_existing_image_is_refused(void **state) {
  need_mounts();
  const Setting *setting = *state;
  assert_true(io_write_file(setting->image, "precious", 8, 0600, &err));
  assert_format_refused(&setting->plan, ERROR_POOL_EXISTS);
  AUTO(str_free) char *text = NULL;
  assert_true(io_read_file(setting->image, 100, &text, NULL, &err));
  assert_string_equal(text, "precious");
  assert_int_equal(unlink(setting->image), 0);
  assert_int_equal(symlink("/etc/hostname", setting->image), 0);
  assert_format_refused(&setting->plan, ERROR_POOL_EXISTS);
  assert_false(io_exists(setting->mount_point));
}

static void test_image_without_room_makes_nothing(void **state) {
  need_mounts();
  const Setting *setting = *state;
  PoolPlan plan = setting->plan;
  struct statvfs status;
  assert_int_equal(statvfs(setting->root, &status), 0);
  plan.size = (uint64_t)status.f_bavail * status.f_frsize + 64UL * 1024 * 1024 * 1024;
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  assert_non_null(strstr(err.message, "MiB are free"));
  plan.size = UINT64_MAX;
  assert_format_refused(&plan, ERROR_USAGE);
  plan.size = 1024 * 1024;
  assert_format_refused(&plan, ERROR_USAGE);
  assert_false(io_exists(setting->image));
  assert_false(io_exists(setting->mount_point));
}

/* Formats in a process of its own, where it must fail with that code. */
static void assert_format_fails_in_child(const PoolPlan *plan, bool (*prepare)(void),
                                         ErrorCode code) {
  pid_t child = fork();
  if (child == 0) {
    char *path = NULL;
    bool failed = prepare() && !pool_format(plan, &driver, &path, &err) && err.code == code;
    if (!failed)
      print_message("%s\n", err.message);
    _exit(failed ? 0 : 1);
  }
  int status = 0;
  (void)waitpid(child, &status, 0);
  assert_int_equal(status, 0);
}

static bool give_up_mounting(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {0};
  if (syscall(SYS_capget, &header, data) != 0)
    return false;
  data[0].effective &= ~(1U << CAP_SYS_ADMIN);
  return syscall(SYS_capset, &header, data) == 0;
}

static bool give_up_writing_files(void) {
  const struct rlimit limit = {.rlim_cur = 16, .rlim_max = 16};
  return signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static bool give_up_root(void) {
  return setuid(ORDINARY_UID) == 0;
}

static void test_failed_image_is_taken_back(void **state) {
  need_mounts();
  const Setting *setting = *state;
  assert_format_fails_in_child(&setting->plan, give_up_writing_files, ERROR_IO);
  assert_false(io_exists(setting->image));
  assert_format_fails_in_child(&setting->plan, give_up_mounting, ERROR_IO);
  assert_false(io_exists(setting->image));
  assert_false(io_exists(setting->mount_point));
}

static void test_mount_point_must_be_empty(void **state) {
  need_mounts();
  const Setting *setting = *state;
  PoolPlan plan = setting->plan;
  AUTO(str_free) char *file = path_join(setting->directory, "somebody's");
  assert_true(io_write_file(file, "mine", 4, 0644, &err));
  plan.mount_point = setting->directory;
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  assert_false(io_exists(setting->image));
}

static bool mounted_with(const char *mount_point, const char *option) {
  AUTO(str_free) char *text = NULL;
  AUTO(str_free) char *wanted = str_format(" %s btrfs ", mount_point);
  assert_true(io_read_file("/proc/self/mounts", 1024 * 1024, &text, NULL, &err));
  char *line = strstr(text, wanted);
  assert_non_null(line);
  line[strcspn(line, "\n")] = '\0';
  return strstr(line, option) != NULL;
}

/* Of the loop device under the image: "1" when it has direct I/O. */
static bool has_direct_io(const Setting *setting) {
  const char *argv[] = {"losetup", "--noheadings", "--raw",        "--output",
                        "DIO",     "--associated", setting->image, NULL};
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  assert_true(process_run(argv, &PROCESS_OPTIONS, &result, &err));
  return strstr(result.output, "1") != NULL;
}

static void open_and_use(const Setting *setting, bool expected) {
  AUTO(pool_free) Pool *pool = NULL;
  bool opened = pool_open("btrfs", setting->mount_point, setting->wal, &pool, &err);
  assert_int_equal(opened, expected);
  if (!expected) {
    assert_int_equal(err.code, ERROR_POOL_MISSING);
    return;
  }
  char id[ID_SIZE];
  id_new("vol", id);
  assert_true(volume_create(pool, id, &err));
  assert_true(volume_delete(pool, id, &err));
}

static void test_image_is_preallocated_and_mounted(void **state) {
  need_mounts();
  const Setting *setting = *state;
  struct stat status;
  assert_formatted(&setting->plan, "btrfs");
  assert_int_equal(stat(setting->image, &status), 0);
  assert_int_equal(status.st_size, SIZE);
  assert_true((uint64_t)status.st_blocks * 512 >= SIZE); /* mkfs punched no holes */
  assert_int_equal(status.st_mode, S_IFREG | 0600);
  static const char *const options[] = {"noatime", "user_subvol_rm_allowed", "nosuid", "nodev"};
  for (size_t at = 0; at < ARRAY_LENGTH(options); at++)
    assert_true(mounted_with(setting->mount_point, options[at]));
  assert_false(mounted_with(setting->mount_point, "discard=")); /* nodiscard isn't shown */
  assert_true(has_direct_io(setting));
  open_and_use(setting, true);
  assert_format_refused(&setting->plan, ERROR_POOL_EXISTS);
  sync();
  assert_int_equal(stat(setting->image, &status), 0);
  assert_true((uint64_t)status.st_blocks * 512 >= SIZE); /* neither did the deletes */
}

static void test_pool_comes_back_after_a_reboot(void **state) {
  need_mounts();
  const Setting *setting = *state;
  assert_formatted(&setting->plan, "btrfs");
  assert_true(pool_mount(&setting->plan, &err)); /* mounted: fine */
  assert_int_equal(umount2(setting->mount_point, 0), 0);
  open_and_use(setting, false);
  if (!pool_mount(&setting->plan, &err))
    fail_msg("%s", err.message);
  assert_true(mounted_with(setting->mount_point, "user_subvol_rm_allowed"));
  assert_true(has_direct_io(setting));
  open_and_use(setting, true);
}

/* As systemd's mount unit does it, with the loop device of mount(8). */
static void test_mount_of_a_unit_gets_direct_io(void **state) {
  need_mounts();
  const Setting *setting = *state;
  AUTO(str_free) char *name = NULL;
  AUTO(str_free) char *text = NULL;
  assert_formatted(&setting->plan, "btrfs");
  assert_int_equal(umount2(setting->mount_point, 0), 0);
  assert_true(pool_mount_unit(&setting->plan, &name, &text, &err));
  char *options = strstr(text, "Options=") + strlen("Options=");
  options[strcspn(options, "\n")] = '\0';
  const char *mount[] = {
      "mount", "-t", "btrfs", "-o", options, setting->image, setting->mount_point, NULL};
  assert_true(fixture_run(mount));
  assert_false(has_direct_io(setting));
  assert_true(pool_mount(&setting->plan, &err));
  assert_true(has_direct_io(setting));
  open_and_use(setting, true);
}

static void test_mount_of_something_else_is_no_pool(void **state) {
  need_mounts();
  const Setting *setting = *state;
  static const char *const mkfs[] = {"mkfs.btrfs", "-q", NULL};
  AUTO(str_free) char *device = new_device(setting, mkfs);
  const PoolPlan plan = {.device = device, .mount_point = setting->directory};
  assert_false(pool_mount(&plan, &err));
  assert_int_equal(err.code, ERROR_POOL_MISSING);
  assert_int_equal(count_entries(setting->directory), 0);
  free_device(device); /* which works because nothing is mounted */
}

/* -------- devices -------- */

static void test_device_that_holds_something_is_refused(void **state) {
  need_mounts();
  const Setting *setting = *state;
  static const char *const mkfs[] = {"mkfs.ext4", "-q", NULL};
  AUTO(str_free) char *device = new_device(setting, mkfs);
  PoolPlan plan = setting->plan;
  plan.image = NULL;
  plan.device = device;
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  assert_non_null(strstr(err.message, "ext4"));
  assert_false(io_exists(setting->mount_point));
  const char *mount_it[] = {"mount", device, setting->directory, NULL};
  assert_true(fixture_run(mount_it)); /* it is whole */
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
  assert_non_null(strstr(err.message, "in use"));
  assert_int_equal(umount2(setting->directory, 0), 0);
  free_device(device);
  plan.device = "/dev/null";
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE);
}

static void test_empty_device_becomes_a_pool(void **state) {
  need_mounts();
  const Setting *setting = *state;
  AUTO(str_free) char *device = new_device(setting, NULL);
  PoolPlan plan = setting->plan;
  plan.image = NULL;
  plan.device = device;
  assert_formatted(&plan, "btrfs");
  open_and_use(setting, true);
  assert_int_equal(umount2(setting->mount_point, 0), 0);
  assert_true(pool_mount(&plan, &err));
  open_and_use(setting, true);
  assert_int_equal(umount2(setting->mount_point, 0), 0);
  assert_format_refused(&plan, ERROR_POOL_UNSUITABLE); /* now it holds a pool */
  free_device(device);
}

/* The marker can't be written, when the device is formatted and mounted. */
static void test_failed_device_is_empty_again(void **state) {
  need_mounts();
  const Setting *setting = *state;
  AUTO(str_free) char *device = new_device(setting, NULL);
  PoolPlan plan = setting->plan;
  plan.image = NULL;
  plan.device = device;
  assert_format_fails_in_child(&plan, give_up_writing_files, ERROR_IO);
  assert_false(io_exists(setting->mount_point));
  assert_formatted(&plan, "btrfs"); /* so it is not refused as one that holds something */
  assert_int_equal(umount2(setting->mount_point, 0), 0);
  free_device(device);
}

static void test_ordinary_account_is_told_what_it_can_do(void **state) {
  need_mounts();
  const Setting *setting = *state;
  assert_format_fails_in_child(&setting->plan, give_up_root, ERROR_FORBIDDEN);
}

int main(void) {
#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  static const struct CMUnitTest tests[] = {
      POOL_TEST(test_plans_that_make_no_sense),
      POOL_TEST(test_directory_must_be_there_and_empty),
      POOL_TEST(test_directory_becomes_a_pool_once),
      POOL_TEST(test_broken_markers_are_no_pool),
      POOL_TEST(test_existing_image_is_refused),
      POOL_TEST(test_image_without_room_makes_nothing),
      POOL_TEST(test_failed_image_is_taken_back),
      POOL_TEST(test_mount_point_must_be_empty),
      POOL_TEST(test_image_is_preallocated_and_mounted),
      POOL_TEST(test_pool_comes_back_after_a_reboot),
      POOL_TEST(test_mount_of_a_unit_gets_direct_io),
      POOL_TEST(test_mount_of_something_else_is_no_pool),
      POOL_TEST(test_device_that_holds_something_is_refused),
      POOL_TEST(test_empty_device_becomes_a_pool),
      POOL_TEST(test_failed_device_is_empty_again),
      POOL_TEST(test_ordinary_account_is_told_what_it_can_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
