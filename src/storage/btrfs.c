/* The driver for btrfs: a volume's data is a nodatacow subvolume, a fork is one snapshot. */
#include "storage/btrfs.h"

#include "core/io.h"
#include "core/str.h"
#include "storage/driver.h"
#include "storage/usage.h"

#include <btrfsutil.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA
#define BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA 4 /* Linux 6.7; Debian 12's headers are older */
#endif

enum {
  LITTLE_ROOM = 8, /* less than 1/8 of the pool is free */
  SYSFS_LIMIT = 4096,
};

static bool is_btrfs(int directory) {
  struct statfs status;
  return fstatfs(directory, &status) == 0 && status.f_type == BTRFS_SUPER_MAGIC;
}

/* The library says what it was doing, errno why it failed. */
static bool fail(enum btrfs_util_error failure, const char *id, Error *err) {
  int cause = errno;
  return error_set_errno(err, cause, "volume %s: %s", id, btrfs_util_strerror(failure));
}

static bool btrfs_prepare(int directory, PoolMarker *marker, Error *err) {
  return true;
}

static bool btrfs_open(Pool *pool, Error *err) {
  if (!is_btrfs(pool->volumes))
    return error_set(err, ERROR_POOL_MISSING, "\"%s\" isn't on a btrfs any more", pool->path);
  pool->features = STORAGE_ATOMIC | STORAGE_INSTANT | STORAGE_SHARES | STORAGE_FREED |
                   (pool->marker.quota ? STORAGE_WRITTEN : 0);
  return true;
}

/* nodatacow has to be there before the first byte; files that are made below inherit it. Read back,
 * because a file system that takes the flag and drops it would cost half of all writes' speed. */
static bool set_nodatacow(int subvolume, Error *err) {
  int flags = 0;
  if (ioctl(subvolume, FS_IOC_GETFLAGS, &flags) != 0)
    return error_set_errno(err, errno, "could not read attributes");
  flags |= FS_NOCOW_FL;
  if (ioctl(subvolume, FS_IOC_SETFLAGS, &flags) != 0 ||
      ioctl(subvolume, FS_IOC_GETFLAGS, &flags) != 0)
    return error_set_errno(err, errno, "could not set nodatacow");
  return (flags & FS_NOCOW_FL) != 0 ||
         error_set(err, ERROR_STORAGE_FAILED, "the file system doesn't keep nodatacow");
}

