/* Logs as a server writes them, made in memory: for tests and fuzzing of what reads logs. */
#pragma once

#include "pg/walpage.h"
#include "pg/walreader.h"

enum { WAL_WRITER_RECORDS_MAX = 4096 };

typedef struct WalWriter {
  uint8_t *bytes; /* of whole segments, zeros behind the end */
  size_t size;
  WalLog log;   /* start is where the first record goes, segment-aligned address + its header */
  Lsn base;     /* address of bytes[0] */
  Lsn at;       /* where the next record goes */
  Lsn previous; /* start of the last record */
  size_t count; /* records, given-up ones not counted */
  Lsn starts[WAL_WRITER_RECORDS_MAX];
  Lsn ends[WAL_WRITER_RECORDS_MAX]; /* before alignment */
} WalWriter;

/* An empty log of so many segments that starts at base, the address of a segment. */
void wal_writer_init(WalWriter *writer, Lsn base, uint32_t segment_size, size_t segments);
void wal_writer_release(WalWriter *writer);

/* Adds a record of that length, at least 24. False, and nothing done, when there is no room for it.
 */
bool wal_writer_add(WalWriter *writer, uint32_t length);
/* Adds a segment switch; the next record goes to the next segment. */
bool wal_writer_switch(WalWriter *writer);
/* Adds a record of that length that a crash cut after its first pages, and what recovery writes in
 * place of the rest. False when it doesn't reach a second page, or has no room. */
bool wal_writer_give_up(WalWriter *writer, uint32_t length, uint32_t pages);

/* The bytes at a position, for doing damage. */
uint8_t *wal_writer_at(WalWriter *writer, Lsn position);

/* The log in memory as the reader's source. */
WalSource wal_writer_source(WalWriter *writer);
/* The log as files in a directory. */
CHECKED bool wal_writer_save(const WalWriter *writer, const char *directory, Error *err);
