/* Walks over the extents of two files side by side. */
#include "storage/extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { BATCH = 64 };

typedef struct Extents {
  int file;
  uint64_t from; /* where the next batch begins */
  uint32_t at, count;
  bool is_last; /* there is no batch behind this one */
  union {
    struct fiemap map;
    char space[sizeof(struct fiemap) + BATCH * sizeof(struct fiemap_extent)];
  } batch;
} Extents;

static bool load(Extents *extents) {
  struct fiemap *map = &extents->batch.map;
  *map = (struct fiemap){.fm_start = extents->from,
                         .fm_length = FIEMAP_MAX_OFFSET - extents->from,
                         .fm_extent_count = BATCH};
  if (ioctl(extents->file, FS_IOC_FIEMAP, map) != 0)
    return false;
  extents->at = 0;
  extents->count = map->fm_mapped_extents;
  extents->is_last = extents->count == 0;
  if (extents->count > 0) {
    const struct fiemap_extent *last = &map->fm_extents[extents->count - 1];
    extents->from = last->fe_logical + last->fe_length;
    extents->is_last = (last->fe_flags & FIEMAP_EXTENT_LAST) != 0;
  }
  return true;
}

/* *ret is NULL at the end of the file. */
static bool next(Extents *extents, const struct fiemap_extent **ret) {
  *ret = NULL;
  if (extents->at == extents->count && !extents->is_last && !load(extents))
    return false;
  if (extents->at < extents->count)
    *ret = &extents->batch.map.fm_extents[extents->at++];
  return true;
}

static bool are_same(const struct fiemap_extent *left, const struct fiemap_extent *right) {
  const uint32_t vague = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |
                         FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_NOT_ALIGNED |
                         FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL;
  return ((left->fe_flags | right->fe_flags) & vague) == 0 &&
         (left->fe_flags & FIEMAP_EXTENT_UNWRITTEN) ==
             (right->fe_flags & FIEMAP_EXTENT_UNWRITTEN) &&
         left->fe_logical == right->fe_logical && left->fe_physical == right->fe_physical &&
         left->fe_length == right->fe_length;
}

bool extents_are_shared(int left, int right) {
  struct stat left_status;
  struct stat right_status;
  if (fstat(left, &left_status) != 0 || fstat(right, &right_status) != 0 ||
      left_status.st_size != right_status.st_size)
    return false;
  Extents lefts = {.file = left};
  Extents rights = {.file = right};
  for (;;) {
    const struct fiemap_extent *one = NULL;
    const struct fiemap_extent *other = NULL;
    if (!next(&lefts, &one) || !next(&rights, &other) || (one == NULL) != (other == NULL))
      return false;
    if (one == NULL)
      return true;
    if (!are_same(one, other))
      return false;
  }
}
