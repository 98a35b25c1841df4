/* What drivers share whose volumes are directories on this host: POOL/volumes/ID/data. */
#include "storage/driver.h"

#include "core/io.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool local_open(const Pool *pool, const char *id, int *ret, Error *err) {
  int fd = openat(pool->volumes, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open volume %s", id);
  *ret = fd;
  return true;
}

bool local_exists(const Pool *pool, const char *id) {
  AUTO_RELEASE(fd_release) int volume = -1;
  struct stat status;
  return local_open(pool, id, &volume, NULL) &&
         fstatat(volume, VOLUME_DATA, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

bool local_publish(const Pool *pool, int volume, Error *err) {
  if (renameat(volume, VOLUME_HALF, volume, VOLUME_DATA) != 0 || fsync(volume) != 0 ||
      fsync(pool->volumes) != 0)
    return error_set_errno(err, errno, "could not finish the volume");
  return true;
}

bool local_remove(Pool *pool, const char *id, Error *err) {
  AUTO(str_free) char *half = str_format("%s/volumes/%s/" VOLUME_HALF, pool->path, id);
  AUTO(str_free) char *data = volume_data_path(pool, id);
  if (!io_remove_tree(half, err))
    return false;
  if (rename(data, half) != 0 && errno != ENOENT)
    return error_set_errno(err, errno, "could not move \"%s\" away", data);
  return io_remove_tree(half, err);
}

typedef void ListEntry(VolumeList *list, int directory, const char *name);

static bool list_directory(int parent, const char *name, ListEntry *add, VolumeList *list,
                           Error *err) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
  if (directory == NULL) {
    (void)error_set_errno(err, errno, "could not list \"%s\" of the pool", name);
    fd_release(&fd);
    return false;
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
      add(list, fd, entry->d_name);
  (void)closedir(directory);
  return true;
}

static void add_pool_entry(VolumeList *list, int directory, const char *name) {
  if (!str_equal(name, POOL_MARKER) && !str_equal(name, "volumes"))
    volume_list_add_foreign(list, str_dup(name));
}

bool local_is_volume(int volumes, const char *name) {
  struct stat own, status;
  return id_check("vol", name) && fstat(volumes, &own) == 0 &&
         fstatat(volumes, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
         status.st_dev == own.st_dev;
}

static void add_volume(VolumeList *list, int volumes, const char *name) {
  if (local_is_volume(volumes, name))
    volume_list_add_id(list, name);
  else
    volume_list_add_foreign(list, path_join("volumes", name));
}

bool local_list(const Pool *pool, VolumeList *list, Error *err) {
  return list_directory(pool->volumes, "..", add_pool_entry, list, err) &&
         list_directory(pool->volumes, ".", add_volume, list, err);
}
