/* Lays out pages and records as PostgreSQL does. */
#include "harness/walwriter.h"

#include "core/crc32c.h"
#include "core/io.h"
#include "core/str.h"

#include <assert.h>
#include <string.h>

enum {
  RECORD_HEADER = 24,
  MAGIC = 0xD110,
  RM_XLOG = 0,
  RM_OTHER = 10,
  XLOG_SWITCH = 0x40,
  XLOG_OVERWRITE_CONTRECORD = 0xD0,
  SYSTEM_IDENTIFIER = 0x1234567,
  TIMELINE = 3,
};

void wal_writer_init(WalWriter *writer, Lsn base, uint32_t segment_size, size_t segments) {
  assert(base % segment_size == 0);
  *writer = (WalWriter){
      .bytes = mem_new(segments, segment_size),
      .size = segments * segment_size,
      .log = {.system_identifier = SYSTEM_IDENTIFIER,
              .timeline = TIMELINE,
              .segment_size = segment_size,
              .start = base + WAL_LONG_HEADER},
      .base = base,
      .at = base,
  };
}

void wal_writer_release(WalWriter *writer) {
  mem_free(writer->bytes);
  writer->bytes = NULL;
}

uint8_t *wal_writer_at(WalWriter *writer, Lsn position) {
  assert(position >= writer->base && position < writer->base + writer->size);
  return writer->bytes + (position - writer->base);
}

static void store(uint8_t *bytes, size_t at, uint64_t value, size_t size) {
  memcpy(bytes + at, &value, size);
}

static void begin_page(WalWriter *writer, unsigned flags, uint32_t rest) {
  uint8_t *page = wal_writer_at(writer, writer->at);
  uint32_t header = wal_header_size(writer->at, writer->log.segment_size);
  if (header == WAL_LONG_HEADER) {
    flags |= WAL_PAGE_LONG;
    store(page, 24, writer->log.system_identifier, 8);
    store(page, 32, writer->log.segment_size, 4);
    store(page, 36, WAL_PAGE_SIZE, 4);
  }
  store(page, 0, MAGIC, 2);
  store(page, 2, flags, 2);
  store(page, 4, writer->log.timeline, 4);
  store(page, 8, writer->at, 8);
  store(page, 16, rest, 4);
  writer->at += header;
}

static void put(WalWriter *writer, const uint8_t *bytes, uint32_t length) {
  while (length > 0) {
    if (writer->at % WAL_PAGE_SIZE == 0)
      begin_page(writer, WAL_PAGE_CONTINUES, length);
    uint32_t room = WAL_PAGE_SIZE - (uint32_t)(writer->at % WAL_PAGE_SIZE);
    uint32_t count = length < room ? length : room;
    memcpy(wal_writer_at(writer, writer->at), bytes, count);
    writer->at += count;
    bytes += count;
    length -= count;
  }
}

/* Where a record of that length would end. */
static Lsn end_after(const WalWriter *writer, uint32_t length) {
  Lsn at = writer->at;
  while (length > 0) {
    if (at % WAL_PAGE_SIZE == 0)
      at += wal_header_size(at, writer->log.segment_size);
    uint32_t room = WAL_PAGE_SIZE - (uint32_t)(at % WAL_PAGE_SIZE);
    uint32_t count = length < room ? length : room;
    at += count;
    length -= count;
  }
  return at;
}

/* A page is kept in reserve, so that what follows always has an address. */
static bool has_room(const WalWriter *writer, uint32_t length) {
  return writer->count < WAL_WRITER_RECORDS_MAX && length <= writer->size &&
         end_after(writer, length) + WAL_PAGE_SIZE <= writer->base + writer->size;
}

static uint8_t *make_record(const WalWriter *writer, uint32_t length, uint8_t manager,
                            uint8_t info) {
  uint8_t *record = mem_new(length, 1);
  for (uint32_t at = RECORD_HEADER; at < length; at++)
    record[at] = (uint8_t)(at * 7 + writer->count + 1);
  store(record, 0, length, 4);
  store(record, 4, 700, 4);
  store(record, 8, writer->previous, 8);
  record[16] = info;
  record[17] = manager;
  Crc32c crc = crc32c_add(CRC32C_START, record + RECORD_HEADER, length - RECORD_HEADER);
  store(record, 20, crc32c_end(crc32c_add(crc, record, 20)), 4);
  return record;
}

static void add(WalWriter *writer, uint32_t length, uint8_t manager, uint8_t info) {
  uint8_t *record = make_record(writer, length, manager, info);
  if (writer->at % WAL_PAGE_SIZE == 0)
    begin_page(writer, 0, 0);
  writer->previous = writer->at;
  writer->starts[writer->count] = writer->at;
  put(writer, record, length);
  writer->ends[writer->count++] = writer->at;
  writer->at = (writer->at + WAL_ALIGN - 1) & ~(Lsn)(WAL_ALIGN - 1);
  mem_free(record);
}

bool wal_writer_add(WalWriter *writer, uint32_t length) {
  if (length < RECORD_HEADER || !has_room(writer, length))
    return false;
  add(writer, length, RM_OTHER, 0);
  return true;
}

bool wal_writer_switch(WalWriter *writer) {
  Lsn mask = writer->log.segment_size - 1;
  if (!has_room(writer, RECORD_HEADER) ||
      ((end_after(writer, RECORD_HEADER) + mask) & ~mask) >= writer->base + writer->size)
    return false;
  add(writer, RECORD_HEADER, RM_XLOG, XLOG_SWITCH);
  writer->at = (writer->at + mask) & ~mask;
  return true;
}

bool wal_writer_give_up(WalWriter *writer, uint32_t length, uint32_t pages) {
  Lsn page = writer->at & ~(Lsn)(WAL_PAGE_SIZE - 1);
  Lsn cut = page + (Lsn)pages * WAL_PAGE_SIZE;
  if (length < RECORD_HEADER || pages == 0 || writer->count == 0 ||
      !has_room(writer, length + WAL_PAGE_SIZE) || end_after(writer, length) <= cut)
    return false;
  if (writer->at % WAL_PAGE_SIZE == 0)
    begin_page(writer, 0, 0);
  uint8_t *record = make_record(writer, length, RM_OTHER, 0);
  put(writer, record, length);
  mem_free(record);
  memset(wal_writer_at(writer, cut), 0, (size_t)(writer->at - cut));
  writer->at = cut;
  begin_page(writer, WAL_PAGE_OVERWRITES, 0);
  add(writer, RECORD_HEADER + 18, RM_XLOG, XLOG_OVERWRITE_CONTRECORD);
  return true;
}

static bool read_page(void *context, Lsn address, uint8_t ret[WAL_PAGE_SIZE], bool *ret_exists,
                      Error *err) {
  WalWriter *writer = context;
  *ret_exists = address >= writer->base && address < writer->base + writer->size;
  if (*ret_exists)
    memcpy(ret, wal_writer_at(writer, address), WAL_PAGE_SIZE);
  return true;
}

WalSource wal_writer_source(WalWriter *writer) {
  return (WalSource){read_page, writer};
}

bool wal_writer_save(const WalWriter *writer, const char *directory, Error *err) {
  for (size_t at = 0; at < writer->size; at += writer->log.segment_size) {
    char name[WAL_FILE_NAME_SIZE];
    wal_file_name(writer->log.timeline, writer->base + at, writer->log.segment_size, name);
    AUTO(str_free) char *path = path_join(directory, name);
    if (!io_write_file(path, writer->bytes + at, writer->log.segment_size, 0600, err))
      return false;
  }
  return true;
}
