/* Who is tested with whom, and what comes of it. */
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "migration/migration.h"
#include "scm/queue_turn.h"
#include "scm/tier.h"

#include <stdio.h>

enum { GATHER_US = 1000 * 1000 };

/* ---- leaving the batch ---- */

static void leave_run(QueueRow *row) {
  row->state = QUEUE_WAITING;
  row->run[0] = row->base[0] = '\0';
  row->place = row->members = 0;
}

bool queue_return(QueueTurn *turn, QueueRow *row, Error *err) {
  QueueState from = row->state;
  leave_run(row);
  turn->progressed = true;
  return queue_update(turn->context->catalog, row, from, err);
}

/* On its pull request, for whoever looks there. */
static void tell(QueueTurn *turn, const QueueRow *row) {
  Error ignored = ERROR_INIT; /* the caller is told by the row */
  AUTO(str_free)
  char *text = str_format("The queue of `%s` gives this back: %s%s%s", row->tier, row->error,
                          row->hint[0] != '\0' ? "\n\n" : "", row->hint);
  (void)!forge_comment_set(turn->forge, row->number, QUEUE_MARKER, text, &ignored);
}

static bool end_refused(QueueTurn *turn, QueueRow *row, QueueState from, Error *err) {
  Context *context = turn->context;
  ChangeRow change;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) &&
         change_get(context->catalog, row->change, &change, err) &&
         queue_update(context->catalog, row, from, err) &&
         queue_record(context, &change, row, "workflow.unqueue", err) &&
         catalog_commit(&guard, err);
}

bool queue_refuse(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err) {
  QueueState from = row->state;
  row->state = QUEUE_REFUSED;
  row->ended_at = clock_wall_us();
  (void)snprintf(row->error_code, sizeof row->error_code, "%s", error_info(failure->code)->code);
  (void)snprintf(row->error, sizeof row->error, "%.500s", failure->message);
  (void)snprintf(row->hint, sizeof row->hint, "%.500s", failure->hint);
  turn->progressed = true;
  if (!end_refused(turn, row, from, err))
    return false;
  tell(turn, row);
  return true;
}

/* ---- how their run stands ---- */

typedef bool RowDeed(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err);

/* Of all that the run tests. */
static bool for_members(QueueTurn *turn, const char *run, RowDeed *deed, const Error *failure,
                        Error *err) {
  for (size_t at = 0; at < turn->count; at++)
    if (turn->rows[at].state == QUEUE_TESTING && str_equal(turn->rows[at].run, run) &&
        !deed(turn, &turn->rows[at], failure, err))
      return false;
  return true;
}

static bool give_back(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err) {
  return queue_return(turn, row, err);
}

static bool let_pass(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err) {
  row->state = QUEUE_PASSED;
  turn->progressed = true;
  return queue_update(turn->context->catalog, row, QUEUE_TESTING, err);
}

/* Those who failed together are tested in halves, until whose fault it is stands alone. */
static bool halve(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err) {
  if (row->members == 1)
    return queue_refuse(turn, row, failure, err);
  row->most = row->members / 2;
  return queue_return(turn, row, err);
}

/* Of members the last one whose migrations begin at or below the one that failed. */
static QueueRow *find_culprit(QueueTurn *turn, const char *run, const char *version) {
  QueueRow *culprit = NULL;
  for (size_t at = 0; at < turn->count; at++) {
    QueueRow *row = &turn->rows[at];
    if (row->state == QUEUE_TESTING && str_equal(row->run, run) && row->version[0] != '\0' &&
        migration_version_compare(LAYOUT_BOUGH, row->version, version) <= 0)
      culprit = row;
  }
  return culprit;
}

/* Where the run could tell whose migration it was, the others needn't be halved. */
static bool part(QueueTurn *turn, const CiRunRow *run, const Error *failure, Error *err) {
  AUTO(json_free) json_t *artifact = NULL;
  if (!ci_artifact_find(turn->context->catalog, run->id, CI_FAILED_MIGRATION, &artifact, err))
    return false;
  const char *version = json_string_or(artifact, "content", NULL);
  QueueRow *culprit = version != NULL ? find_culprit(turn, run->id, version) : NULL;
  if (culprit == NULL || culprit->members == 1)
    return for_members(turn, run->id, halve, failure, err);
  culprit->most = 1;
  return for_members(turn, run->id, give_back, NULL, err);
}

static bool try_again(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err) {
  row->attempts++;
  return row->attempts >= QUEUE_ATTEMPTS ? queue_refuse(turn, row, failure, err)
                                         : queue_return(turn, row, err);
}

