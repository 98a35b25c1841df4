/* What a request is going to run: each migration understood before the first one is run. */
#pragma once

#include "migrate/job.h"

typedef struct Piece {
  Steps steps;
  LedgerEntry entry;
  const char *file;         /* borrowed, as the entry's texts are */
  const LedgerRow *stopped; /* to be gone on with; NULL: from its beginning */
} Piece;

typedef struct Pieces {
  Piece *list;
  size_t count;
  json_t *done; /* [{version,name,file,statements,duration_ms}] */
} Pieces;
void pieces_init(Pieces *pieces, size_t limit);
void pieces_release(Pieces *pieces);

/* Reads text and appends it. entry: all but what the script tells. */
CHECKED bool pieces_add(Pieces *pieces, const LedgerEntry *entry, const char *file,
                        const char *text, bool marked_alone, const LedgerRow *stopped, Error *err);

/* Reads what an apply of that item of the plan would run, and what would undo it. */
CHECKED bool pieces_add_item(const Job *job, Pieces *pieces, const PlanItem *item, bool baseline,
                             Error *err);
CHECKED bool pieces_add_undo(const Job *job, Pieces *pieces, const LedgerRow *row, Error *err);

/* Whether the caller may run all of that on the branch. */
CHECKED bool pieces_check_rights(Job *job, const Pieces *pieces, Error *err);

/* Reads, judges and runs what an apply of the plan's item of that index would run. */
CHECKED bool pieces_apply_item(Job *job, size_t index, Error *err);

/* Runs them in their order until one fails. What was done is in done either way. */
CHECKED bool pieces_run(Job *job, Pieces *pieces, Error *err);
