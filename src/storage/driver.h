/* What a storage driver is, for who writes one. Callers see storage.h.
 *
 * A driver keeps the data of volumes and copies it. It is given ids, never paths: where data lies,
 * on this host or elsewhere, is its own business. storage.c does the rest: it checks ids, makes the
 * volume's directory and its log directory before the driver is asked, and removes them after it.
 *
 * A driver whose data is on this host anyway (btrfs, files) keeps it in POOL/volumes/ID/data. One
 * whose data is elsewhere makes it appear there in attach. */
#pragma once

#include "storage/marker.h"
#include "storage/storage.h"

typedef struct StorageDriver StorageDriver;

struct Pool {
  const StorageDriver *driver;
  PoolMarker marker;
  char *path;
  char *wal_root;
  unsigned features; /* what this pool can, of what the driver can */
  int volumes;       /* POOL/volumes */
  int wal;           /* wal_root */
};

/* Names in a volume's directory. Data is under its own name only when it is complete. */
#define VOLUME_DATA "data"
#define VOLUME_HALF "data.half" /* being made, or being removed */
#define VOLUME_WAL "wal"

struct StorageDriver {
  const char *name;    /* in the marker, config.json and the documents */
  const char *summary; /* one line for them */
  unsigned features;   /* the most that a pool of it can; the pool says which of them it has */

  /* Required. */

  /* Whether a pool of this driver can lie in that directory. Changes nothing. */
  bool (*suits)(int directory);
  /* Once, when a pool is made in that directory: tries what the place can do and notes it in the
   * marker. Leaves nothing behind. */
  bool (*prepare)(int directory, PoolMarker *marker, Error *err);
  /* Each time a pool is opened: refuses a place that isn't what the marker says, with
   * ERROR_POOL_MISSING, and sets pool->features. Cheap. */
  bool (*open)(Pool *pool, Error *err);
  /* Whether the volume has complete data. */
  bool (*exists)(const Pool *pool, const char *id);
  /* Makes empty data, mode 0700, durable on return. A failure may leave a half-made one. */
  bool (*create)(Pool *pool, const char *id, Error *err);
  /* Makes the data of id a copy of source's, which exists; durable on return. Data that can be seen
   * is complete: a process that is killed in here leaves a half-made volume at most. */
  bool (*fork)(Pool *pool, const char *source, const char *id, Error *err);
  /* Removes the data, complete or half-made; none is fine. When killed in here, what is left isn't
   * seen as complete any more, and a second call removes it. */
  bool (*remove)(Pool *pool, const char *id, Error *err);
  /* Adds every volume, half-made ones too, and what isn't Bough's (volume_list_add_*). */
  bool (*list)(const Pool *pool, VolumeList *list, Error *err);
  /* All figures but wal. */
  bool (*usage)(const Pool *pool, const char *id, VolumeUsage *ret, Error *err);

  /* Optional: NULL where data is on this host without further ado. */

  /* Makes the data reachable on this host; once more is fine. Fails with ERROR_BRANCH_BUSY while it
   * is attached to another one. */
  bool (*attach)(Pool *pool, const char *id, Error *err);
  /* Gives it up again, with all its writes where another host sees them; not attached is fine. */
  bool (*detach)(Pool *pool, const char *id, Error *err);
  /* Bytes that were accepted and that the file system's figure of free room doesn't count yet. */
  uint64_t (*pending)(const Pool *pool);
};

extern const StorageDriver btrfs_driver;
extern const StorageDriver files_driver;

/* The driver of that name, NULL if there is none. */
const StorageDriver *storage_driver_find(const char *name);
/* The first driver, best one first, that suits a directory; never NULL. */
const StorageDriver *storage_driver_for(int directory);

/* For drivers that keep data in POOL/volumes/ID (local.c). */

/* Opens the directory of a volume; *ret is owned by the caller. */
CHECKED bool local_open(const Pool *pool, const char *id, int *ret, Error *err);
bool local_exists(const Pool *pool, const char *id);
/* Removes data file by file, under VOLUME_HALF, so that what is partly gone isn't seen as complete.
 */
CHECKED bool local_remove(Pool *pool, const char *id, Error *err);
/* Whether name in POOL/volumes is a volume: a plain directory with an id for a name. A subvolume or
 * a mount by such a name is on a device of its own: somebody else made it. */
bool local_is_volume(int volumes, const char *name);
/* Gives finished data (VOLUME_HALF) its name, durably. volume: the volume's directory. */
CHECKED bool local_publish(const Pool *pool, int volume, Error *err);
CHECKED bool local_list(const Pool *pool, VolumeList *list, Error *err);

void volume_list_add_id(VolumeList *list, const char *id);
void volume_list_add_foreign(VolumeList *list, char *name); /* name is stolen */
