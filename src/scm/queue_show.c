/* Queues as people see them. */
#include "branch/access.h"
#include "branch/describe.h"
#include "catalog/policy.h"
#include "core/str.h"
#include "scm/queue_turn.h"

/* Those that are tested together with it. */
static json_t *companions(const QueueRow *row, const QueueRow *rows, size_t count) {
  json_t *names = json_array();
  for (size_t at = 0; row->run[0] != '\0' && at < count; at++)
    if (str_equal(rows[at].run, row->run) && !str_equal(rows[at].id, row->id))
      (void)json_array_append_new(names, json_string(rows[at].feature));
  return names;
}

/* From 1; 0: it stands there no more. */
static int place_of(const QueueRow *row, const QueueRow *rows, size_t count) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(rows[at].id, row->id))
      return (int)at + 1;
  return 0;
}

static json_t *describe_error(const QueueRow *row) {
  if (row->error_code[0] == '\0')
    return json_null();
  return json_pack("{s:s, s:o, s:o}", "code", row->error_code, "message", json_line(row->error),
                   "hint", json_line(row->hint));
}

static json_t *text_or_null(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *describe(const QueueRow *row, const QueueRow *rows, size_t count) {
  return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
                   "entry", row->id, "feature", row->feature, "pull", (json_int_t)row->number,
                   "tier", row->tier, "head", row->head, "asked_by", row->asked_by, "state",
                   queue_state_text(row->state), "place", place_of(row, rows, count), "of",
                   (json_int_t)count, "with", companions(row, rows, count), "run",
                   text_or_null(row->run), "merge_commit", text_or_null(row->merge_commit), "error",
                   describe_error(row), "asked_at", describe_time(row->created_at), "ended_at",
                   describe_time(row->ended_at));
}

bool queue_describe(Context *context, const QueueRow *row, json_t **ret, Error *err) {
  QueueRow *rows = NULL;
  size_t count = 0;
  if (!queue_list_tier(context, row->project, row->tier, &rows, &count, err))
    return false;
  *ret = describe(row, rows, count);
  mem_free(rows);
  return true;
}

/* Who may use the tier in some way may look at what waits for it. */
static bool sees(Context *context, const QueueRow *row) {
  BranchRow tier;
  bool found = false;
  Error ignored = ERROR_INIT; /* what can't be found out isn't shown */
  return str_equal(row->asked_by, context->caller.name) ||
         (tier_branch(context->catalog, row->project, row->tier, &tier, &found, &ignored) &&
          found && access_sees(context, &tier));
}

static bool show_tier(Context *context, const QueueRow *first, json_t *list, Error *err) {
  QueueRow *rows = NULL;
  size_t count = 0;
  if (!queue_list_tier(context, first->project, first->tier, &rows, &count, err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (sees(context, &rows[at]))
      (void)json_array_append_new(list, describe(&rows[at], rows, count));
  mem_free(rows);
  return true;
}

bool queue_show_all(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  QueueRow *rows = NULL;
  size_t count = 0;
  bool ok = true;
  if (!queue_list_live(context->catalog, project->id, NULL, &rows, &count, err))
    return false;
  AUTO(json_free) json_t *list = json_array();
  for (size_t at = 0; ok && at < count; at++)
    if (at == 0 || !str_equal(rows[at - 1].tier, rows[at].tier))
      ok = show_tier(context, &rows[at], list, err);
  mem_free(rows);
  if (ok)
    *ret = json_pack("{s:O}", "queue", list);
  return ok;
}

bool queue_show(Context *context, const ProjectRow *project, const char *id, json_t **ret,
                Error *err) {
  QueueRow row;
  bool found = false;
  json_t *entry = NULL;
  if (!queue_get(context->catalog, project->id, id, &row, &found, err))
    return false;
  if (!found || !sees(context, &row))
    return error_set(err, ERROR_NOTHING_TO_DO, "there is no \"%.40s\" in any queue", id);
  if (!queue_describe(context, &row, &entry, err))
    return false;
  *ret = json_pack("{s:o}", "entry", entry);
  return true;
}
