/* The queues of tiers (lakebase.merge_queue): a row for each merge that was asked for and has to
 * wait. Rows alone: who is tested with whom is src/scm's. */
#pragma once

#include "catalog/change.h"

enum { QUEUE_VERSION_SIZE = 201 };

typedef enum QueueState {
  QUEUE_WAITING,
  QUEUE_TESTING, /* its run goes on */
  QUEUE_PASSED,  /* its run has passed: it is merged when those before it in the run are */
  QUEUE_MERGING,
  QUEUE_MERGED,
  QUEUE_REFUSED,   /* back to its author, with the reason */
  QUEUE_WITHDRAWN, /* by whoever may */
} QueueState;
const char *queue_state_text(QueueState state);

typedef struct QueueRow {
  char id[ID_SIZE]; /* mq-... */
  char project[ID_SIZE];
  char tier[NAME_MAX_LENGTH + 1];
  char change[ID_SIZE];
  char feature[NAME_MAX_LENGTH + 1];
  int64_t number; /* of the pull request */
  char head[CHANGE_COMMIT_SIZE];
  char version[QUEUE_VERSION_SIZE]; /* the lowest of its migrations; "": it has none */
  char asked_by[NAME_MAX_LENGTH + 1];
  char request[ID_SIZE]; /* of the audit; "" */
  QueueState state;
  int most;                              /* with how many it is tested at most, itself included */
  char run[ID_SIZE];                     /* that tests it, or did; "" */
  int place;                             /* in that run, from 1; 0: in none */
  int members;                           /* of that run */
  char base[CHANGE_COMMIT_SIZE];         /* of the tier, that the run tests them on; "" */
  char merge_commit[CHANGE_COMMIT_SIZE]; /* "" */
  int attempts;                          /* runs and merges of it that broke down */
  char error_code[NAME_MAX_LENGTH + 1];  /* why it was refused */
  char error[512];
  char hint[512];
  int64_t created_at, ended_at;
  int64_t serial; /* read only: the order in which they came */
} QueueRow;

/* *ret_inserted is false where the change stands in it already. */
CHECKED bool queue_insert(Catalog *catalog, const QueueRow *row, bool *ret_inserted, Error *err);
/* Writes all that may change of one that is in state from still; CHANGE_MOVED where it isn't. */
CHECKED bool queue_update(Catalog *catalog, const QueueRow *row, QueueState from, Error *err);
/* The living one of a change. */
CHECKED bool queue_of_change(Catalog *catalog, const char *change, QueueRow *ret, bool *ret_found,
                             Error *err);
/* The living one of a pull request. */
CHECKED bool queue_of_pull(Catalog *catalog, const char *project, int64_t number, QueueRow *ret,
                           bool *ret_found, Error *err);
CHECKED bool queue_get(Catalog *catalog, const char *project, const char *id, QueueRow *ret,
                       bool *ret_found, Error *err);
/* Lists: mem_free. The living, in the order in which they came; project NULL: of all, project by
 * project; tier NULL: of all. */
CHECKED bool queue_list_live(Catalog *catalog, const char *project, const char *tier,
                             QueueRow **ret, size_t *ret_count, Error *err);
/* Those that a run tests still, by their places. */
CHECKED bool queue_list_run(Catalog *catalog, const char *run, QueueRow **ret, size_t *ret_count,
                            Error *err);
/* The commit of the tier on which it may be merged: the one that its run tested them on, with those
 * merged that stand before it. *ret_found is false while they aren't, or never will be. */
CHECKED bool queue_required_base(Catalog *catalog, const QueueRow *row,
                                 char ret[CHANGE_COMMIT_SIZE], bool *ret_found, Error *err);