/* Made under another name, so that data without its attribute is never seen. */
static bool btrfs_create(Pool *pool, const char *id, Error *err) {
  AUTO_RELEASE(fd_release) int volume = -1;
  if (!local_open(pool, id, &volume, err))
    return false;
  enum btrfs_util_error failure =
      btrfs_util_create_subvolume_fd(volume, VOLUME_HALF, 0, NULL, NULL);
  if (failure != BTRFS_UTIL_OK)
    return fail(failure, id, err);
  AUTO_RELEASE(fd_release)
  int data = openat(volume, VOLUME_HALF, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (data < 0 || fchmod(data, 0700) != 0)
    return error_set_errno(err, errno, "could not open the data directory of %s", id);
  if (!set_nodatacow(data, err))
    return false;
  return local_publish(pool, volume, err);
}

/* The ioctl commits its transaction before it returns: with the snapshot, everything that was made
 * earlier in the volume's directory is durable, so nothing more is flushed here. */
static bool btrfs_fork(Pool *pool, const char *source, const char *id, Error *err) {
  AUTO_RELEASE(fd_release) int from = -1;
  AUTO_RELEASE(fd_release) int volume = -1;
  if (!local_open(pool, source, &from, err) || !local_open(pool, id, &volume, err))
    return false;
  AUTO_RELEASE(fd_release)
  int data = openat(from, VOLUME_DATA, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (data < 0)
    return error_set_errno(err, errno, "could not open the data of %s", source);
  enum btrfs_util_error failure =
      btrfs_util_create_snapshot_fd2(data, volume, VOLUME_DATA, 0, NULL, NULL);
  return failure == BTRFS_UTIL_OK || fail(failure, id, err);
}

static bool delete_subvolume(int volume, const char *name) {
  return btrfs_util_delete_subvolume_fd(volume, name, 0) == BTRFS_UTIL_OK || errno == ENOENT;
}

/* What deleted subvolumes held is free only when btrfs has cleaned up behind them, which it does
 * every 30 seconds. Who deletes because the pool is nearly full needs it now: a sync wakes the
 * cleaner. */
static void hasten_cleanup(const Pool *pool) {
  struct statvfs status;
  if (fstatvfs(pool->volumes, &status) == 0 && status.f_bavail < status.f_blocks / LITTLE_ROOM)
    (void)btrfs_util_sync_fd(pool->volumes);
}

/* Where the mount doesn't let us delete a subvolume (a btrfs that isn't ours, without
 * user_subvol_rm_allowed), it can be emptied, and an empty one goes like a directory. */
static bool btrfs_remove(Pool *pool, const char *id, Error *err) {
  AUTO_RELEASE(fd_release) int volume = -1;
  if (!local_open(pool, id, &volume, err))
    return false;
  if ((!delete_subvolume(volume, VOLUME_DATA) || !delete_subvolume(volume, VOLUME_HALF)) &&
      !local_remove(pool, id, err))
    return false;
  hasten_cleanup(pool);
  return true;
}

static bool file_system_id(int directory, char ret[37], Error *err) {
  struct btrfs_ioctl_fs_info_args info = {0};
  if (ioctl(directory, BTRFS_IOC_FS_INFO, &info) != 0)
    return error_set_errno(err, errno, "could not ask for the file system's id");
  char *at = ret;
  for (size_t byte = 0; byte < sizeof info.fsid; byte++) {
    if (byte == 4 || byte == 6 || byte == 8 || byte == 10)
      *at++ = '-';
    at += snprintf(at, 3, "%02x", info.fsid[byte]);
  }
  return true;
}

static uint64_t read_allocation(const char *file_system, const char *figure) {
  AUTO(str_free)
  char *path = str_format("/sys/fs/btrfs/%s/allocation/data/%s", file_system, figure);
  AUTO(str_free) char *text = NULL;
  return io_read_file(path, SYSFS_LIMIT, &text, NULL, NULL) ? strtoull(text, NULL, 10) : 0;
}

/* What is written is first promised room (may_use), then given it (reserved), and counts as used
 * with the next commit, up to 30 seconds later. statvfs knows the last figure only: with much
 * memory gigabytes too little. */
static uint64_t btrfs_pending(const Pool *pool) {
  char id[37];
  if (!file_system_id(pool->volumes, id, NULL))
    return 0;
  return read_allocation(id, "bytes_may_use") + read_allocation(id, "bytes_reserved");
}

/* From sysfs, which everybody may read; the ioctl that searches the quota tree needs root. */
static bool read_written(int data, int64_t *ret, Error *err) {
  char file_system[37];
  uint64_t subvolume = 0;
  enum btrfs_util_error failure = btrfs_util_subvolume_id_fd(data, &subvolume);
  if (failure != BTRFS_UTIL_OK)
    return fail(failure, "", err);
  if (!file_system_id(data, file_system, err))
    return false;
  AUTO(str_free)
  char *path = str_format("/sys/fs/btrfs/%s/qgroups/0_%llu/exclusive", file_system,
                          (unsigned long long)subvolume);
  AUTO(str_free) char *text = NULL;
  if (!io_read_file(path, 64, &text, NULL, err))
    return false;
  *ret = strtoll(text, NULL, 10);
  return true;
}

static bool btrfs_usage(const Pool *pool, const char *id, VolumeUsage *ret, Error *err) {
  AUTO_RELEASE(fd_release) int volume = -1;
  if (!local_open(pool, id, &volume, err) || !usage_measure(volume, true, ret, err))
    return false;
  AUTO_RELEASE(fd_release)
  int data = openat(volume, VOLUME_DATA, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  Error unknown = ERROR_INIT; /* an administrator may have switched quotas off again */
  if (data < 0 || !pool->marker.quota || !read_written(data, &ret->written, &unknown))
    ret->written = STORAGE_UNKNOWN;
  return true;
}

bool btrfs_enable_simple_quota(int directory, Error *err) {
  struct btrfs_ioctl_quota_ctl_args control = {.cmd = BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA};
  if (ioctl(directory, BTRFS_IOC_QUOTA_CTL, &control) == 0)
    return true;
  if (errno != EINVAL && errno != EOPNOTSUPP)
    return error_set_errno(err, errno, "could not switch simple quotas on");
  (void)error_set(err, ERROR_UNSUPPORTED, "this kernel's btrfs has no simple quotas");
  return error_hint(err, "they need Linux 6.7; make the pool without --quota");
}

bool btrfs_device_path(int directory, char ret[BTRFS_DEVICE_SIZE], Error *err) {
  struct btrfs_ioctl_dev_info_args info = {.devid = 1};
  if (ioctl(directory, BTRFS_IOC_DEV_INFO, &info) != 0)
    return error_set_errno(err, errno, "could not ask for the pool's device");
  (void)snprintf(ret, BTRFS_DEVICE_SIZE, "%.*s", (int)sizeof info.path, (const char *)info.path);
  return true;
}

const StorageDriver btrfs_driver = {
    .name = "btrfs",
    .summary = "btrfs subvolumes without copy-on-write of data; a fork is one snapshot",
    .features = STORAGE_ATOMIC | STORAGE_INSTANT | STORAGE_SHARES | STORAGE_WRITTEN | STORAGE_FREED,
    .suits = is_btrfs,
    .prepare = btrfs_prepare,
    .open = btrfs_open,
    .exists = local_exists,
    .create = btrfs_create,
    .fork = btrfs_fork,
    .remove = btrfs_remove,
    .list = local_list,
    .usage = btrfs_usage,
    .pending = btrfs_pending,
};
