/* Whether the data of two states of a database is the same: by the files where nothing wrote to
 * them, by reading where something did. */
#pragma once

#include "migrate/target.h"

typedef struct TableState {
  char *name;     /* qualified and quoted */
  char *identity; /* all its files, with size and time of change */
  int64_t oid, filenode, bytes;
} TableState;

typedef struct Storage {
  TableState *tables; /* by oid */
  size_t count;
  int64_t bytes;
} Storage;
void storage_release(Storage *storage);

/* Has the server write out everything, looks at the files, and where the state is to be compared
 * with a later one waits (a second at most) until a write to any of them would be told by its time.
 * conn: the platform's. */
CHECKED bool storage_read(Conn *conn, bool is_first, Storage *ret, Error *err);

/* [{table, bytes}] of what has new files under the old number. Owned by the caller. */
json_t *storage_rewritten(const Storage *before, const Storage *after);

/* Compares the data of before, which still stands on a branch of its own, with that of after, and
 * adds to report: {verdict: "same"|"lost"|"unknown", unchanged: tables whose files nobody wrote to,
 * read: those that were read, bytes_read, duration_ms, lost: [{table, column, message}]}.
 * before_target is woken only when something has to be read. */
CHECKED bool proof_of_data(Target *before_target, const Storage *before, const Target *after_target,
                           const Storage *after, json_t *report, Error *err);
