/* Segments of the log as files. */
#include "pg/wal.h"

#include "core/io.h"
#include "pg/walreader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { SEGMENT_SIZE_MIN = 1 << 20, SEGMENT_SIZE_MAX = 1 << 30 };

/* The source of pages behind wal_walk: one open segment at a time. */
typedef struct Directory {
  const char *path;
  uint32_t timeline;
  uint32_t segment_size;
  Lsn segment; /* address of the open one */
  int fd;      /* -1: none */
} Directory;

void wal_file_name(uint32_t timeline, Lsn lsn, uint32_t segment_size,
                   char ret[WAL_FILE_NAME_SIZE]) {
  /* The last two numbers are the address in units of 4 GB and of segments within those. */
  (void)snprintf(ret, WAL_FILE_NAME_SIZE, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32, timeline,
                 (uint32_t)(lsn >> 32), (uint32_t)lsn / segment_size);
}

static bool open_segment(Directory *directory, Lsn segment, Error *err) {
  if (directory->fd >= 0 && directory->segment == segment)
    return true;
  fd_release(&directory->fd);
  char name[WAL_FILE_NAME_SIZE];
  wal_file_name(directory->timeline, segment, directory->segment_size, name);
  AUTO(str_free) char *path = path_join(directory->path, name);
  directory->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (directory->fd < 0 && errno != ENOENT)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  directory->segment = segment;
  return true;
}

/* A file that ends early has no such page: a log may end anywhere. */
static bool read_page(void *context, Lsn address, uint8_t ret[WAL_PAGE_SIZE], bool *ret_exists,
                      Error *err) {
  Directory *directory = context;
  off_t offset = (off_t)(address & (directory->segment_size - 1));
  if (!open_segment(directory, address - (Lsn)offset, err))
    return false;
  *ret_exists = false;
  if (directory->fd < 0)
    return true;
  ssize_t count = pread(directory->fd, ret, WAL_PAGE_SIZE, offset);
  if (count < 0)
    return error_set_errno(err, errno, "could not read the log in \"%s\"", directory->path);
  *ret_exists = count == WAL_PAGE_SIZE;
  return true;
}

bool wal_walk(const char *wal_directory, uint64_t system_identifier, uint32_t timeline,
              uint32_t segment_size, Lsn start, Lsn limit, WalWalk *ret, Error *err) {
  if (segment_size < SEGMENT_SIZE_MIN || segment_size > SEGMENT_SIZE_MAX ||
      (segment_size & (segment_size - 1)) != 0)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "%" PRIu32 " is no size of a log segment",
                     segment_size);
  Directory directory = {
      .path = wal_directory, .timeline = timeline, .segment_size = segment_size, .fd = -1};
  WalSource source = {read_page, &directory};
  WalLog log = {.system_identifier = system_identifier,
                .timeline = timeline,
                .segment_size = segment_size,
                .start = start};
  bool ok = wal_read(&source, &log, start, limit, ret, err);
  fd_release(&directory.fd);
  return ok;
}
