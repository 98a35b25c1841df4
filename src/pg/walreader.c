/* Follows the records of a log from page to page, checking what PostgreSQL's recovery would check.
 */
#include "pg/walreader.h"

#include "core/crc32c.h"
#include "pg/bytes.h"

#include <stdio.h>
#include <string.h>

/* XLogRecord, PostgreSQL's src/include/access/xlogrecord.h. */
enum {
  AT_LENGTH = 0, /* of the whole record */
  AT_PREVIOUS = 8,
  AT_INFO = 16,
  AT_RESOURCE_MANAGER = 17,
  AT_CRC = 20,
  RECORD_HEADER = 24,
};

enum {
  RECORD_LENGTH_MAX = 1 << 30, /* of one record; no server makes longer ones */
  INFO_MASK = 0xF0,            /* the part of info that belongs to the resource manager */
  RM_XLOG = 0,
  XLOG_SWITCH = 0x40,
};

/* Records that change no page and no transaction: resource manager, info. A full image of a page
 * for the sake of its hints (0xA0) says nothing new. */
static const uint8_t bookkeeping[][2] = {
    {RM_XLOG, 0x00},                         /* checkpoint of a shutdown */
    {RM_XLOG, 0x10},                         /* checkpoint */
    {RM_XLOG, 0x20},                         /* nothing at all */
    {RM_XLOG, XLOG_SWITCH}, {RM_XLOG, 0x60}, /* settings changed */
    {RM_XLOG, 0x80},                         /* full_page_writes changed */
    {RM_XLOG, 0x90},                         /* recovery ended */
    {RM_XLOG, 0xA0},        {8, 0x10},       /* standby: transactions that run */
};

static const Lsn NOWHERE = UINT64_MAX;
/* Positions up to here can be added to without overflow. No log gets there. */
static const Lsn POSITION_MAX = (Lsn)INT64_MAX;

typedef enum Found {
  FOUND,
  OVERWRITTEN, /* the record was given up in a crash; the log goes on at another page */
  ENDED,       /* no valid record here: the log ends */
  FAILED,      /* the source couldn't tell; the error is set */
} Found;

typedef struct Reader {
  const WalSource *source;
  WalLog log;
  Lsn previous; /* start of the last valid record, 0 before the first */
  uint8_t bytes[WAL_PAGE_SIZE];
  WalPage page; /* header of bytes */
  Lsn loaded;   /* address of bytes, NOWHERE: none */
  Lsn segment;  /* the segment whose first page was seen to be right */
  Lsn cut;      /* as in WalWalk */
  Error why;    /* why the log ended */
  Error *err;
} Reader;

/* A record as far as it was followed. Only its header is kept. */
typedef struct Record {
  Lsn start;
  Lsn end; /* aligned; of a segment switch the start of the next segment */
  uint32_t length;
  uint32_t got;
  Crc32c crc; /* over what stands behind the header */
  uint8_t header[RECORD_HEADER];
} Record;

static Lsn page_of(Lsn position) {
  return position - position % WAL_PAGE_SIZE;
}

static Lsn segment_of(const Reader *reader, Lsn position) {
  return position & ~(Lsn)(reader->log.segment_size - 1);
}

static Found end_at(Reader *reader, Lsn position, const char *what) {
  char text[LSN_TEXT_SIZE];
  lsn_format(position, text);
  (void)error_set(&reader->why, ERROR_SNAPSHOT_INVALID, "%s at %s", what, text);
  return ENDED;
}

static Found load_one_page(Reader *reader, Lsn address) {
  if (reader->loaded == address)
    return FOUND;
  reader->loaded = NOWHERE;
  bool exists = false;
  if (!reader->source->read_page(reader->source->context, address, reader->bytes, &exists,
                                 reader->err))
    return FAILED;
  if (!exists)
    return end_at(reader, address, "there is no log");
  if (!wal_page_decode(&reader->log, address, reader->bytes, &reader->page, &reader->why))
    return ENDED;
  reader->loaded = address;
  return FOUND;
}

/* A segment's first page tells whose it is, so recovery looks at it before any other page of the
 * segment. */
static Found load_page(Reader *reader, Lsn address) {
  Lsn segment = segment_of(reader, address);
  if (segment != reader->segment) {
    Found found = load_one_page(reader, segment);
    if (found != FOUND)
      return found;
    reader->segment = segment;
  }
  return load_one_page(reader, address);
}

/* Where a record could start at the earliest: behind a page header. */
static Lsn after_header(const Reader *reader, Lsn position) {
  return position % WAL_PAGE_SIZE != 0
             ? position
             : position + wal_header_size(position, reader->log.segment_size);
}

