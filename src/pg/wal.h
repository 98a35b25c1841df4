/* The write-ahead log as bytes: names of segments, page headers, records with their CRC. Enough to
 * prove that a copied log is complete up to a position; not to replay it. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "pg/conn.h" /* Lsn */

enum { WAL_PAGE_SIZE = 8192, WAL_FILE_NAME_SIZE = 25 };

/* Name of the segment that holds lsn: 24 hexadecimal digits. */
void wal_file_name(uint32_t timeline, Lsn lsn, uint32_t segment_size, char ret[WAL_FILE_NAME_SIZE]);

typedef struct WalWalk {
  Lsn last_record; /* start of the last valid record; 0 if none */
  Lsn end;         /* end of the last valid record, aligned: where the next would start */
  uint64_t records;
  uint64_t changes; /* those of them that change more than the log itself */
  Lsn cut; /* where the log ends inside a record: the page on which the rest of that record should
              be; 0: it ends elsewhere */
  char why[200]; /* what ended the walk: for messages */
} WalWalk;

/* Walks the records in wal_directory from start (the redo point) on timeline: page headers (magic,
 * address, timeline, system identifier), record lengths, back links and CRCs; over segment switches
 * and overwritten continuation records. Stops at the first thing that isn't a valid record, which
 * is how a log ends, or at the first record that starts at or past limit (0: none). Fails only when
 * files can't be read or not even the record at start is valid. */
CHECKED bool wal_walk(const char *wal_directory, uint64_t system_identifier, uint32_t timeline,
                      uint32_t segment_size, Lsn start, Lsn limit, WalWalk *ret, Error *err);
