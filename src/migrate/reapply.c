/* What a tier has and its parent lacks is applied to a new branch of the parent. */
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/login.h"
#include "core/str.h"
#include "migrate/digest.h"
#include "migrate/migrate.h"
#include "migrate/run.h"

#include <stdio.h>

enum { LOCK_TIMEOUT_MS = 5000, ATTEMPTS = 3 };

typedef struct Again {
  Target target;    /* on the new branch */
  EndpointRow tier; /* its compute */
  const char *tier_name;
  json_t *applied; /* versions; borrowed */
} Again;

/* A repeatable one counts by its text. */
static bool has(const Ledger *ledger, MigrationLayout layout, const LedgerRow *row) {
  const LedgerRow *found = ledger_find(ledger, layout, row->version, row->name);
  return found != NULL && ledger_is_applied(ledger, layout, found) &&
         (!row->repeatable || str_equal(found->checksum, row->checksum));
}

static bool is_missing(const Ledger *tier, const Ledger *next, const LedgerRow *row,
                       MigrationLayout *ret_layout, bool *ret, Error *err) {
  if (!migration_layout_from_name(row->layout, ret_layout, err))
    return false;
  *ret = ledger_is_applied(tier, *ret_layout, row) && !has(next, *ret_layout, row);
  return true;
}

static LedgerEntry entry_of(const Again *again, const LedgerRow *row, MigrationLayout layout,
                            const PrincipalRow *author) {
  return (LedgerEntry){.action = row->action,
                       .layout = layout,
                       .version = row->version,
                       .name = row->name,
                       .checksum = row->checksum,
                       .undo = row->undo,
                       .up = row->up,
                       .repeatable = row->repeatable,
                       .undo_alone = row->undo_alone,
                       .up_alone = row->up_alone,
                       .branch = again->tier_name,
                       .author = author};
}

static bool run(const Again *again, Ledger *ledger, LedgerEntry *entry, Error *err) {
  AUTO_RELEASE(steps_release) Steps script = {0};
  const Run plan = {.target = &again->target,
                    .ledger = ledger,
                    .lock_timeout_ms = LOCK_TIMEOUT_MS,
                    .attempts = ATTEMPTS};
  double milliseconds = 0;
  if (!steps_read(entry->name, entry->up, entry->up_alone, &script, err))
    return false;
  entry->statements = (int)script.count;
  entry->progress = script.is_alone ? script.progress : NULL;
  return run_migration(&plan, entry, &script, entry->name, NULL, &milliseconds, err);
}

static bool take_as_done(Ledger *ledger, const LedgerEntry *entry, Error *err) {
  int64_t row = 0;
  return ledger_begin(ledger, entry, &row, err) &&
         ledger_end(ledger, row, LEDGER_DONE, 0, NULL, err);
}

static bool apply_row(const Again *again, Ledger *ledger, const LedgerRow *row,
                      MigrationLayout layout, Error *err) {
  PrincipalRow author = {0};
  (void)snprintf(author.name, sizeof author.name, "%s", row->author);
  LedgerEntry entry = entry_of(again, row, layout, &author);
  context_report(again->target.context, row->name, 0, 0);
  if (row->action != LEDGER_BASELINE && row->up == NULL)
    return error_set(err, ERROR_MIGRATION_LEDGER, "migration %.100s: its text wasn't kept",
                     row->name);
  bool ok = row->action == LEDGER_BASELINE ? take_as_done(ledger, &entry, err)
                                           : run(again, ledger, &entry, err);
  if (!ok)
    return error_prefix(err, "applying migration %.100s %.100s again", row->version, row->name);
  (void)json_array_append_new(again->applied,
                              json_string(row->version[0] != '\0' ? row->version : row->name));
  return true;
}

static bool apply_missing(const Again *again, const Ledger *tier, Ledger *next, Error *err) {
  size_t before = json_array_size(again->applied);
  char digest[SCHEMA_DIGEST_SIZE];
  for (size_t at = 0; at < tier->count; at++) {
    MigrationLayout layout = LAYOUT_BOUGH;
    bool missing = false;
    if (!is_missing(tier, next, &tier->rows[at], &layout, &missing, err) ||
        (missing && !apply_row(again, next, &tier->rows[at], layout, err)))
      return false;
  }
  return json_array_size(again->applied) == before ||
         (schema_digest(&again->target, LOCK_TIMEOUT_MS, digest, err) &&
          ledger_set_digest(next, digest, err));
}

static bool any_missing(const Ledger *tier, const Ledger *next, bool *ret, Error *err) {
  *ret = false;
  for (size_t at = 0; !*ret && at < tier->count; at++) {
    MigrationLayout layout = LAYOUT_BOUGH;
    if (!is_missing(tier, next, &tier->rows[at], &layout, ret, err))
      return false;
  }
  return true;
}

/* Where there is nothing to apply, nothing is written. */
static bool apply_database(Again *again, Error *err) {
  const Target *target = &again->target;
  AUTO_RELEASE(ledger_release) Ledger tier = {0};
  AUTO_RELEASE(ledger_release) Ledger next = {0};
  bool missing = false;
  if (!ledger_open(target->context, &again->tier, target->database, LEDGER_READ, &tier, err))
    return false;
  if (tier.count == 0)
    return true;
  if (!ledger_open(target->context, &target->endpoint, target->database, LEDGER_READ, &next, err) ||
      !any_missing(&tier, &next, &missing, err))
    return false;
  ledger_release(&next);
  return !missing || (ledger_open(target->context, &target->endpoint, target->database,
                                  LEDGER_WRITE, &next, err) &&
                      apply_missing(again, &tier, &next, err));
}

static bool apply_named(Again *again, const char *database, Error *err) {
  Target *target = &again->target;
  (void)snprintf(target->database, sizeof target->database, "%s", database);
  return apply_database(again, err) || error_prefix(err, "database \"%.63s\"", database);
}

bool migrate_reapply(Context *context, const ProjectRow *project, const BranchRow *tier,
                     const BranchRow *next, json_t **ret_applied, Error *err) {
  AUTO(json_free) json_t *applied = json_array();
  Again again = {
      .target = {.context = context, .project = project, .branch = *next, .is_server = true},
      .tier_name = tier->name,
      .applied = applied};
  const json_t *databases = json_object_get(project->details, "databases");
  size_t at = 0;
  const json_t *database = NULL;
  (void)snprintf(again.target.role, sizeof again.target.role, "%.63s", context->home->login_role);
  if (!endpoint_of_branch(context->catalog, next->id, &again.target.endpoint, err) ||
      !endpoint_start(context, tier->id, &again.tier, err))
    return false;
  if (json_array_size(databases) == 0 && !apply_named(&again, describe_database(project), err))
    return false;
  json_array_foreach(databases, at, database) {
    if (json_is_string(database) && !apply_named(&again, json_string_value(database), err))
      return false;
  }
  if (json_array_size(applied) > 0 &&
      !login_shut(context, &again.target.endpoint, again.target.role, err))
    return false;
  *ret_applied = STEAL(applied);
  return true;
}
