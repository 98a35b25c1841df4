/* Copies the log that a snapshot needs, out from under a server that may be writing and recycling
 * it, and proves that nothing is missing.
 *
 * What must be in the copy. The flush position is read after the snapshot, so every page of the
 * snapshot and every commit that was confirmed before it depends only on records that ended at or
 * before that position: all of those have to be in the copy, whole. A flush position is one of
 *   - the end of a record: somebody waited for that record;
 *   - a page boundary inside a record: full pages are written, and whole segments flushed, on
 * behalf of records that are longer than what is left of a page. Such a record was not flushed,
 * nobody was told of it, and recovery gives it up;
 *   - nothing else. pg_current_wal_insert_lsn() would put a position behind a page header that
 *     nothing was written to yet; no record's byte lies in between, so it counts as the boundary.
 * So the walk over the copy must get to that position, or be stopped by it: at a page boundary,
 * inside a record that up to there is what it should be. */
#include "pg/walcopy.h"

#include "core/failpoint.h"
#include "core/io.h"
#include "pg/dir.h"
#include "pg/walpage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  CHUNK_SIZE = 32 * WAL_PAGE_SIZE,
  HISTORY_SIZE_MAX = 1 << 20,
  HISTORY_NAME_LENGTH = 16, /* 8 digits and ".history" */
};

/* One copy at work. */
typedef struct Copier {
  const WalCopy *copy;
  WalLog log;
  Lsn end;            /* what has to be reached */
  int source, target; /* the directories */
  uint8_t *chunk;     /* CHUNK_SIZE */
  WalCopyResult result;
} Copier;

/* The part of one segment that is copied. */
typedef struct Part {
  Lsn segment;  /* where it starts */
  Lsn from, to; /* whole pages */
  char name[WAL_FILE_NAME_SIZE];
} Part;

static void copier_release(Copier *copier) {
  fd_release(&copier->source);
  fd_release(&copier->target);
  mem_free(copier->chunk);
}

static Lsn round_down(Lsn position, Lsn unit) {
  return position & ~(unit - 1);
}

static Lsn round_up(Lsn position, Lsn unit) {
  return round_down(position + unit - 1, unit);
}

static bool is_zero(const uint8_t *bytes, size_t length) {
  return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* The rest of a segment behind a switch is zeros, headers too. Whether such a page has the right to
 * be empty shows in the walk. */
static bool check_pages(Copier *copier, Lsn address, size_t length, Error *err) {
  for (size_t at = 0; at < length; at += WAL_PAGE_SIZE) {
    WalPage page;
    if (!is_zero(copier->chunk + at, WAL_SHORT_HEADER) &&
        !wal_page_decode(&copier->log, address + at, copier->chunk + at, &page, err))
      return false;
  }
  return true;
}

static bool copy_pages(Copier *copier, const Part *part, int source, int target, Lsn from, Lsn to,
                       Error *err) {
  for (Lsn at = from; at < to;) {
    size_t length = to - at < CHUNK_SIZE ? (size_t)(to - at) : CHUNK_SIZE;
    off_t offset = (off_t)(at - part->segment);
    if (!io_pread(source, copier->chunk, length, offset, err) ||
        !check_pages(copier, at, length, err))
      return false;
    if (!is_zero(copier->chunk, length)) { /* else the hole that is there says the same */
      if (!io_pwrite(target, copier->chunk, length, offset, err))
        return false;
      copier->result.bytes += length;
    }
    at += length;
  }
  return true;
}

/* The first page is what recovery knows a segment by. */
static bool copy_part(Copier *copier, const Part *part, int source, int target, Error *err) {
  if (part->from > part->segment &&
      !copy_pages(copier, part, source, target, part->segment, part->segment + WAL_PAGE_SIZE, err))
    return false;
  return copy_pages(copier, part, source, target, part->from, part->to, err);
}

static bool recycled(Copier *copier, const Part *part, Error *err) {
  copier->result.recycled = true;
  return error_set(err, ERROR_SNAPSHOT_INVALID, "the source has recycled the log segment %s",
                   part->name);
}

/* A server recycles a segment by renaming it, and writes to it only then. So if the name still
 * means the file that was read, all of it was read before. */
static bool is_still_named(const Copier *copier, const Part *part, int source) {
  struct stat opened, named;
  return fstat(source, &opened) == 0 &&
         fstatat(copier->source, part->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static bool check_size(const Copier *copier, const Part *part, int source, Error *err) {
  struct stat status;
  if (fstat(source, &status) != 0)
    return error_set_errno(err, errno, "could not look at the log segment %s", part->name);
  if (!S_ISREG(status.st_mode) || status.st_size != (off_t)copier->log.segment_size)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "the log segment %s has a wrong size",
                     part->name);
  return true;
}

static int make_segment(const Copier *copier, const Part *part, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd =
      openat(copier->target, part->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)copier->log.segment_size) != 0) {
    (void)error_set_errno(err, errno, "could not create the log segment %s", part->name);
    return -1;
  }
  int made = fd;
  fd = -1;
  return made;
}

