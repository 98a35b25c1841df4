/* Decodes and checks page headers, as in PostgreSQL's src/include/access/xlog_internal.h. */
#include "pg/walpage.h"

#include "pg/bytes.h"

#include <inttypes.h>

enum {
  AT_MAGIC = 0,
  AT_FLAGS = 2,
  AT_TIMELINE = 4,
  AT_ADDRESS = 8,
  AT_REST = 16,
  AT_SYSTEM_IDENTIFIER = 24, /* from here on in the long header only */
  AT_SEGMENT_SIZE = 32,
  AT_PAGE_SIZE = 36,
};

enum { KNOWN_FLAGS = 0x000F };

static bool magic_is_known(uint16_t magic) {
  static const uint16_t magics[] = {0xD106 /* 13 */, 0xD10D /* 14 */, 0xD110 /* 15 */,
                                    0xD113 /* 16 */, 0xD116 /* 17 */};
  for (size_t at = 0; at < ARRAY_LENGTH(magics); at++)
    if (magics[at] == magic)
      return true;
  return false;
}

static bool starts_segment(Lsn address, uint32_t segment_size) {
  return (address & (segment_size - 1)) == 0;
}

uint32_t wal_header_size(Lsn address, uint32_t segment_size) {
  return starts_segment(address, segment_size) ? WAL_LONG_HEADER : WAL_SHORT_HEADER;
}

static bool refuse(Lsn address, const char *what, Error *err) {
  char position[LSN_TEXT_SIZE];
  lsn_format(address, position);
  return error_set(err, ERROR_SNAPSHOT_INVALID, "the log page at %s has %s", position, what);
}

static bool refuse_address(Lsn address, Lsn found, Error *err) {
  char position[LSN_TEXT_SIZE], found_position[LSN_TEXT_SIZE];
  lsn_format(address, position);
  lsn_format(found, found_position);
  return error_set(err, ERROR_SNAPSHOT_INVALID, "the log page at %s has the address %s", position,
                   found_position);
}

/* A page that begins behind the start of replay was made on the log's own timeline. Earlier ones
 * may come from the segment that was copied when a former timeline was left. */
static bool timeline_fits(const WalLog *log, const WalPage *page) {
  if (page->address > log->start)
    return page->timeline == log->timeline;
  return page->timeline > 0 && page->timeline <= log->timeline;
}

static bool check_long_header(const WalLog *log, Lsn address, const uint8_t *bytes, Error *err) {
  if (bytes_u64(bytes, AT_SYSTEM_IDENTIFIER) != log->system_identifier)
    return refuse(address, "the system identifier of another cluster", err);
  if (bytes_u32(bytes, AT_SEGMENT_SIZE) != log->segment_size ||
      bytes_u32(bytes, AT_PAGE_SIZE) != WAL_PAGE_SIZE)
    return refuse(address, "another segment or page size", err);
  return true;
}

static bool check_header(const WalLog *log, Lsn address, const WalPage *page, Error *err) {
  if (log->magic == 0 ? !magic_is_known(page->magic) : page->magic != log->magic)
    return refuse(address, page->magic == 0 ? "no header" : "a wrong magic number", err);
  if ((page->flags & ~KNOWN_FLAGS) != 0)
    return refuse(address, "unknown flags", err);
  if (((page->flags & WAL_PAGE_LONG) != 0) != starts_segment(address, log->segment_size))
    return refuse(address, "the wrong kind of header", err);
  if (page->address != address)
    return refuse_address(address, page->address, err);
  if (!timeline_fits(log, page))
    return refuse(address, "a wrong timeline", err);
  return true;
}

bool wal_page_decode(WalLog *log, Lsn address, const uint8_t bytes[WAL_PAGE_SIZE], WalPage *ret,
                     Error *err) {
  WalPage page = {
      .magic = bytes_u16(bytes, AT_MAGIC),
      .flags = bytes_u16(bytes, AT_FLAGS),
      .timeline = bytes_u32(bytes, AT_TIMELINE),
      .address = bytes_u64(bytes, AT_ADDRESS),
      .rest = bytes_u32(bytes, AT_REST),
  };
  if (!check_header(log, address, &page, err) ||
      ((page.flags & WAL_PAGE_LONG) != 0 && !check_long_header(log, address, bytes, err)))
    return false;
  log->magic = page.magic;
  *ret = page;
  return true;
}
