/* Makes pools and mounts them: the part of storage that may need root. */
#include "storage/storage.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "storage/btrfs.h"
#include "storage/driver.h"
#include "storage/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { TOOL_TIMEOUT_MS = 120 * 1000 };

static const uint64_t MEBIBYTE = 1024 * 1024;
static const uint64_t IMAGE_MIN = 256 * 1024 * 1024; /* below, btrfs has no room to move metadata */

/* What a failed pool_format takes back, last thing first. Paths are borrowed; NULL: not made. */
typedef struct Undo {
  const char *layout;      /* directory with marker and volumes */
  const char *mounted;     /* mount point */
  const char *mount_point; /* made as a directory */
  const char *formatted;   /* block device, was empty before */
  const char *image;
} Undo;

static void undo_release(Undo *undo) {
  Error ignored = ERROR_INIT; /* the caller is being told the first failure */
  if (undo->layout != NULL) {
    AUTO(str_free) char *marker = path_join(undo->layout, POOL_MARKER);
    AUTO(str_free) char *volumes = path_join(undo->layout, "volumes");
    (void)!io_remove_file(marker, &ignored);
    (void)rmdir(volumes);
  }
  if (undo->mounted != NULL)
    (void)!mount_remove(undo->mounted, &ignored);
  if (undo->mount_point != NULL)
    (void)rmdir(undo->mount_point);
  if (undo->formatted != NULL) {
    const char *argv[] = {"wipefs", "--all", "--quiet", "--", undo->formatted, NULL};
    ProcessOptions options = PROCESS_OPTIONS;
    options.timeout_ms = TOOL_TIMEOUT_MS;
    (void)!process_check(argv, &options, &ignored);
  }
  if (undo->image != NULL)
    (void)!io_remove_file(undo->image, &ignored);
}

/* -------- what may be used -------- */

static bool check_plan(const PoolPlan *plan, Error *err) {
  const char *const places[] = {plan->path, plan->device, plan->image};
  const char *place = NULL;
  int count = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(places); at++) {
    place = places[at] != NULL ? places[at] : place;
    count += places[at] != NULL;
  }
  if (count != 1)
    return error_set(err, ERROR_USAGE, "a pool needs one of a directory, a device or an image");
  if (place[0] != '/')
    return error_set(err, ERROR_USAGE, "the path \"%.200s\" must be absolute", place);
  if (plan->path == NULL && (plan->mount_point == NULL || plan->mount_point[0] != '/'))
    return error_set(err, ERROR_USAGE, "a device or an image needs an absolute mount point");
  return true;
}

static bool check_root(Error *err) {
  if (geteuid() == 0)
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "only root can make and mount a device or an image");
  return error_hint(err, "use a directory instead (--path), or run it as root");
}

static bool open_directory(const char *path, int *ret, Error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    int cause = errno;
    (void)error_set_errno(err, cause, "could not open directory \"%s\"", path);
    if (err != NULL && (cause == ENOENT || cause == ENOTDIR || cause == ELOOP))
      err->code = ERROR_POOL_UNSUITABLE;
    return false;
  }
  *ret = fd;
  return true;
}

/* A pool's directory changes its owner and mode: never one that holds somebody's files. The root of
 * a fresh ext4 has lost+found. */
static bool check_empty(const char *path, Error *err) {
  AUTO(str_free) char *marker = path_join(path, POOL_MARKER);
  if (io_exists(marker))
    return error_set(err, ERROR_POOL_EXISTS, "there is a pool in \"%s\" already", path);
  DIR *directory = opendir(path);
  if (directory == NULL)
    return error_set_errno(err, errno, "could not read directory \"%s\"", path);
  bool empty = true;
  for (struct dirent *entry; empty && (entry = readdir(directory)) != NULL;)
    empty = str_equal(entry->d_name, ".") || str_equal(entry->d_name, "..") ||
            str_equal(entry->d_name, "lost+found");
  (void)closedir(directory);
  if (empty)
    return true;
  (void)error_set(err, ERROR_POOL_UNSUITABLE, "directory \"%s\" isn't empty", path);
  return error_hint(err, "name an empty directory");
}

/* -------- making it -------- */

static bool give_away(int fd, const PoolPlan *plan, mode_t mode, Error *err) {
  if (fchown(fd, plan->owner_uid, plan->owner_gid) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0)
    return error_set_errno(err, errno, "could not hand the pool to its account");
  return true;
}

static bool give_entry_away(int directory, const char *name, const PoolPlan *plan, mode_t mode,
                            Error *err) {
  AUTO_RELEASE(fd_release) int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\" of the pool", name);
  return give_away(fd, plan, mode, err);
}

