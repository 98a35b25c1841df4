/* The driver that works anywhere: a volume is a directory of files, a fork is a copy of each of
 * them, sharing their blocks where the file system can. */
#include "storage/driver.h"

#include "core/io.h"
#include "core/str.h"
#include "storage/copy.h"
#include "storage/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool files_suits(int directory) {
  return true;
}

static bool files_prepare(int directory, PoolMarker *marker, Error *err) {
  return copy_prove_reflink(directory, &marker->reflink, err);
}

static bool files_open(Pool *pool, Error *err) {
  pool->features = STORAGE_FREED | (pool->marker.reflink ? STORAGE_SHARES : 0);
  return true;
}

static bool files_create(Pool *pool, const char *id, Error *err) {
  AUTO_RELEASE(fd_release) int volume = -1;
  if (!local_open(pool, id, &volume, err))
    return false;
  if (mkdirat(volume, VOLUME_HALF, 0700) != 0)
    return error_set_errno(err, errno, "could not create the data directory");
  return local_publish(pool, volume, err);
}

/* syncfs, as a flush of each of a thousand files costs a thousand commits of the journal. It
 * reports failed writes since the descriptor was opened, so the volume is opened before anything is
 * written. */
static bool files_fork(Pool *pool, const char *source, const char *id, Error *err) {
  AUTO_RELEASE(fd_release) int from = -1;
  AUTO_RELEASE(fd_release) int volume = -1;
  if (!local_open(pool, source, &from, err) || !local_open(pool, id, &volume, err) ||
      !copy_tree(from, VOLUME_DATA, volume, VOLUME_HALF, pool->marker.reflink, err))
    return false;
  if (syncfs(volume) != 0)
    return error_set_errno(err, errno, "could not flush the copy");
  return local_publish(pool, volume, err);
}

static bool files_usage(const Pool *pool, const char *id, VolumeUsage *ret, Error *err) {
  AUTO_RELEASE(fd_release) int volume = -1;
  return local_open(pool, id, &volume, err) &&
         usage_measure(volume, (pool->features & STORAGE_SHARES) != 0, ret, err);
}

const StorageDriver files_driver = {
    .name = "files",
    .summary = "any file system: reflinks per file where it has them, else plain copies",
    .features = STORAGE_SHARES | STORAGE_FREED,
    .suits = files_suits,
    .prepare = files_prepare,
    .open = files_open,
    .exists = local_exists,
    .create = files_create,
    .fork = files_fork,
    .remove = local_remove,
    .list = local_list,
    .usage = files_usage,
};
