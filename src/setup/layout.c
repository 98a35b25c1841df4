/* The directories of core/home.h, each with its owner and mode. */
#include "setup/setup.h"

#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum Owner { SETUP, CONTROL, COMPUTE, COMMAND } Owner;

/* SETUP: root's, with the control account's group. The sticky bit lets boughd make its files beside
 * config.json without being able to replace that one. In user mode all of it belongs to one
 * account. */
static const struct Directory {
  const char *path; /* below the state directory */
  Owner owner;
  mode_t mode;
  mode_t user_mode;
} directories[] = {
    {"logs", SETUP, 01775, 0755},    {"agent", COMPUTE, 0750, 0700},
    {"wal", COMPUTE, 0700, 0700},    {"compute", COMPUTE, 0700, 0700},
    {"locks", CONTROL, 0700, 0700},  {"spool", CONTROL, 0700, 0700},
    {"git", CONTROL, 0700, 0700},    {"ci", CONTROL, 0700, 0700},
    {"runner", COMMAND, 0750, 0700},
};

static void owner_ids(const Setup *setup, Owner owner, uid_t *ret_uid, gid_t *ret_gid) {
  const Account *account = owner == COMPUTE   ? &setup->compute
                           : owner == COMMAND ? &setup->command
                                              : &setup->control;
  *ret_uid = owner == SETUP ? geteuid() : account->uid;
  *ret_gid = account->gid;
}

/* Makes path, or takes it as it is, and sets owner and mode; never through a link. */
static bool see_to_directory(const Setup *setup, const char *path, Owner owner, mode_t mode,
                             Error *err) {
  uid_t uid = 0;
  gid_t gid = 0;
  owner_ids(setup, owner, &uid, &gid);
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return error_set_errno(err, errno, "could not create directory \"%s\"", path);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open directory \"%s\"", path);
  if (fchown(fd, uid, gid) != 0 || fchmod(fd, mode) != 0)
    return error_set_errno(err, errno, "could not hand \"%s\" to its account", path);
  return true;
}

/* A directory in /tmp may have been put there by somebody else: it is used only if it is ours. */
static bool check_owner(const Setup *setup, const char *path, Error *err) {
  struct stat status;
  if (lstat(path, &status) != 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not look at \"%s\"", path);
  if (S_ISDIR(status.st_mode) &&
      (status.st_uid == setup->compute.uid || status.st_uid == geteuid()))
    return true;
  return error_set(err, ERROR_FORBIDDEN, "\"%s\" belongs to somebody else", path);
}

static bool see_to_run(const Setup *setup, Error *err) {
  AUTO(str_free) char *catalog = path_join(setup->run, "catalog");
  return check_owner(setup, setup->run, err) &&
         see_to_directory(setup, setup->run, COMPUTE, setup->system_mode ? 0750 : 0700, err) &&
         see_to_directory(setup, catalog, CONTROL, 0700, err);
}

/* The accounts must be able to get there. */
static bool check_ancestors(const Setup *setup, Error *err) {
  AUTO(str_free) char *path = str_dup(setup->root);
  for (char *slash = strrchr(path, '/'); slash != NULL && slash != path;
       slash = strrchr(path, '/')) {
    struct stat status;
    *slash = '\0';
    if (stat(path, &status) != 0)
      return error_set_errno(err, errno, "could not look at \"%s\"", path);
    if ((status.st_mode & S_IXOTH) != 0)
      continue;
    (void)error_set(err, ERROR_UNSUPPORTED, "the account %s can't enter \"%s\"",
                    setup->compute.name, path);
    return error_hint(err, "choose another BOUGH_HOME, or `chmod o+x %s`", path);
  }
  return true;
}

static bool see_to_root(const Setup *setup, Error *err) {
  AUTO(str_free) char *copy = str_dup(setup->root);
  return io_make_directories(dirname(copy), 0755, err) &&
         (!setup->system_mode || check_ancestors(setup, err)) &&
         see_to_directory(setup, setup->root, SETUP, setup->system_mode ? 01775 : 0755, err);
}

bool setup_layout(const Setup *setup, Error *err) {
  if (!see_to_root(setup, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(directories); at++) {
    const struct Directory *directory = &directories[at];
    AUTO(str_free) char *path = path_join(setup->root, directory->path);
    if (!see_to_directory(setup, path, directory->owner,
                          setup->system_mode ? directory->mode : directory->user_mode, err))
      return false;
  }
  return see_to_run(setup, err);
}