static bool copy_segment(Copier *copier, const Part *part, Error *err) {
  AUTO_RELEASE(fd_release)
  int source = openat(copier->source, part->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0)
    return errno == ENOENT
               ? recycled(copier, part, err)
               : error_set_errno(err, errno, "could not open the log segment %s", part->name);
  AUTO_RELEASE(fd_release) int target = make_segment(copier, part, err);
  if (target < 0)
    return false;
  /* Pages that are wrong because the segment was recycled are no failure of their own. */
  Error failure = ERROR_INIT;
  bool ok = check_size(copier, part, source, &failure) &&
            copy_part(copier, part, source, target, &failure);
  if (!is_still_named(copier, part, source))
    return recycled(copier, part, err);
  if (!ok && err != NULL)
    *err = failure;
  return ok;
}

/* The part of the segment that holds position, which is redo or a segment's start. */
static Part part_at(const Copier *copier, Lsn position) {
  Lsn segment_size = copier->log.segment_size;
  Part part = {.segment = round_down(position, segment_size),
               .from = round_down(position, WAL_PAGE_SIZE),
               .to = round_up(copier->end, WAL_PAGE_SIZE)};
  if (part.to > part.segment + segment_size)
    part.to = part.segment + segment_size;
  wal_file_name(copier->log.timeline, part.segment, copier->log.segment_size, part.name);
  return part;
}

static bool copy_segments(Copier *copier, Error *err) {
  for (Lsn at = copier->log.start; at < copier->end;) {
    Part part = part_at(copier, at);
    if (!copy_segment(copier, &part, err))
      return false;
    at = part.to;
  }
  return true;
}

static bool is_history(const char *name) {
  return strlen(name) == HISTORY_NAME_LENGTH && strspn(name, "0123456789ABCDEF") == 8 &&
         str_ends(name, ".history");
}

static bool copy_history(const Copier *copier, const char *name, Error *err) {
  AUTO(str_free) char *from = path_join(copier->copy->source_wal, name);
  AUTO(str_free) char *to = path_join(copier->copy->target_wal, name);
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  return io_read_file(from, HISTORY_SIZE_MAX, &text, &length, err) &&
         io_write_file(to, text, length, 0600, err);
}

static bool copy_histories(const Copier *copier, Error *err) {
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  if (!dir_open_at(copier->source, ".", &directory, err))
    return false;
  for (const char *name = ""; directory != NULL && name != NULL;)
    if (!dir_next(directory, &name, err) ||
        (name != NULL && is_history(name) && !copy_history(copier, name, err)))
      return false;
  return true;
}

