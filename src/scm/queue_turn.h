/* One tier's queue while it is looked after: what forming, testing and merging share. Private to
 * src/scm/queue*.c. */
#pragma once

#include "scm/ci.h"
#include "scm/queue.h"

#define QUEUE_SOURCE "queue/" /* and the tier: what a queue's runs are of */
#define QUEUE_MARKER "queue"  /* of its comment on a pull request */

enum {
  QUEUE_BATCH_LIMIT = 8, /* tested together at most */
  QUEUE_ATTEMPTS = 3,    /* of runs and merges that break down through no fault of the change */
};

typedef struct QueueTurn {
  Context *context;
  const ProjectRow *project;
  const char *tier;
  Forge *forge;
  QueueRow *rows; /* the living, in the order in which they are merged */
  size_t count;
  bool progressed; /* there may be more to do at once */
} QueueTurn;

/* ---- queue.c ---- */

/* The living of a tier, in the order in which they are merged: mem_free. */
CHECKED bool queue_list_tier(Context *context, const char *project, const char *tier,
                             QueueRow **ret, size_t *ret_count, Error *err);

CHECKED bool queue_passed_alone(Context *context, const ProjectRow *project,
                                const CiSubject *subject, bool *ret, Error *err);
/* A row in the audit; change may be NULL. Within the caller's transaction. */
CHECKED bool queue_record(Context *context, const ChangeRow *change, const QueueRow *row,
                          const char *action, Error *err);

/* ---- queue_show.c ---- */

/* {entry, feature, pull, tier, ..., place, of, with}: owned. */
CHECKED bool queue_describe(Context *context, const QueueRow *row, json_t **ret, Error *err);

/* ---- queue_batch.c ---- */

/* Looks how the run of those who are being tested stands. */
CHECKED bool queue_look(QueueTurn *turn, const QueueRow *first, Error *err);
/* Has the next ones tested, where nobody is. */
CHECKED bool queue_form(QueueTurn *turn, Error *err);
/* Back among those who wait. */
CHECKED bool queue_return(QueueTurn *turn, QueueRow *row, Error *err);
/* Out of the queue, back to its author. */
CHECKED bool queue_refuse(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err);

/* ---- queue_merge.c ---- */

/* Merges one whose run has passed, if the tier is where that run left it; else it is tested
 * again. */
CHECKED bool queue_merge(QueueTurn *turn, QueueRow *row, Error *err);
/* Its change is merged, by whomever. */
CHECKED bool queue_end_merged(QueueTurn *turn, QueueRow *row, const ChangeRow *change, Error *err);
/* Finds out how far one is whose worker was killed. */
CHECKED bool queue_resume(QueueTurn *turn, QueueRow *row, Error *err);
