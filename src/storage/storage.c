/* Volumes as callers see them: checks, directories and logs; the data itself is the driver's. */
#include "storage/storage.h"

#include "core/io.h"
#include "core/str.h"
#include "storage/driver.h"
#include "storage/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Best one first. */
static const StorageDriver *const drivers[] = {&btrfs_driver, &files_driver};

const StorageDriver *storage_driver_find(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(drivers); at++)
    if (str_equal(drivers[at]->name, name))
      return drivers[at];
  return NULL;
}

const StorageDriver *storage_driver_for(int directory) {
  size_t at = 0;
  while (at < ARRAY_LENGTH(drivers) - 1 && !drivers[at]->suits(directory))
    at++;
  return drivers[at];
}

static bool check_id(const char *id, Error *err) {
  return (id != NULL && id_check("vol", id)) ||
         error_set(err, ERROR_INVALID_NAME, "invalid volume id \"%.80s\"", id != NULL ? id : "");
}

/* -------- pools -------- */

static bool open_directory(const char *path, int *ret, Error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open directory \"%s\"", path);
  *ret = fd;
  return true;
}

/* Marker, driver and directories of a pool whose paths are set. */
static bool open_parts(Pool *pool, const char *driver, Error *err) {
  if (!marker_read(pool->path, &pool->marker, err))
    return false;
  pool->driver = storage_driver_find(pool->marker.driver);
  if (pool->driver == NULL || !str_equal(driver, pool->driver->name))
    return error_set(err, ERROR_POOL_MISSING, "the pool at \"%s\" was made for driver \"%s\"",
                     pool->path, pool->marker.driver);
  AUTO(str_free) char *volumes = path_join(pool->path, "volumes");
  return open_directory(volumes, &pool->volumes, err) &&
         open_directory(pool->wal_root, &pool->wal, err) && pool->driver->open(pool, err);
}

bool pool_open(const char *driver, const char *path, const char *wal_root, Pool **ret, Error *err) {
  if (path[0] != '/' || wal_root[0] != '/')
    return error_set(err, ERROR_USAGE, "paths of a pool must be absolute");
  AUTO(pool_free) Pool *pool = mem_new(1, sizeof *pool);
  pool->path = str_dup(path);
  pool->wal_root = str_dup(wal_root);
  pool->volumes = pool->wal = -1;
  if (!open_parts(pool, driver, err))
    return false;
  *ret = STEAL(pool);
  return true;
}

void pool_free(Pool *pool) {
  if (pool == NULL)
    return;
  fd_release(&pool->volumes);
  fd_release(&pool->wal);
  str_free(pool->path);
  str_free(pool->wal_root);
  mem_free(pool);
}

bool pool_status(const Pool *pool, PoolStatus *ret, Error *err) {
  struct statvfs status;
  if (fstatvfs(pool->volumes, &status) != 0)
    return error_set_errno(err, errno, "could not ask for the room in \"%s\"", pool->path);
  *ret = (PoolStatus){.driver = pool->driver->name,
                      .features = pool->features,
                      .size = (uint64_t)status.f_blocks * status.f_frsize,
                      .available = (uint64_t)status.f_bavail * status.f_frsize};
  uint64_t pending = pool->driver->pending != NULL ? pool->driver->pending(pool) : 0;
  ret->available -= pending < ret->available ? pending : ret->available;
  return true;
}

/* -------- volumes -------- */

char *volume_data_path(const Pool *pool, const char *id) {
  if (!check_id(id, NULL))
    return NULL;
  return str_format("%s/volumes/%s/" VOLUME_DATA, pool->path, id);
}

char *volume_wal_path(const Pool *pool, const char *id) {
  return check_id(id, NULL) ? path_join(pool->wal_root, id) : NULL;
}

bool volume_exists(const Pool *pool, const char *id) {
  return check_id(id, NULL) && pool->driver->exists(pool, id);
}

