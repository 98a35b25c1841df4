/* Storage pools and the volumes in them: what callers see. driver.h is for who writes a driver.
 *
 * A volume POOL/volumes/ID/ holds data (PGDATA; with btrfs a subvolume, nodatacow) and wal, a link
 * to the volume's log directory outside the pool. data/pg_wal is the relative link ../wal, so a
 * snapshot whose own wal link isn't there yet can't open its parent's log. All of it belongs to the
 * compute account; these functions run there (in bough-agent). A pool carries a marker file
 * (bough-pool.json) with the installation's id; what has no marker of ours is never changed. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/name.h"

/* STORAGE_ATOMIC: the fork of a running server is as a power loss would leave it. With a write that
 * is in it comes everything that was flushed before that write began. Writes that nobody flushed
 * may be in it in any order: that is what the log is for. */
typedef enum StorageFeature {
  STORAGE_ATOMIC = 1 << 0,  /* fork needs no help from a running server */
  STORAGE_INSTANT = 1 << 1, /* fork takes a time that doesn't grow with the volume */
  STORAGE_SHARES = 1 << 2,  /* a fork shares blocks with its source until they are written */
  STORAGE_WRITTEN = 1 << 3, /* can tell how many bytes a volume has written (quota) */
  STORAGE_FREED = 1 << 4,   /* can tell what deleting a volume would free */
} StorageFeature;

typedef struct Pool Pool;

typedef struct PoolStatus {
  const char *driver;
  unsigned features;
  uint64_t size;
  uint64_t available; /* bytes that can still be written, as the file system sees it */
} PoolStatus;

enum { STORAGE_UNKNOWN = -1 };

typedef struct VolumeUsage {
  int64_t logical; /* bytes of the files as a reader sees them (holes not counted) */
  int64_t written; /* by this volume since it was made, as of the last commit, or STORAGE_UNKNOWN */
  int64_t freed;   /* what deleting it would free, without its log, or STORAGE_UNKNOWN */
  int64_t wal;     /* bytes on disk of its log directory */
  int64_t extents; /* of its largest file, as a measure of fragmentation, or STORAGE_UNKNOWN */
} VolumeUsage;

typedef struct VolumeList {
  char (*ids)[ID_SIZE];
  size_t count;
  char **foreign; /* names in the pool that aren't Bough's: reported, left alone */
  size_t foreign_count;
} VolumeList;
void volume_list_release(VolumeList *list);

/* Opens the pool at path, made by pool_format before. wal_root is the directory for logs. Fails
 * with ERROR_POOL_MISSING when the marker isn't there (not mounted) or names another driver. */
CHECKED bool pool_open(const char *driver, const char *path, const char *wal_root, Pool **ret,
                       Error *err);
void pool_free(Pool *pool);
DEFINE_AUTO(Pool *, pool_free)

CHECKED bool pool_status(const Pool *pool, PoolStatus *ret, Error *err);

/* Paths of a volume, owned by the caller; the volume needn't exist. NULL for a bad id. */
char *volume_data_path(const Pool *pool, const char *id);
char *volume_wal_path(const Pool *pool, const char *id);

/* Whether it is there with complete data. */
bool volume_exists(const Pool *pool, const char *id);

/* An empty data directory (0700) with its empty log directory. On failure nothing is left. */
CHECKED bool volume_create(Pool *pool, const char *id, Error *err);

/* A copy of source's data as volume id, with an empty log directory of its own. Where the driver
 * isn't STORAGE_ATOMIC the caller sees to it that the source is stopped or in backup mode. On
 * failure nothing is left. */
CHECKED bool volume_fork(Pool *pool, const char *source, const char *id, Error *err);

/* Removes the volume, half-made ones too; one that isn't there is fine. */
CHECKED bool volume_delete(Pool *pool, const char *id, Error *err);

/* Before anything reads or writes the data of a volume on this host, and after the last one has.
 * Needed where data is elsewhere; with the drivers for one machine they do nothing. */
CHECKED bool volume_attach(Pool *pool, const char *id, Error *err);
CHECKED bool volume_detach(Pool *pool, const char *id, Error *err);

/* All volumes, half-made ones too, and what isn't Bough's. */
CHECKED bool volume_list(const Pool *pool, VolumeList *ret, Error *err);

/* Costs a walk over the files. */
CHECKED bool volume_usage(const Pool *pool, const char *id, VolumeUsage *ret, Error *err);

/* Set-up, the only part that may need root: where a pool lies, made and mounted. */
typedef struct PoolPlan {
  const char *path;        /* an existing directory to use (btrfs, or anything: files), or NULL */
  const char *device;      /* a block device to format as btrfs, or NULL */
  const char *image;       /* a file to make and format as btrfs, or NULL */
  uint64_t size;           /* of the image, bytes */
  bool quota;              /* simple quotas, opt-in: see docs/adr */
  const char *mount_point; /* for device and image */
  unsigned owner_uid, owner_gid; /* the compute account */
} PoolPlan;

/* Makes and mounts the pool; *ret_driver is "btrfs" or "files", *ret_path where it lies (owned). A
 * device or image that holds something is refused. Nothing half-made is left. */
CHECKED bool pool_format(const PoolPlan *plan, const char **ret_driver, char **ret_path,
                         Error *err);

/* Mounts a device or image pool again (after a reboot); fine if it is mounted. */
CHECKED bool pool_mount(const PoolPlan *plan, Error *err);

/* The text of a systemd mount unit for the plan, owned; *ret_name is the unit's file name, owned.
 */
CHECKED bool pool_mount_unit(const PoolPlan *plan, char **ret_name, char **ret_text, Error *err);