static bool sync_segments(const Copier *copier, Error *err) {
  for (Lsn at = copier->log.start; at < copier->end;) {
    Part part = part_at(copier, at);
    AUTO_RELEASE(fd_release)
    int fd = openat(copier->target, part.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
      return error_set_errno(err, errno, "could not flush the log segment %s", part.name);
    at = part.to;
  }
  return true;
}

/* All files are written before the first is flushed, so that a journal takes their creation at
 * once. */
static bool make_durable(const Copier *copier, Error *err) {
  if (mkdirat(copier->target, "archive_status", 0700) != 0 && errno != EEXIST)
    return error_set_errno(err, errno, "could not create \"archive_status\"");
  if (!sync_segments(copier, err))
    return false;
  if (fsync(copier->target) != 0)
    return error_set_errno(err, errno, "could not flush \"%s\"", copier->copy->target_wal);
  return true;
}

static bool walk(const Copier *copier, const char *directory, WalWalk *ret, Error *err) {
  return wal_walk(directory, copier->log.system_identifier, copier->log.timeline,
                  copier->log.segment_size, copier->log.start, 0, ret, err);
}

static bool reaches(const WalWalk *found, Lsn end) {
  return found->end >= end || (end % WAL_PAGE_SIZE == 0 && found->cut >= end);
}

static bool too_short(const WalWalk *found, Lsn wanted, Error *err) {
  char found_text[LSN_TEXT_SIZE], wanted_text[LSN_TEXT_SIZE];
  lsn_format(found->end, found_text);
  lsn_format(wanted, wanted_text);
  return error_set(err, ERROR_SNAPSHOT_INVALID, "the copied log ends at %s instead of %s: %s",
                   found_text, wanted_text, found->why);
}

/* Recovery has no end mark and would start happily on less. It starts at the checkpoint's record,
 * so that one has to be there too. */
static bool prove(Copier *copier, Error *err) {
  WalWalk found;
  if (!walk(copier, copier->copy->target_wal, &found, err))
    return false;
  if (!reaches(&found, copier->end))
    return too_short(&found, copier->end, err);
  if (found.last_record < copier->copy->control->checkpoint)
    return too_short(&found, copier->copy->control->checkpoint, err);
  copier->result.end = found.end;
  return true;
}

/* Nobody flushed for a killed source: its log goes as far as it is valid. */
static bool find_end(Copier *copier, Error *err) {
  Lsn end = copier->copy->end;
  if (end == 0) {
    WalWalk found;
    if (!walk(copier, copier->copy->source_wal, &found, err))
      return error_prefix(err, "the source's log");
    copier->end = found.end;
    return true;
  }
  if (end <= copier->copy->control->checkpoint)
    return error_set(err, ERROR_SNAPSHOT_INVALID,
                     "the flush position lies before the snapshot's checkpoint");
  Lsn page = round_down(end, WAL_PAGE_SIZE);
  copier->end = end - page <= wal_header_size(page, copier->log.segment_size) ? page : end;
  return true;
}

static bool open_directory(const char *path, int *ret, Error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  *ret = fd;
  return true;
}

static bool run(Copier *copier, Error *err) {
  return open_directory(copier->copy->source_wal, &copier->source, err) &&
         open_directory(copier->copy->target_wal, &copier->target, err) &&
         failpoint_reach(FAILPOINT_WAL_BEFORE_COPY, err) && find_end(copier, err) &&
         copy_segments(copier, err) && copy_histories(copier, err) && make_durable(copier, err) &&
         prove(copier, err);
}

bool wal_copy(const WalCopy *copy, WalCopyResult *ret, Error *err) {
  const Control *control = copy->control;
  AUTO_RELEASE(copier_release)
  Copier copier = {
      .copy = copy,
      .log = {.system_identifier = control->system_identifier,
              .timeline = control->timeline,
              .segment_size = control->wal_segment_size,
              .start = control->redo},
      .source = -1,
      .target = -1,
      .chunk = mem_new(CHUNK_SIZE, 1),
      .result = {.redo = control->redo, .timeline = control->timeline},
  };
  bool ok = run(&copier, err);
  if (ok)
    *ret = copier.result;
  else
    ret->recycled = copier.result.recycled;
  return ok;
}
