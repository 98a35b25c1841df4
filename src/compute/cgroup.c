/* A control group for each compute, so that a hostile one takes no more memory than it has.
 *
 * The agent itself sits in the leaf "agent" of the subtree: a group with processes of its own can't
 * have groups with limits below it. */
#include "compute/cgroup.h"

#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { GROUP_MODE = 0755, MEGABYTE = 1024 * 1024 };

/* The delegated subtree; NULL for none. */
static const char *subtree(const Home *home) {
  const char *path = json_string_or(home->config, "cgroup", NULL);
  struct statfs file_system;
  bool usable = path != NULL && path[0] == '/' && statfs(path, &file_system) == 0 &&
                file_system.f_type == CGROUP2_SUPER_MAGIC && access(path, W_OK) == 0;
  return usable ? path : NULL;
}

bool compute_limits_possible(const Home *home) {
  return subtree(home) != NULL;
}

static bool write_value(const char *directory, const char *name, const char *value, Error *err) {
  AUTO(str_free) char *path = path_join(directory, name);
  AUTO_RELEASE(fd_release) int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, value, strlen(value)) < 0)
    return error_set_errno(err, errno, "could not write \"%s\" to \"%s\"", value, path);
  return true;
}

static bool make_group(const char *path, Error *err) {
  if (mkdir(path, GROUP_MODE) != 0 && errno != EEXIST)
    return error_set_errno(err, errno, "could not create the group \"%s\"", path);
  return true;
}

static char *group_path(const char *root, const ComputeSpec *spec) {
  const char *slash = strrchr(spec->directory, '/');
  return path_join(root, slash != NULL ? slash + 1 : spec->directory);
}

bool compute_limits_begin(const Home *home, bool *ret, Error *err) {
  const char *root = subtree(home);
  if (root == NULL) {
    *ret = false;
    return true;
  }
  AUTO(str_free) char *own = path_join(root, "agent");
  if (!make_group(own, err) || !cgroup_enter(own, err))
    return false;
  Error ignored = ERROR_INIT; /* memory isn't delegated: then that limit isn't set */
  (void)!write_value(root, "cgroup.subtree_control", "+memory", &ignored);
  *ret = true;
  return true;
}

/* Processes need no limit: a compute executes nothing, and its connections are counted. */
static bool set_limit(const char *group, const SizeClass *size, Error *err) {
  AUTO(str_free) char *path = path_join(group, "memory.max");
  AUTO(str_free) char *value = str_format("%lld", (long long)size->memory_limit_mb * MEGABYTE);
  return !io_exists(path) || write_value(group, "memory.max", value, err);
}

bool cgroup_make(const Home *home, const ComputeSpec *spec, char **ret, Error *err) {
  const char *root = subtree(home);
  if (root == NULL) {
    *ret = NULL;
    return true;
  }
  AUTO(str_free) char *group = group_path(root, spec);
  if (!make_group(group, err) || !set_limit(group, spec->size, err))
    return false;
  *ret = STEAL(group);
  return true;
}

bool cgroup_enter(const char *directory, Error *err) {
  return directory == NULL || write_value(directory, "cgroup.procs", "0", err);
}

void cgroup_remove(const Home *home, const ComputeSpec *spec) {
  const char *root = subtree(home);
  if (root == NULL)
    return;
  AUTO(str_free) char *group = group_path(root, spec);
  (void)rmdir(group); /* one that stays is empty, and used again by the same volume only */
}