/* Anything by that name, also what a killed predecessor or a stranger left. */
static bool is_taken(int directory, const char *name) {
  struct stat status;
  return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The volume's directory goes last: as long as anything is left, volume_list finds it there. */
static bool remove_all(Pool *pool, const char *id, Error *err) {
  AUTO(str_free) char *directory = str_format("%s/volumes/%s", pool->path, id);
  AUTO(str_free) char *wal = path_join(pool->wal_root, id);
  if (is_taken(pool->volumes, id) && !pool->driver->remove(pool, id, err))
    return false;
  return io_remove_tree(wal, err) && io_remove_tree(directory, err);
}

/* Removes on scope exit what a failed create or fork has made. */
typedef struct VolumeGuard {
  Pool *pool;
  const char *id; /* NULL: disarmed */
} VolumeGuard;

static void volume_guard_release(VolumeGuard *guard) {
  Error ignored =
      ERROR_INIT; /* the caller is being told why it failed; volume_list finds the rest */
  if (guard->id != NULL)
    (void)!remove_all(guard->pool, guard->id, &ignored);
}

/* The volume's directory, its log directory and the link between them. *ret_guard is armed as soon
 * as there is something to remove. */
static bool begin_volume(Pool *pool, const char *id, VolumeGuard *ret_guard, Error *err) {
  if (is_taken(pool->volumes, id) || is_taken(pool->wal, id))
    return error_set(err, ERROR_STORAGE_FAILED, "volume %s exists already", id);
  if (mkdirat(pool->volumes, id, 0700) != 0)
    return error_set_errno(err, errno, "could not create volume %s", id);
  *ret_guard = (VolumeGuard){pool, id};
  AUTO(str_free) char *target = path_join(pool->wal_root, id);
  AUTO(str_free) char *link = path_join(id, VOLUME_WAL);
  if (mkdirat(pool->wal, id, 0700) != 0)
    return error_set_errno(err, errno, "could not create the log directory of volume %s", id);
  return symlinkat(target, pool->volumes, link) == 0 ||
         error_set_errno(err, errno, "could not link the log directory of volume %s", id);
}

/* The log directory may be on another file system than the data: flushed on its own. */
static bool finish_volume(Pool *pool, VolumeGuard *guard, Error *err) {
  if (fsync(pool->wal) != 0)
    return error_set_errno(err, errno, "could not flush \"%s\"", pool->wal_root);
  guard->id = NULL;
  return true;
}

bool volume_create(Pool *pool, const char *id, Error *err) {
  AUTO_RELEASE(volume_guard_release) VolumeGuard guard = {0};
  return check_id(id, err) && begin_volume(pool, id, &guard, err) &&
         pool->driver->create(pool, id, err) && finish_volume(pool, &guard, err);
}

bool volume_fork(Pool *pool, const char *source, const char *id, Error *err) {
  AUTO_RELEASE(volume_guard_release) VolumeGuard guard = {0};
  if (!check_id(source, err) || !check_id(id, err))
    return false;
  if (!pool->driver->exists(pool, source))
    return error_set(err, ERROR_STORAGE_FAILED, "volume %s has no data to copy", source);
  return begin_volume(pool, id, &guard, err) && pool->driver->fork(pool, source, id, err) &&
         finish_volume(pool, &guard, err);
}

bool volume_delete(Pool *pool, const char *id, Error *err) {
  if (!check_id(id, err))
    return false;
  if (is_taken(pool->volumes, id) && !local_is_volume(pool->volumes, id))
    return error_set(err, ERROR_STORAGE_FAILED, "\"volumes/%s\" wasn't made by Bough, left alone",
                     id);
  return remove_all(pool, id, err) || error_prefix(err, "could not delete volume %s", id);
}

bool volume_attach(Pool *pool, const char *id, Error *err) {
  return check_id(id, err) && (pool->driver->attach == NULL || pool->driver->attach(pool, id, err));
}

bool volume_detach(Pool *pool, const char *id, Error *err) {
  return check_id(id, err) && (pool->driver->detach == NULL || pool->driver->detach(pool, id, err));
}

bool volume_usage(const Pool *pool, const char *id, VolumeUsage *ret, Error *err) {
  VolumeUsage usage = {.written = STORAGE_UNKNOWN};
  if (!check_id(id, err) || !pool->driver->usage(pool, id, &usage, err))
    return false;
  AUTO(str_free) char *path = volume_wal_path(pool, id);
  AUTO_RELEASE(fd_release) int wal = -1;
  if (!open_directory(path, &wal, err) || !usage_on_disk(wal, &usage.wal, err))
    return false;
  *ret = usage;
  return true;
}

/* -------- lists -------- */

void volume_list_add_id(VolumeList *list, const char *id) {
  list->ids = mem_resize(list->ids, list->count + 1, sizeof *list->ids);
  char *slot = list->ids[list->count++];
  memset(slot, 0, ID_SIZE);
  memcpy(slot, id, strnlen(id, ID_SIZE - 1));
}

void volume_list_add_foreign(VolumeList *list, char *name) {
  list->foreign = mem_resize(list->foreign, list->foreign_count + 1, sizeof *list->foreign);
  list->foreign[list->foreign_count++] = name;
}

void volume_list_release(VolumeList *list) {
  for (size_t at = 0; at < list->foreign_count; at++)
    str_free(list->foreign[at]);
  mem_free(list->foreign);
  mem_free(list->ids);
  *list = (VolumeList){0};
}

/* A power loss can keep the log directory of a volume and lose the rest, as they are on two file
 * systems. */
static bool add_lone_logs(const Pool *pool, VolumeList *list, Error *err) {
  DIR *directory = opendir(pool->wal_root);
  if (directory == NULL)
    return error_set_errno(err, errno, "could not list \"%s\"", pool->wal_root);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (id_check("vol", entry->d_name) && !is_taken(pool->volumes, entry->d_name))
      volume_list_add_id(list, entry->d_name);
  (void)closedir(directory);
  return true;
}

static int compare_ids(const void *a, const void *b) {
  return strcmp(a, b);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

bool volume_list(const Pool *pool, VolumeList *ret, Error *err) {
  AUTO_RELEASE(volume_list_release) VolumeList list = {0};
  if (!pool->driver->list(pool, &list, err) || !add_lone_logs(pool, &list, err))
    return false;
  if (list.count > 1)
    qsort(list.ids, list.count, sizeof *list.ids, compare_ids);
  if (list.foreign_count > 1)
    qsort(list.foreign, list.foreign_count, sizeof *list.foreign, compare_names);
  *ret = list;
  list = (VolumeList){0};
  return true;
}