/* Reads the record's length, which never crosses a page because records are aligned. */
static Found begin_record(Reader *reader, Lsn position, Record *ret) {
  Lsn start = after_header(reader, position);
  Found found = load_page(reader, page_of(start));
  if (found != FOUND)
    return found;
  uint32_t header_size = wal_header_size(page_of(start), reader->log.segment_size);
  uint32_t offset = (uint32_t)(start % WAL_PAGE_SIZE);
  if (offset < header_size)
    return end_at(reader, start, "a page header");
  if (offset == header_size && (reader->page.flags & WAL_PAGE_CONTINUES) != 0)
    return end_at(reader, start, "the rest of an unknown record");
  *ret = (Record){.start = start, .crc = CRC32C_START};
  ret->length = bytes_u32(reader->bytes, offset + AT_LENGTH);
  if (ret->length == 0)
    return end_at(reader, start, "the end of the log");
  if (ret->length < RECORD_HEADER || ret->length > RECORD_LENGTH_MAX)
    return end_at(reader, start, "an impossible record length");
  return FOUND;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* Takes what the loaded page holds of the record, from offset on. */
static void take(const Reader *reader, uint32_t offset, Record *record) {
  const uint8_t *bytes = reader->bytes + offset;
  uint32_t count = smaller(record->length - record->got, WAL_PAGE_SIZE - offset);
  uint32_t head = 0;
  if (record->got < RECORD_HEADER) {
    head = smaller(count, RECORD_HEADER - record->got);
    memcpy(record->header + record->got, bytes, head);
  }
  record->crc = crc32c_add(record->crc, bytes + head, count - head);
  record->got += count;
  record->end = reader->loaded + offset + count;
}

/* The first record's predecessor isn't known, only that it stands before it. */
static bool back_link_fits(const Reader *reader, const Record *record) {
  Lsn previous = bytes_u64(record->header, AT_PREVIOUS);
  return reader->previous != 0 ? previous == reader->previous : previous < record->start;
}

static Found check_back_link(Reader *reader, const Record *record) {
  if (record->got >= RECORD_HEADER && !back_link_fits(reader, record))
    return end_at(reader, record->start, "a record with a wrong back link");
  return FOUND;
}

/* Goes on with the record on the next page, where what was taken so far ended. */
static Found continue_record(Reader *reader, Record *record) {
  Lsn address = record->end;
  Found found = load_page(reader, address);
  if (found == ENDED)
    reader->cut = address;
  if (found != FOUND)
    return found;
  if ((reader->page.flags & WAL_PAGE_OVERWRITES) != 0)
    return reader->previous != 0 ? OVERWRITTEN
                                 : end_at(reader, record->start, "a record that was given up");
  if ((reader->page.flags & WAL_PAGE_CONTINUES) == 0 ||
      reader->page.rest != record->length - record->got)
    return end_at(reader, address, "another page than the record before needs");
  take(reader, wal_header_size(address, reader->log.segment_size), record);
  return check_back_link(reader, record);
}

static Found finish_record(Reader *reader, Record *record) {
  uint32_t crc = crc32c_end(crc32c_add(record->crc, record->header, AT_CRC));
  if (crc != bytes_u32(record->header, AT_CRC))
    return end_at(reader, record->start, "a record with a wrong checksum");
  record->end = (record->end + WAL_ALIGN - 1) & ~(Lsn)(WAL_ALIGN - 1);
  if (record->header[AT_RESOURCE_MANAGER] == RM_XLOG &&
      (record->header[AT_INFO] & INFO_MASK) == XLOG_SWITCH)
    record->end = segment_of(reader, record->end + reader->log.segment_size - 1);
  return FOUND;
}

static Found read_record(Reader *reader, Lsn position, Record *ret) {
  Found found = begin_record(reader, position, ret);
  if (found != FOUND)
    return found;
  take(reader, (uint32_t)(ret->start % WAL_PAGE_SIZE), ret);
  found = check_back_link(reader, ret);
  while (found == FOUND && ret->got < ret->length)
    found = continue_record(reader, ret);
  return found == FOUND ? finish_record(reader, ret) : found;
}

static bool is_bookkeeping(const Record *record) {
  for (size_t at = 0; at < ARRAY_LENGTH(bookkeeping); at++)
    if (record->header[AT_RESOURCE_MANAGER] == bookkeeping[at][0] &&
        (record->header[AT_INFO] & INFO_MASK) == bookkeeping[at][1])
      return true;
  return false;
}

/* From start until something isn't a record, or to limit. */
static Found read_records(Reader *reader, Lsn start, Lsn limit, WalWalk *ret) {
  for (Lsn position = start;;) {
    if (limit != 0 && after_header(reader, position) >= limit)
      return end_at(reader, position, "the limit");
    if (position > POSITION_MAX)
      return end_at(reader, position, "an impossible position");
    Record record;
    Found found = read_record(reader, position, &record);
    if (found != FOUND && found != OVERWRITTEN)
      return found;
    position = record.end;
    if (found == OVERWRITTEN)
      continue;
    reader->previous = record.start;
    ret->last_record = record.start;
    ret->end = record.end;
    ret->records++;
    ret->changes += is_bookkeeping(&record) ? 0 : 1;
  }
}

bool wal_read(const WalSource *source, const WalLog *log, Lsn start, Lsn limit, WalWalk *ret,
              Error *err) {
  Reader reader = {
      .source = source, .log = *log, .loaded = NOWHERE, .segment = NOWHERE, .err = err};
  WalWalk walk = {0};
  if (read_records(&reader, start, limit, &walk) == FAILED)
    return false;
  walk.cut = reader.cut;
  (void)snprintf(walk.why, sizeof walk.why, "%.190s", reader.why.message);
  if (walk.records == 0)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "the log has no valid record to start with: %s",
                     walk.why);
  *ret = walk;
  return true;
}
