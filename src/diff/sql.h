/* A difference as a migration: SQL statements that make `before` equal `after`, in an order that
 * works, and what SQL can't say.
 *
 * Nothing in the statements is taken over unquoted but texts that PostgreSQL itself made
 * (pg_get_*def, format_type). Only certain renames are renames; a guessed one is a drop and a
 * create, with the guess told. What is dropped only because something beneath it changes (a view
 * over an altered column) is made again as it was, with its grants and comments. */
#pragma once

#include "core/json.h"
#include "diff/compare.h"

enum { DIFF_SQL_CONCURRENTLY = 1 }; /* indexes of existing tables without locking out writers */

/* When a statement runs. Within a phase the order of the statements counts. */
typedef enum SqlPhase {
  SQL_FIRST, /* each in a transaction of its own, before the rest: new enum values */
  SQL_MAIN,  /* all in one transaction */
  SQL_LAST,  /* can't run in a transaction, or need not: CREATE INDEX CONCURRENTLY */
  SQL_PHASE_COUNT,
} SqlPhase;

typedef struct SqlStatement {
  char *text; /* without the semicolon */
  char *note; /* one line: why it destroys something, or what to know of it; NULL */
  SqlPhase phase;
  bool is_destructive; /* data or secrets are gone after it */
  bool is_rewrite;     /* the table is written anew, or read in full, under its lock */
} SqlStatement;

typedef struct DiffSql {
  SqlStatement *statements; /* by phase, then in their order */
  size_t count;
  char **findings; /* what isn't expressible, a line each */
  size_t finding_count;
  char **guesses; /* what may be a rename, and is a drop and a create here */
  size_t guess_count;
} DiffSql;

/* Both schemas of the diff must have been read with SCHEMA_READ_DEPENDENCIES. base: the one that
 * the diff was made with. */
DiffSql *diff_sql_new(const Diff *diff, const Base *base, unsigned flags);
void diff_sql_free(DiffSql *sql);
DEFINE_AUTO(DiffSql *, diff_sql_free)

/* A script for psql or a migration file; "" when there is nothing to do. Owned by the caller. */
char *diff_sql_text(const DiffSql *sql);

/* {"statements":[{"sql","in_transaction","destructive","rewrite","note"}],
 * "not_expressible":["..."],"guesses":["..."]} */
json_t *diff_sql_json(const DiffSql *sql);
