/* global/pg_control: what a cluster says about itself. Read from the file, never from a server. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "pg/conn.h" /* Lsn */

enum { CONTROL_FILE_SIZE = 8192 };

typedef enum ControlState { /* values of PostgreSQL's DBState */
                            CONTROL_STARTUP = 0,
                            CONTROL_SHUTDOWNED = 1,
                            CONTROL_SHUTDOWNED_IN_RECOVERY = 2,
                            CONTROL_SHUTDOWNING = 3,
                            CONTROL_IN_CRASH_RECOVERY = 4,
                            CONTROL_IN_ARCHIVE_RECOVERY = 5,
                            CONTROL_IN_PRODUCTION = 6,
} ControlState;

typedef struct Control {
  uint64_t system_identifier;
  uint32_t version;         /* pg_control_version: 1300 for PostgreSQL 13 to 17 */
  uint32_t catalog_version; /* 202209061 for 15 */
  ControlState state;
  Lsn checkpoint; /* where the last checkpoint's record starts */
  Lsn redo;       /* where replay starts */
  uint32_t timeline;
  int max_connections, max_worker_processes, max_wal_senders, max_prepared_transactions,
      max_locks_per_transaction; /* recovery needs at least these */
  int wal_level;                 /* 0 minimal, 1 replica, 2 logical */
  uint32_t wal_segment_size;     /* bytes */
  uint32_t block_size;
  uint32_t checksum_version; /* 0: data checksums are off */
} Control;

/* Decodes the bytes of the file. Anything that doesn't fit (length, CRC, version, sizes that
 * PostgreSQL wouldn't accept) fails with ERROR_SNAPSHOT_INVALID. Pure; fuzzed. */
CHECKED bool control_decode(const void *bytes, size_t length, Control *ret, Error *err);
/* data_directory/global/pg_control, read twice where the first read was torn (a running server may
 * write it meanwhile). */
CHECKED bool control_read(const char *data_directory, Control *ret, Error *err);
/* The server's major version by its catalog version (15 -> 202209061 ...), 0 when not known. */
int control_major(const Control *control);
