/* Pages of the write-ahead log: what stands in front of each, and whether it belongs there. */
#pragma once

#include "pg/wal.h"

enum {
  WAL_SHORT_HEADER = 24,
  WAL_LONG_HEADER = 40, /* of a segment's first page */
  WAL_ALIGN = 8,        /* records start at multiples of it */
};

enum {                              /* WalPage.flags */
       WAL_PAGE_CONTINUES = 0x0001, /* starts with the rest of a record */
       WAL_PAGE_LONG = 0x0002,      /* has the long header */
       WAL_PAGE_REMOVABLE = 0x0004, /* full page images in it are optional */
       WAL_PAGE_OVERWRITES =
           0x0008, /* the record that would continue here was given up in a crash */
};

/* What all pages of one log agree on. */
typedef struct WalLog {
  uint64_t system_identifier;
  uint32_t timeline;
  uint32_t segment_size;
  Lsn start;      /* pages that begin behind it were made on timeline; earlier ones may be older */
  uint16_t magic; /* of its format; 0 until the first page told it */
} WalLog;

typedef struct WalPage {
  uint16_t magic;
  uint16_t flags;
  uint32_t timeline;
  Lsn address;
  uint32_t rest; /* bytes still missing of the record that it continues */
} WalPage;

/* Size of the header of the page at address. */
uint32_t wal_header_size(Lsn address, uint32_t segment_size);

/* Decodes the header of the page that ought to be the one at address (a multiple of WAL_PAGE_SIZE)
 * and checks it against log, whose magic is set by the first page that passes. A page that isn't
 * log's page at address fails with ERROR_SNAPSHOT_INVALID and says why. */
CHECKED bool wal_page_decode(WalLog *log, Lsn address, const uint8_t bytes[WAL_PAGE_SIZE],
                             WalPage *ret, Error *err);
