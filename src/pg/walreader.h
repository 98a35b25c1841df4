/* Finds the records in the pages of a log, wherever the pages come from. */
#pragma once

#include "pg/walpage.h"

/* Where pages come from. Gives the page at address; *ret_exists is false where the log has none.
 * Fails only when that can't be told. */
typedef struct WalSource {
  bool (*read_page)(void *context, Lsn address, uint8_t ret[WAL_PAGE_SIZE], bool *ret_exists,
                    Error *err);
  void *context;
} WalSource;

/* wal_walk over any source. Needs the same memory for records of any length. */
CHECKED bool wal_read(const WalSource *source, const WalLog *log, Lsn start, Lsn limit,
                      WalWalk *ret, Error *err);
