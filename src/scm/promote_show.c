/* Lists promotions and what tiers can be taken back to. */
#include "branch/branch.h"
#include "branch/describe.h"
#include "catalog/policy.h"
#include "core/str.h"
#include "scm/promotion.h"

enum { SHOWN = 200 };

static json_t *text_or_null(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *branch_name(Context *context, const char *id) {
  BranchRow branch;
  Error ignored = ERROR_INIT;
  if (id[0] == '\0' || !branch_get(context->catalog, id, &branch, &ignored) ||
      branch.state == ROW_DELETED)
    return json_null();
  return json_string(branch.name);
}

static json_t *member(const PromotionRow *row, const char *key) {
  json_t *value = json_object_get(row->details, key);
  return value != NULL ? json_incref(value) : json_array();
}

static json_t *describe(Context *context, const PromotionRow *row) {
  json_t *object = json_pack(
      "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
      "promotion", row->id, "from", row->from_name, "to", row->to_tier, "branch", row->source_name,
      "state", promotion_state_text(row->state), "step", row->step, "migrations",
      member(row, "migrations"), "approved_by", member(row, "approved_by"), "checks",
      member(row, "checks"), "snapshot", branch_name(context, row->snapshot), "merge_commit",
      text_or_null(row->merge_commit), "requested_by", row->requested_by, "promoted_by",
      text_or_null(row->promoted_by), "created_at", describe_time(row->created_at), "finished_at",
      describe_time(row->finished_at), "error", text_or_null(row->error));
  (void)json_object_set_new(object, "pull", row->pull > 0 ? json_integer(row->pull) : json_null());
  return object;
}

/* Who sees the tier sees what went there, whichever branch stood for it then. */
static bool is_seen(Context *context, const PromotionRow *row) {
  BranchRow tier;
  bool found = false;
  Error ignored = ERROR_INIT;
  if (!tier_branch(context->catalog, row->project, row->to_tier, &tier, &found, &ignored))
    return false;
  return found ? access_sees(context, &tier) : access_is_platform(context);
}

bool promote_list(Context *context, const ProjectRow *project, const char *tier, json_t **ret,
                  Error *err) {
  PromotionRow *rows = NULL;
  size_t count = 0;
  if (!promotion_rows(context->catalog, project->id, tier, SHOWN, &rows, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++)
    if (is_seen(context, &rows[at]))
      (void)json_array_append_new(list, describe(context, &rows[at]));
  promotion_rows_free(rows, count);
  *ret = json_pack("{s:o}", "promotions", list);
  return true;
}
