/* Compares a folder with a ledger and explains what doesn't fit. */
#include "migrate/plan.h"

#include "core/str.h"

const char *plan_state_text(PlanState state) {
  static const char *const texts[] = {
      "applied",      "pending", "changed", "edited", "collision",
      "out-of-order", "stopped", "running", "ahead",
  };
  return texts[state];
}

/* ---- findings ---- */

static void add_finding(Plan *plan, ErrorCode code, const char *version, const char *name,
                        char *message, const char *hint) {
  AUTO(str_free) char *owned = message;
  (void)json_array_append_new(plan->findings,
                              json_pack("{s:s, s:s, s:s, s:o, s:o}", "code", error_info(code)->code,
                                        "version", version, "name", name, "message",
                                        json_line(owned), "hint", json_line(hint)));
}

static void find_edited(Plan *plan, const PlanItem *item) {
  const LedgerRow *row = item->row;
  add_finding(plan, ERROR_MIGRATION_EDITED, row->version, row->name,
              str_format("%s was changed after %s had applied version %s on %s",
                         item->migration->file, row->author, row->version, row->started_at),
              "put the file back as it was and write the change as a new migration; "
              "--accept migration-edited goes on without it");
}

static void find_collision(Plan *plan, const PlanItem *item) {
  const LedgerRow *row = item->row;
  add_finding(plan, ERROR_MIGRATION_COLLISION, row->version, item->migration->name,
              str_format("version %s is applied as \"%s\" (branch %s, by %s); the folder has "
                         "\"%s\" under it",
                         row->version, row->name, row->branch, row->author, item->migration->name),
              "two branches chose one version: give the one that isn't applied a later version");
}

static void find_out_of_order(Plan *plan, const PlanItem *item, const char *highest) {
  add_finding(
      plan, ERROR_MIGRATION_OUT_OF_ORDER, item->migration->version, item->migration->name,
      str_format("%s isn't applied, but the later version %s is", item->migration->file, highest),
      "give it a later version; --accept migration-out-of-order runs it now");
}

static void find_ahead(Plan *plan, const LedgerRow *row) {
  add_finding(plan, ERROR_MIGRATION_AHEAD, row->version, row->name,
              str_format("version %s (%s) is applied, and the folder lacks it: the database is "
                         "ahead of the code",
                         row->version[0] != '\0' ? row->version : "-", row->name),
              "get the code that has it, or take it back with `bough migrate rollback`");
}

static void find_stopped(Plan *plan, const LedgerRow *row) {
  const char *verb = row->action == LEDGER_ROLLBACK ? "rollback" : "apply";
  AUTO(str_free)
  char *hint = row->state == LEDGER_RUNNING
                   ? str_dup("wait for it; if its writer is gone, the next apply finds out")
                   : str_format("`bough migrate %s` goes on from there", verb);
  add_finding(plan, ERROR_MIGRATION_INTERRUPTED, row->version, row->name,
              str_format("the %s of version %s (%s) %s after %d of %d statements%s%s", verb,
                         row->version, row->name,
                         row->state == LEDGER_RUNNING ? "is running" : "stopped", row->done,
                         row->statements, row->error != NULL ? ": " : "",
                         row->error != NULL ? row->error : ""),
              hint);
}

/* ---- states ---- */

static PlanState state_of_row(const LedgerRow *row, const Migration *migration,
                              const char *checksum) {
  if (row->state == LEDGER_RUNNING)
    return PLAN_RUNNING;
  if (row->state == LEDGER_STOPPED)
    return PLAN_STOPPED;
  if (str_equal(row->checksum, checksum))
    return PLAN_APPLIED;
  if (migration->repeatable)
    return PLAN_CHANGED;
  return str_equal(row->name, migration->name) ? PLAN_EDITED : PLAN_COLLISION;
}

/* The highest version in force, NULL when there is none. */
static const char *highest_version(const Ledger *ledger, MigrationLayout layout) {
  const char *highest = NULL;
  for (size_t at = 0; at < ledger->count; at++) {
    const LedgerRow *row = &ledger->rows[at];
    if (row->version[0] != '\0' && ledger_is_applied(ledger, layout, row) &&
        (highest == NULL || migration_version_compare(layout, row->version, highest) > 0))
      highest = row->version;
  }
  return highest;
}

static void look_at(Plan *plan, const Ledger *ledger, MigrationLayout layout,
                    const Migration *migration, const char *highest) {
  PlanItem *item = &plan->items[plan->count++];
  item->migration = migration;
  migration_checksum(migration->up, item->checksum);
  item->row = ledger_find(ledger, layout, migration->version, migration->name);
  if (item->row != NULL)
    item->state = state_of_row(item->row, migration, item->checksum);
  else
    item->state = !migration->repeatable && highest != NULL &&
                          migration_version_compare(layout, migration->version, highest) < 0
                      ? PLAN_OUT_OF_ORDER
                      : PLAN_PENDING;
  if (item->state == PLAN_EDITED)
    find_edited(plan, item);
  if (item->state == PLAN_COLLISION)
    find_collision(plan, item);
  if (item->state == PLAN_OUT_OF_ORDER)
    find_out_of_order(plan, item, highest);
  if (item->state == PLAN_RUNNING ||
      (item->state == PLAN_STOPPED && item->row->action == LEDGER_ROLLBACK))
    find_stopped(plan, item->row);
}