/* The first check that failed says why. */
static bool explain(QueueTurn *turn, const CiRunRow *run, Error *ret, Error *err) {
  AUTO(json_free) json_t *checks = NULL;
  size_t at = 0;
  const json_t *check = NULL;
  const char *name = "";
  const char *summary = run->error;
  if (!ci_check_list(turn->context->catalog, run->id, &checks, err))
    return false;
  json_array_foreach(checks, at, check) {
    if (name[0] == '\0' && str_equal(json_string_or(check, "state", ""), "failed")) {
      name = json_string_or(check, "name", "");
      summary = json_string_or(check, "summary", summary);
    }
  }
  (void)error_set(ret, ERROR_CI_FAILED, "with %s as it is now check \"%s\" fails: %.350s",
                  turn->tier, name[0] != '\0' ? name : "ci", summary);
  (void)error_hint(ret,
                   "`bough ci log %s` shows it; merge the tier into the branch, repair it there, "
                   "and `bough scm prepare-pr` again",
                   run->id);
  return true;
}

static bool is_wanted(QueueTurn *turn, const CiRunRow *run, bool *ret, Error *err) {
  char head[GIT_OID_SIZE] = "";
  char base[GIT_OID_SIZE] = "";
  bool open = false;
  if (!queue_read_live(turn->context, turn->forge, run, head, base, &open, err))
    return false;
  *ret = open && str_equal(base, run->base);
  return true;
}

/* Its worker sees that and clears away. */
static bool cancel(QueueTurn *turn, CiRunRow *run, Error *err) {
  Error failure = ERROR_INIT;
  CiState from = run->state;
  run->state = CI_CANCELLED;
  run->finished_at = clock_wall_us();
  (void)snprintf(run->error, sizeof run->error, "the queue, or its tier, has moved");
  if (ci_run_update(turn->context->catalog, run, from, &failure) || failure.code == ERROR_CANCELLED)
    return true;
  *err = failure;
  return false;
}

bool queue_look(QueueTurn *turn, const QueueRow *first, Error *err) {
  CiRunRow run;
  Error failure = ERROR_INIT;
  bool wanted = false;
  if (!ci_run_get(turn->context->catalog, turn->project->id, first->run, &run, err) ||
      !is_wanted(turn, &run, &wanted, err))
    return false;
  bool is_live = run.state == CI_QUEUED || run.state == CI_RUNNING;
  if (!wanted)
    return (!is_live || cancel(turn, &run, err)) && for_members(turn, run.id, give_back, NULL, err);
  if (is_live)
    return true;
  if (run.state == CI_PASSED)
    return for_members(turn, run.id, let_pass, NULL, err) &&
           failpoint_reach(FAILPOINT_QUEUE_PASSED, err);
  if (run.state == CI_CANCELLED)
    return for_members(turn, run.id, give_back, NULL, err);
  return explain(turn, &run, &failure, err) &&
         (run.state == CI_LOST ? for_members(turn, run.id, try_again, &failure, err)
                               : part(turn, &run, &failure, err));
}

/* ---- the next ones ---- */

typedef struct Batch {
  QueueRow *members[QUEUE_BATCH_LIMIT];
  size_t count;
  char base[GIT_OID_SIZE];
  char result[GIT_OID_SIZE]; /* base with all of them */
} Batch;

static size_t most_of(const QueueRow *row) {
  return row->most < QUEUE_BATCH_LIMIT ? (size_t)row->most : (size_t)QUEUE_BATCH_LIMIT;
}

/* As many as each of them may be tested with. */
static void choose(QueueTurn *turn, Batch *ret) {
  size_t most = QUEUE_BATCH_LIMIT;
  for (size_t at = 0; at < turn->count && ret->count < most; at++) {
    QueueRow *row = &turn->rows[at];
    if (row->state != QUEUE_WAITING || most_of(row) <= ret->count)
      continue;
    most = most_of(row) < most ? most_of(row) : most;
    ret->members[ret->count++] = row;
  }
}

static bool collides(const Batch *batch, size_t count, const QueueRow *row) {
  return count > 0 && row->version[0] != '\0' &&
         str_equal(row->version, batch->members[count - 1]->version);
}

/* What can't be put onto those before it: the same version, or the same lines. It is looked at by
 * itself once those are in the tier. */
static bool put_off(QueueTurn *turn, QueueRow *row, Error *err) {
  row->most = 1;
  return queue_update(turn->context->catalog, row, QUEUE_WAITING, err);
}

/* Makes the merges of all of them, each onto those before it. */
static bool chain(QueueTurn *turn, Batch *batch, Error *ret_conflict, Error *err) {
  char next[GIT_OID_SIZE];
  size_t kept = 0;
  (void)snprintf(batch->result, sizeof batch->result, "%s", batch->base);
  for (size_t at = 0; at < batch->count; at++) {
    QueueRow *row = batch->members[at];
    Error failure = ERROR_INIT;
    bool collision = collides(batch, kept, row);
    bool ok = !collision && forge_merge_try(turn->forge, batch->result, row->head, next, &failure);
    if (!ok && !collision && failure.code != ERROR_MERGE_CONFLICT) {
      *err = failure;
      return false;
    }
    if (ok) {
      batch->members[kept++] = row;
      (void)snprintf(batch->result, sizeof batch->result, "%s", next);
    } else if (kept == 0) {
      *ret_conflict = failure;
      break;
    } else if (!put_off(turn, row, err))
      return false;
  }
  batch->count = kept;
  return true;
}