/* Marker and volumes in an empty directory. Its owner changes last: until then nobody but root can
 * be in there, and nothing has to be changed back. */
static bool lay_out(const char *path, const PoolPlan *plan, Undo *undo, const char **ret_driver,
                    Error *err) {
  AUTO_RELEASE(fd_release) int directory = -1;
  if (!open_directory(path, &directory, err))
    return false;
  const StorageDriver *driver = storage_driver_for(directory);
  PoolMarker marker = {.quota = plan->quota};
  id_new("pool", marker.id);
  (void)snprintf(marker.driver, sizeof marker.driver, "%s", driver->name);
  if (!driver->prepare(directory, &marker, err))
    return error_prefix(err, "\"%s\"", path);
  undo->layout = path;
  if (mkdirat(directory, "volumes", 0700) != 0)
    return error_set_errno(err, errno, "could not create \"%s/volumes\"", path);
  if (!marker_write(path, &marker, err) ||
      !give_entry_away(directory, "volumes", plan, 0700, err) ||
      !give_entry_away(directory, POOL_MARKER, plan, 0600, err) ||
      !give_away(directory, plan, 0700, err))
    return false;
  *ret_driver = driver->name;
  return true;
}

static bool make_file_system(const char *target, Error *err) {
  /* -K: a discard would punch the preallocated image full of holes. */
  const char *argv[] = {"mkfs.btrfs", "-K", "-q", "-L", "bough-pool", "--", target, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_TIMEOUT_MS;
  return process_check(argv, &options, err) ||
         error_prefix(err, "could not make a btrfs on \"%s\"", target);
}

static bool check_room(const char *image, uint64_t size, Error *err) {
  AUTO(str_free) char *copy = str_dup(image);
  const char *directory = dirname(copy);
  struct statvfs status;
  if (statvfs(directory, &status) != 0)
    return error_set_errno(err, errno, "could not look at \"%s\"", directory);
  uint64_t room = (uint64_t)status.f_bavail * status.f_frsize;
  if (size <= room)
    return true;
  (void)error_set(
      err, ERROR_POOL_UNSUITABLE, "no room for an image of %llu MiB in \"%s\": %llu MiB are free",
      (unsigned long long)(size / MEBIBYTE), directory, (unsigned long long)(room / MEBIBYTE));
  return error_hint(err, "give a smaller --size");
}

static bool preallocate(int fd, const char *image, uint64_t size, Error *err) {
  if (fallocate(fd, 0, 0, (off_t)size) == 0 && fsync(fd) == 0)
    return true;
  if (errno == EOPNOTSUPP)
    return error_set(err, ERROR_POOL_UNSUITABLE,
                     "the file system of \"%s\" can't reserve room for a file", image);
  return error_set_errno(err, errno, "could not preallocate image \"%s\"", image);
}

static bool make_image(const PoolPlan *plan, Undo *undo, Error *err) {
  if (plan->size < IMAGE_MIN || plan->size > INT64_MAX)
    return error_set(err, ERROR_USAGE, "an image needs at least %llu MiB",
                     (unsigned long long)(IMAGE_MIN / MEBIBYTE));
  if (!check_room(plan->image, plan->size, err))
    return false;
  AUTO_RELEASE(fd_release)
  int fd = open(plan->image, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST)
    return error_set(err, ERROR_POOL_EXISTS, "there is a file \"%s\" already", plan->image);
  if (fd < 0)
    return error_set_errno(err, errno, "could not create image \"%s\"", plan->image);
  undo->image = plan->image;
  return preallocate(fd, plan->image, plan->size - plan->size % MEBIBYTE, err) &&
         make_file_system(plan->image, err);
}

/* Nothing may be lost: neither what is in use nor what has any known signature. */
static bool check_device(const char *device, Error *err) {
  struct stat status;
  AUTO_RELEASE(fd_release) int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
  if (fd < 0 && errno == EBUSY)
    return error_set(err, ERROR_POOL_UNSUITABLE, "device \"%s\" is in use", device);
  if (fd < 0 || fstat(fd, &status) != 0)
    return error_set_errno(err, errno, "could not open device \"%s\"", device);
  if (!S_ISBLK(status.st_mode))
    return error_set(err, ERROR_POOL_UNSUITABLE, "\"%s\" isn't a block device", device);
  const char *argv[] = {"wipefs", "--no-act", "--noheadings", "--output",
                        "TYPE",   "--",       device,         NULL};
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_TIMEOUT_MS;
  if (!process_run(argv, &options, &result, err))
    return false;
  if (result.status != 0)
    return error_set(err, ERROR_TOOL_FAILED, "wipefs can't read \"%s\": %s", device, result.output);
  if (result.output[0] == '\0')
    return true;
  (void)error_set(err, ERROR_POOL_UNSUITABLE, "device \"%s\" holds something: %s", device,
                  result.output);
  return error_hint(err, "if it isn't needed, clear it with: wipefs --all %s", device);
}

static bool make_device(const PoolPlan *plan, Undo *undo, Error *err) {
  if (!check_device(plan->device, err))
    return false;
  undo->formatted = plan->device;
  return make_file_system(plan->device, err);
}

static bool make_mount_point(const char *path, Undo *undo, Error *err) {
  if (io_is_directory(path)) {
    if (mount_is_point(path))
      return error_set(err, ERROR_POOL_EXISTS, "something is mounted on \"%s\" already", path);
    return check_empty(path, err);
  }
  if (!io_make_directories(path, 0755, err))
    return false;
  undo->mount_point = path;
  return true;
}

static bool mount_plan(const PoolPlan *plan, Error *err) {
  return plan->image != NULL ? mount_image(plan->image, plan->mount_point, err)
                             : mount_device(plan->device, plan->mount_point, err);
}

static bool enable_quota(const PoolPlan *plan, Error *err) {
  AUTO_RELEASE(fd_release) int directory = -1;
  return !plan->quota || (open_directory(plan->mount_point, &directory, err) &&
                          btrfs_enable_simple_quota(directory, err));
}

static bool format_block(const PoolPlan *plan, const char **ret_driver, Error *err) {
  AUTO_RELEASE(undo_release) Undo undo = {0};
  if (!check_root(err) || !make_mount_point(plan->mount_point, &undo, err))
    return false;
  if (!(plan->image != NULL ? make_image(plan, &undo, err) : make_device(plan, &undo, err)) ||
      !mount_plan(plan, err))
    return false;
  undo.mounted = plan->mount_point;
  if (!enable_quota(plan, err) || !lay_out(plan->mount_point, plan, &undo, ret_driver, err))
    return false;
  undo = (Undo){0};
  return true;
}

static bool format_directory(const PoolPlan *plan, const char **ret_driver, char **ret_path,
                             Error *err) {
  AUTO_RELEASE(undo_release) Undo undo = {0};
  AUTO_RELEASE(fd_release) int directory = -1;
  if (plan->quota)
    return error_set(err, ERROR_USAGE, "quotas need a device or an image of the pool's own");
  if (!open_directory(plan->path, &directory, err) || !check_empty(plan->path, err))
    return false;
  AUTO(str_free) char *path = mem_new(PATH_MAX, 1);
  if (realpath(plan->path, path) == NULL)
    return error_set_errno(err, errno, "could not resolve \"%s\"", plan->path);
  if (!lay_out(path, plan, &undo, ret_driver, err))
    return false;
  undo = (Undo){0};
  *ret_path = STEAL(path);
  return true;
}

bool pool_format(const PoolPlan *plan, const char **ret_driver, char **ret_path, Error *err) {
  if (!check_plan(plan, err))
    return false;
  if (plan->path != NULL)
    return format_directory(plan, ret_driver, ret_path, err);
  if (!format_block(plan, ret_driver, err))
    return false;
  *ret_path = str_dup(plan->mount_point);
  return true;
}

/* A mount unit has mounted it already, but can't ask for direct I/O. */
static bool improve_mount(const char *mount_point, Error *err) {
  char device[BTRFS_DEVICE_SIZE];
  AUTO_RELEASE(fd_release) int directory = -1;
  if (!open_directory(mount_point, &directory, err) || !btrfs_device_path(directory, device, err))
    return false;
  mount_prefer_direct_io(device);
  return true;
}

bool pool_mount(const PoolPlan *plan, Error *err) {
  PoolMarker marker;
  if (!check_plan(plan, err))
    return false;
  if (plan->path != NULL)
    return marker_read(plan->path, &marker, err);
  if (!check_root(err))
    return false;
  if (mount_is_point(plan->mount_point))
    return marker_read(plan->mount_point, &marker, err) && improve_mount(plan->mount_point, err);
  if (!mount_plan(plan, err))
    return false;
  if (marker_read(plan->mount_point, &marker, err))
    return true;
  Error ignored = ERROR_INIT;
  (void)!mount_remove(plan->mount_point, &ignored);
  return false;
}
