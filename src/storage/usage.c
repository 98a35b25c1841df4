/* Walks over the files of a volume and asks the file system for each one's extents. */
#include "storage/usage.h"

#include "core/io.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  DEPTH_LIMIT = 32,      /* PGDATA has 3 levels; a hostile one must not eat all descriptors */
  EXTENT_BATCH = 256,    /* per ioctl */
  STAT_BLOCK_SIZE = 512, /* of st_blocks, whatever the file system's own is */
};

typedef struct Tally {
  bool map;         /* look at extents as well */
  bool map_missing; /* the file system has no FIEMAP */
  int64_t logical;
  int64_t on_disk;
  int64_t exclusive;
  int64_t largest; /* bytes on disk of the largest file */
  int64_t largest_extents;
} Tally;

static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* One ioctl's worth of extents from offset on; false at the end of the file. */
static bool map_batch(int file, struct fiemap *map, uint64_t *offset, Tally *tally,
                      int64_t *extents) {
  map->fm_start = *offset;
  map->fm_length = FIEMAP_MAX_OFFSET - *offset;
  map->fm_flags = 0; /* no FIEMAP_FLAG_SYNC: a figure is not worth a flush of a busy parent */
  map->fm_extent_count = EXTENT_BATCH;
  if (ioctl(file, FS_IOC_FIEMAP, map) != 0) {
    tally->map_missing = true;
    return false;
  }
  /* Inline data lies in the metadata, which isn't counted. */
  const uint32_t not_freed = FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_DATA_INLINE;
  for (uint32_t at = 0; at < map->fm_mapped_extents; at++) {
    const struct fiemap_extent *extent = &map->fm_extents[at];
    *offset = extent->fe_logical + extent->fe_length;
    *extents += 1;
    if ((extent->fe_flags & not_freed) == 0)
      tally->exclusive += (int64_t)extent->fe_length;
    if ((extent->fe_flags & FIEMAP_EXTENT_LAST) != 0)
      return false;
  }
  return map->fm_mapped_extents > 0;
}

static int64_t map_file(int file, Tally *tally) {
  union {
    struct fiemap map;
    char space[sizeof(struct fiemap) + EXTENT_BATCH * sizeof(struct fiemap_extent)];
  } batch = {0};
  int64_t extents = 0;
  uint64_t offset = 0;
  while (map_batch(file, &batch.map, &offset, tally, &extents))
    ;
  return extents;
}

static bool tally_file(int directory, const char *name, const struct stat *status, Tally *tally,
                       Error *err) {
  int64_t on_disk = (int64_t)status->st_blocks * STAT_BLOCK_SIZE;
  tally->on_disk += on_disk;
  tally->logical += min64(on_disk, (int64_t)status->st_size);
  if (!tally->map || tally->map_missing)
    return true;
  AUTO_RELEASE(fd_release)
  int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not open \"%s\"", name);
  int64_t extents = map_file(file, tally);
  if (on_disk > tally->largest) {
    tally->largest = on_disk;
    tally->largest_extents = extents;
  }
  return true;
}

static bool tally_directory(int parent, const char *name, int depth, Tally *tally, Error *err);

static bool tally_entry(int directory, const char *name, int depth, Tally *tally, Error *err) {
  struct stat status;
  if (str_equal(name, ".") || str_equal(name, ".."))
    return true;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not look at \"%s\"", name);
  if (S_ISDIR(status.st_mode))
    return tally_directory(directory, name, depth + 1, tally, err);
  return !S_ISREG(status.st_mode) || tally_file(directory, name, &status, tally, err);
}

static bool tally_directory(int parent, const char *name, int depth, Tally *tally, Error *err) {
  if (depth > DEPTH_LIMIT)
    return error_set(err, ERROR_STORAGE_FAILED, "more than %d directories deep", DEPTH_LIMIT);
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not open \"%s\"", name);
  DIR *directory = fdopendir(fd);
  if (directory == NULL) {
    fd_release(&fd);
    return error_set_errno(err, errno, "could not read directory \"%s\"", name);
  }
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(directory)) != NULL;)
    ok = tally_entry(fd, entry->d_name, depth, tally, err);
  (void)closedir(directory);
  return ok;
}

bool usage_measure(int directory, bool shares, VolumeUsage *ret, Error *err) {
  Tally tally = {.map = true};
  if (!tally_directory(directory, ".", 0, &tally, err))
    return false;
  ret->logical = tally.logical;
  ret->extents = tally.map_missing ? STORAGE_UNKNOWN : tally.largest_extents;
  if (!shares)
    ret->freed = tally.on_disk;
  else
    ret->freed = tally.map_missing ? STORAGE_UNKNOWN : tally.exclusive;
  return true;
}

bool usage_on_disk(int directory, int64_t *ret, Error *err) {
  Tally tally = {0};
  if (!tally_directory(directory, ".", 0, &tally, err))
    return false;
  *ret = tally.on_disk;
  return true;
}
