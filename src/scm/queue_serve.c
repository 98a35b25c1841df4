/* The queues' one driver: each tier's is taken as far as it goes, step by step; what a step did
 * stands in the rows, so that whoever was killed is followed by whoever looks next. */
#include "core/str.h"
#include "scm/queue_turn.h"

#include <stdio.h>

enum { STEPS_LIMIT = 1000 };

/* ---- those who don't stand there any more ---- */

static bool drop(QueueTurn *turn, QueueRow *row, const ChangeRow *change, Error *err) {
  Error failure = ERROR_INIT;
  if (change->state == CHANGE_MERGED) /* by whoever finished what had stopped half-way */
    return queue_end_merged(turn, row, change, err);
  if (change->state == CHANGE_ABANDONED)
    (void)error_set(&failure, ERROR_NOTHING_TO_DO, "feature \"%s\" was abandoned", row->feature);
  else {
    (void)error_set(&failure, ERROR_MERGE_STALE,
                    "\"%s\" isn't what the merge was asked for any more: it is %s",
                    change->git_branch, change_state_text(change->state));
    (void)error_hint(&failure, "`bough scm prepare-pr` and `bough scm wait-ci`, then merge again");
  }
  return queue_refuse(turn, row, &failure, err);
}

static bool drop_stale(QueueTurn *turn, Error *err) {
  for (size_t at = 0; at < turn->count; at++) {
    QueueRow *row = &turn->rows[at];
    ChangeRow change;
    if (row->state == QUEUE_MERGING)
      continue;
    if (!change_get(turn->context->catalog, row->change, &change, err))
      return false;
    bool stands = change.state == CHANGE_CI_GREEN && str_equal(change.head, row->head);
    if (!stands && !drop(turn, row, &change, err))
      return false;
  }
  return true;
}

/* ---- one step ---- */

/* Of those in that state the one that comes first in its run. */
static QueueRow *first_in(const QueueTurn *turn, QueueState state) {
  QueueRow *first = NULL;
  for (size_t at = 0; at < turn->count; at++)
    if (turn->rows[at].state == state && (first == NULL || turn->rows[at].place < first->place))
      first = &turn->rows[at];
  return first;
}

/* At most one run is tested, and one member merged, at a time. */
static bool take_step(QueueTurn *turn, Error *err) {
  if (!drop_stale(turn, err))
    return false;
  if (turn->progressed) /* rows aren't what was read any more */
    return true;
  QueueRow *row = first_in(turn, QUEUE_MERGING);
  if (row != NULL)
    return queue_resume(turn, row, err);
  row = first_in(turn, QUEUE_PASSED);
  if (row != NULL)
    return queue_merge(turn, row, err);
  row = first_in(turn, QUEUE_TESTING);
  return row != NULL ? queue_look(turn, row, err) : queue_form(turn, err);
}

static bool serve_tier(QueueTurn *turn, Error *err) {
  bool ok = true;
  int steps = 0;
  do {
    turn->progressed = false;
    ok = queue_list_tier(turn->context, turn->project->id, turn->tier, &turn->rows, &turn->count,
                         err) &&
         take_step(turn, err);
    mem_free(turn->rows);
    turn->rows = NULL;
  } while (ok && turn->progressed && ++steps < STEPS_LIMIT);
  return ok;
}

/* ---- all of them ---- */

static bool open_and_serve(Context *context, const QueueRow *row, Error *err) {
  ProjectRow project = {0};
  AUTO(forge_free) Forge *forge = NULL;
  bool ok = project_get(context->catalog, row->project, &project, err) &&
            forge_open(context, &project, &forge, err);
  QueueTurn turn = {.context = context, .project = &project, .tier = row->tier, .forge = forge};
  ok = ok && serve_tier(&turn, err);
  project_row_release(&project);
  return ok;
}

static bool is_same_queue(const QueueRow *left, const QueueRow *right) {
  return str_equal(left->project, right->project) && str_equal(left->tier, right->tier);
}

bool queue_serve(Context *context, json_t **ret, Error *err) {
  QueueRow *rows = NULL;
  size_t count = 0;
  if (!queue_list_live(context->catalog, NULL, NULL, &rows, &count, err))
    return false;
  json_t *events = json_array();
  for (size_t at = 0; at < count; at++) {
    Error failure = ERROR_INIT;
    if (at > 0 && is_same_queue(&rows[at - 1], &rows[at]))
      continue;
    if (open_and_serve(context, &rows[at], &failure))
      continue;
    AUTO(str_free)
    char *event = str_format("queue of %s: %s", rows[at].tier, failure.message);
    (void)json_array_append_new(events, json_line(event));
  }
  mem_free(rows);
  *ret = json_pack("{s:o}", "events", events);
  return true;
}