static bool has(const MigrationSet *set, const LedgerRow *row) {
  for (size_t at = 0; at < set->count; at++) {
    const Migration *one = &set->items[at];
    if (one->repeatable != (row->version[0] == '\0'))
      continue;
    if (one->repeatable ? str_equal(one->name, row->name)
                        : migration_version_compare(set->layout, one->version, row->version) == 0)
      return true;
  }
  return false;
}

static void look_ahead(Plan *plan, const Ledger *ledger, const MigrationSet *set) {
  for (size_t at = 0; at < ledger->count; at++) {
    const LedgerRow *row = &ledger->rows[at];
    if (ledger_find(ledger, set->layout, row->version, row->name) != row || has(set, row))
      continue;
    PlanItem *item = &plan->items[plan->count++];
    item->row = row;
    item->state = row->state == LEDGER_DONE ? PLAN_AHEAD : PLAN_STOPPED;
    if (item->state == PLAN_AHEAD)
      find_ahead(plan, row);
    else
      find_stopped(plan, row);
  }
}

static void look_at_schema(Plan *plan, const Ledger *ledger, const char *digest) {
  const char *left = ledger_schema_digest(ledger);
  plan->drift = "unknown";
  if (left == NULL || digest == NULL)
    return;
  plan->drift = str_equal(left, digest) ? "matches" : "differs";
  if (!str_equal(left, digest))
    add_finding(plan, ERROR_MIGRATION_DRIFT, ledger->rows[ledger->count - 1].version, "",
                str_format("the schema isn't what the last migration left: it was changed by "
                           "other means since %s",
                           ledger->rows[ledger->count - 1].started_at),
                "see what with `bough diff`, and write it as a migration; "
                "--accept migration-drift goes on");
}

void plan_make(const Ledger *ledger, const MigrationSet *set, const char *digest, Plan *ret) {
  Plan plan = {.findings = json_array()};
  plan.items = mem_new(set->count + ledger->count + 1, sizeof *plan.items);
  const char *highest = highest_version(ledger, set->layout);
  for (size_t at = 0; at < set->count; at++)
    look_at(&plan, ledger, set->layout, &set->items[at], highest);
  look_ahead(&plan, ledger, set);
  look_at_schema(&plan, ledger, digest);
  *ret = plan;
}

void plan_release(Plan *plan) {
  mem_free(plan->items);
  json_free(plan->findings);
  *plan = (Plan){0};
}

static bool is_accepted(const json_t *accepted, const char *code) {
  size_t at = 0;
  const json_t *value = NULL;
  json_array_foreach(accepted, at, value) {
    if (json_is_string(value) && str_equal(json_string_value(value), code))
      return true;
  }
  return false;
}

bool plan_check(const Plan *plan, const json_t *accepted, Error *err) {
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(plan->findings, at, finding) {
    const char *code = json_string_or(finding, "code", "");
    if (is_accepted(accepted, code))
      continue;
    (void)error_set(err, error_code_from_name(code), "%s", json_string_or(finding, "message", ""));
    return error_hint(err, "%s", json_string_or(finding, "hint", ""));
  }
  return true;
}

bool plan_wants(const PlanItem *item) {
  return item->migration != NULL &&
         (item->state == PLAN_PENDING || item->state == PLAN_CHANGED ||
          item->state == PLAN_OUT_OF_ORDER ||
          (item->state == PLAN_STOPPED && item->row->action == LEDGER_APPLY));
}

static json_t *text_or_null(const char *text) {
  return text != NULL && text[0] != '\0' ? json_line(text) : json_null();
}

static json_t *describe_item(const PlanItem *item) {
  const Migration *migration = item->migration;
  const LedgerRow *row = item->row;
  bool has_undo = migration != NULL ? migration->down != NULL : row->undo != NULL;
  return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:o}", "version",
                   migration != NULL ? migration->version : row->version, "name",
                   migration != NULL ? migration->name : row->name, "file",
                   text_or_null(migration != NULL ? migration->file : NULL), "state",
                   plan_state_text(item->state), "author",
                   text_or_null(row != NULL ? row->author : NULL), "applied_at",
                   text_or_null(row != NULL ? row->started_at : NULL), "branch",
                   text_or_null(row != NULL ? row->branch : NULL), "duration_ms",
                   row != NULL && row->duration_ms >= 0 ? json_integer((json_int_t)row->duration_ms)
                                                        : json_null(),
                   "has_undo", has_undo, "error", text_or_null(row != NULL ? row->error : NULL));
}

json_t *plan_describe(const Plan *plan) {
  json_t *list = json_array();
  int applied = 0;
  int pending = 0;
  for (size_t at = 0; at < plan->count; at++) {
    (void)json_array_append_new(list, describe_item(&plan->items[at]));
    applied += plan->items[at].state == PLAN_APPLIED || plan->items[at].state == PLAN_AHEAD ||
               plan->items[at].state == PLAN_EDITED;
    pending += plan_wants(&plan->items[at]);
  }
  return json_pack("{s:o, s:O, s:s, s:i, s:i}", "migrations", list, "findings", plan->findings,
                   "schema", plan->drift, "applied", applied, "pending", pending);
}