static CiRunRow describe_run(const QueueTurn *turn, const Batch *batch) {
  CiRunRow run = {.state = CI_QUEUED, .created_at = clock_wall_us()};
  id_new("run", run.id);
  (void)snprintf(run.project, sizeof run.project, "%s", turn->project->id);
  (void)snprintf(run.source, sizeof run.source, QUEUE_SOURCE "%s", turn->tier);
  (void)snprintf(run.tier, sizeof run.tier, "%s", turn->tier);
  (void)snprintf(run.head, sizeof run.head, "%s", batch->result);
  (void)snprintf(run.base, sizeof run.base, "%s", batch->base);
  return run;
}

static bool join(QueueTurn *turn, const Batch *batch, const char *run, QueueState state,
                 Error *err) {
  for (size_t at = 0; at < batch->count; at++) {
    QueueRow *row = batch->members[at];
    row->state = state;
    row->place = (int)at + 1;
    row->members = (int)batch->count;
    (void)snprintf(row->run, sizeof row->run, "%s", run);
    (void)snprintf(row->base, sizeof row->base, "%s", batch->base);
    if (!queue_update(turn->context->catalog, row, QUEUE_WAITING, err))
      return false;
  }
  turn->progressed = true;
  return true;
}

/* All at once: a run that tests nobody, or members without a run, there is never. */
static bool begin(QueueTurn *turn, const Batch *batch, Error *err) {
  const CiRunRow run = describe_run(turn, batch);
  Catalog *catalog = turn->context->catalog;
  bool inserted = false;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(catalog, &guard, err) || !ci_run_insert(catalog, &run, &inserted, err))
    return false;
  if (!inserted) /* the one before is being cleared away */
    return true;
  return join(turn, batch, run.id, QUEUE_TESTING, err) && catalog_commit(&guard, err) &&
         failpoint_reach(FAILPOINT_QUEUE_FORMED, err);
}

/* Its own run was of exactly this: nothing has to be tested. */
static bool find_own_run(QueueTurn *turn, const Batch *batch, CiRunRow *ret, bool *ret_found,
                         Error *err) {
  const QueueRow *row = batch->members[0];
  ChangeRow change;
  CiRunRow wanted = {0};
  if (!change_get(turn->context->catalog, row->change, &change, err))
    return false;
  const CiSubject subject = {.number = row->number,
                             .source = change.git_branch,
                             .tier = turn->tier,
                             .head = row->head,
                             .base = batch->base};
  if (!queue_passed_alone(turn->context, turn->project, &subject, ret_found, err))
    return false;
  if (!*ret_found)
    return true;
  (void)snprintf(wanted.project, sizeof wanted.project, "%s", turn->project->id);
  (void)snprintf(wanted.source, sizeof wanted.source, "%s", change.git_branch);
  (void)snprintf(wanted.tier, sizeof wanted.tier, "%s", turn->tier);
  (void)snprintf(wanted.head, sizeof wanted.head, "%s", row->head);
  (void)snprintf(wanted.base, sizeof wanted.base, "%s", batch->base);
  return ci_run_find(turn->context->catalog, &wanted, ret, ret_found, err);
}

static bool test(QueueTurn *turn, Batch *batch, Error *err) {
  Error conflict = ERROR_INIT;
  CiRunRow own;
  bool found = false;
  QueueRow *first = batch->members[0];
  if (!find_own_run(turn, batch, &own, &found, err))
    return false;
  if (found) {
    batch->count = 1;
    return join(turn, batch, own.id, QUEUE_PASSED, err);
  }
  if (!chain(turn, batch, &conflict, err))
    return false;
  return batch->count > 0 ? begin(turn, batch, err) : queue_refuse(turn, first, &conflict, err);
}

/* Who asks at the same moment is looked at together, so that the lower version comes first. */
static bool has_gathered(const QueueTurn *turn) {
  for (size_t at = 0; at < turn->count; at++)
    if (turn->rows[at].created_at + GATHER_US <= clock_wall_us())
      return true;
  return false;
}

bool queue_form(QueueTurn *turn, Error *err) {
  Batch batch = {0};
  bool found = false;
  bool half = false;
  choose(turn, &batch);
  if (batch.count == 0 || !has_gathered(turn))
    return true;
  if (!tier_is_half_way(turn->context, turn->project->id, turn->tier, &half, err) ||
      !forge_branch_head(turn->forge, turn->tier, batch.base, &found, err))
    return false;
  if (half || !found) /* somebody has to finish it first */
    return true;
  return test(turn, &batch, err);
}
