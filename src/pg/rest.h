/* Clusters at rest: all that was ever done to them stands in their files. */
#pragma once

#include "pg/conn.h" /* Lsn */

/* Whether nothing was changed since the last checkpoint: behind it the log holds only records that
 * keep the log itself, up to end (a running server's insert position; 0: to the log's own end).
 * Anything that can't be told is false. */
bool cluster_rests(const char *data, const char *wal, Lsn end);
