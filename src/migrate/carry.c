/* Brings what one branch's ledgers have to another branch. */
#include "migrate/carry_side.h"

#include "catalog/migration.h"
#include "core/clock.h"
#include "core/str.h"
#include "migrate/digest.h"
#include "migrate/run.h"

#include <stdio.h>

enum { ATTEMPTS = 3 };

static const char *text_of(const json_t *item, const char *key) {
  return json_string_or(item, key, "");
}

static bool is_of(const json_t *item, const char *database) {
  return str_equal(text_of(item, "database"), database);
}

typedef struct Work {
  const Carry *carry;
  Target target;
  Ledger ledger; /* of the tier, for writing */
  bool has_run;
} Work;

static void work_release(Work *work) {
  ledger_release(&work->ledger);
}

/* Texts of the item are borrowed. */
static bool entry_of(const Work *work, const json_t *item, PrincipalRow *author, LedgerEntry *ret,
                     Error *err) {
  (void)snprintf(author->name, sizeof author->name, "%s", text_of(item, "author"));
  *ret = (LedgerEntry){.action = str_equal(text_of(item, "action"), "baseline") ? LEDGER_BASELINE
                                                                                : LEDGER_APPLY,
                       .version = text_of(item, "version"),
                       .name = text_of(item, "name"),
                       .checksum = text_of(item, "checksum"),
                       .undo = json_string_or(item, "undo", NULL),
                       .up = json_string_or(item, "up", NULL),
                       .repeatable = json_bool_or(item, "repeatable", false),
                       .undo_alone = json_bool_or(item, "undo_alone", false),
                       .up_alone = json_bool_or(item, "up_alone", false),
                       .branch = work->carry->label,
                       .author = author};
  return migration_layout_from_name(text_of(item, "layout"), &ret->layout, err);
}

static bool run_script(Work *work, LedgerEntry *entry, const char *text, bool alone,
                       const LedgerRow *stopped, Error *err) {
  AUTO_RELEASE(steps_release) Steps steps = {0};
  const Run plan = {.target = &work->target,
                    .ledger = &work->ledger,
                    .lock_timeout_ms = CARRY_LOCK_TIMEOUT_MS,
                    .attempts = ATTEMPTS};
  double milliseconds = 0;
  if (!steps_read(entry->name, text, alone, &steps, err))
    return false;
  if (stopped != NULL &&
      (stopped->progress == NULL || !steps_begin_like(&steps, stopped->progress, stopped->done)))
    return error_set(err, ERROR_MIGRATION_EDITED, "%.100s stopped half-way, and was changed since",
                     entry->name);
  entry->statements = (int)steps.count;
  entry->progress = steps.is_alone ? steps.progress : NULL;
  work->has_run = true;
  return run_migration(&plan, entry, &steps, entry->name, stopped, &milliseconds, err);
}

static bool take_as_done(Ledger *ledger, const LedgerEntry *entry, Error *err) {
  int64_t row = 0;
  return ledger_begin(ledger, entry, &row, err) &&
         ledger_end(ledger, row, LEDGER_DONE, 0, NULL, err);
}

/* The ledger is what counts: a catalog that can't be written now doesn't undo what is done. */
static void record(const Work *work, const LedgerEntry *entry, const char *action, int64_t started,
                   const Error *failure) {
  const MigrationRun run = {.branch = &work->target.branch,
                            .database = work->target.database,
                            .action = action,
                            .version = entry->version,
                            .name = entry->name,
                            .checksum = entry->checksum,
                            .author = entry->author,
                            .duration_ms = (clock_monotonic_us() - started) / 1000,
                            .failure = failure};
  Error ignored = ERROR_INIT;
  (void)!migration_record(work->carry->context->catalog, &run, &ignored);
}

static bool is_in_force(const Work *work, const LedgerRow *row, const LedgerEntry *entry) {
  return row != NULL && ledger_is_applied(&work->ledger, entry->layout, row) &&
         str_equal(row->checksum, entry->checksum);
}

static bool apply_item(Work *work, const json_t *item, json_t *done, Error *err) {
  LedgerEntry entry;
  PrincipalRow author = {0};
  int64_t started = clock_monotonic_us();
  if (!entry_of(work, item, &author, &entry, err) || !ledger_read(&work->ledger, err))
    return false;
  const LedgerRow *row = ledger_find(&work->ledger, entry.layout, entry.version, entry.name);
  if (is_in_force(work, row, &entry))
    return true;
  bool stopped = row != NULL && row->state == LEDGER_STOPPED && row->action == LEDGER_APPLY;
  context_report(work->carry->context, entry.name, 0, 0);
  Error failure = ERROR_INIT;
  bool ok = entry.action == LEDGER_BASELINE
                ? take_as_done(&work->ledger, &entry, &failure)
                : run_script(work, &entry, entry.up != NULL ? entry.up : "", entry.up_alone,
                             stopped ? row : NULL, &failure);
  record(work, &entry, entry.action == LEDGER_BASELINE ? "baseline" : "apply", started,
         ok ? NULL : &failure);
  if (!ok) {
    *err = failure;
    return error_prefix(err, "migration %.60s %.60s", entry.version, entry.name);
  }
  const char *what = entry.version[0] != '\0' ? entry.version : entry.name;
  (void)json_array_append_new(done, json_string(what));
  return true;
}

static bool undo_item(Work *work, const json_t *item, Error *err) {
  LedgerEntry entry;
  PrincipalRow author = {0};
  int64_t started = clock_monotonic_us();
  if (!entry_of(work, item, &author, &entry, err) || !ledger_read(&work->ledger, err))
    return false;
  const LedgerRow *row = ledger_find(&work->ledger, entry.layout, entry.version, entry.name);
  if (row == NULL || !str_equal(row->checksum, entry.checksum))
    return true; /* it left nothing */
  bool again = row->action == LEDGER_ROLLBACK && row->state == LEDGER_STOPPED;
  if (entry.undo == NULL)
    return error_set(err, ERROR_MIGRATION_NO_UNDO, "migration %.100s has nothing that undoes it",
                     entry.name);
  entry.action = LEDGER_ROLLBACK;
  entry.up = NULL;
  Error failure = ERROR_INIT;
  bool ok = run_script(work, &entry, entry.undo, entry.undo_alone, again ? row : NULL, &failure);
  record(work, &entry, "rollback", started, ok ? NULL : &failure);
  if (!ok) {
    *err = failure;
    return error_prefix(err, "taking back migration %.60s %.60s", entry.version, entry.name);
  }
  return true;
}

/* Without it the schema is "unknown", and the next one notes it. */
static void note_digest(Work *work) {
  char digest[SCHEMA_DIGEST_SIZE];
  Error ignored = ERROR_INIT;
  if (work->has_run && conn_is_alive(work->ledger.conn) &&
      schema_digest(&work->target, CARRY_LOCK_TIMEOUT_MS, digest, &ignored))
    (void)!ledger_set_digest(&work->ledger, digest, &ignored);
}

static bool open_work(const Carry *carry, const char *database, Work *work, Error *err) {
  work->carry = carry;
  return carry_open_side(carry, carry->to, database, &work->target, err) &&
         ledger_open(carry->context, &work->target.endpoint, database, LEDGER_WRITE, &work->ledger,
                     err);
}

static bool apply_items(Work *work, const json_t *list, json_t *done, Error *err) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    if (is_of(item, work->target.database) && !apply_item(work, item, done, err))
      return false;
  }
  return true;
}

static bool undo_items(Work *work, const json_t *list, Error *err) {
  for (size_t at = json_array_size(list); at > 0; at--) {
    const json_t *item = json_array_get(list, at - 1);
    if (is_of(item, work->target.database) && !undo_item(work, item, err))
      return false;
  }
  return true;
}

/* done NULL: they are taken back. */
static bool work_on(const Carry *carry, const char *database, const json_t *list, json_t *done,
                    Error *err) {
  AUTO_RELEASE(work_release) Work work = {0};
  if (!open_work(carry, database, &work, err))
    return false;
  bool ok = done != NULL ? apply_items(&work, list, done, err) : undo_items(&work, list, err);
  note_digest(&work);
  return ok;
}

static bool work_on_all(const Carry *carry, const json_t *list, json_t *done, Error *err) {
  AUTO(json_free) json_t *databases = carry_databases(carry->project, list);
  size_t at = 0;
  const json_t *database = NULL;
  json_array_foreach(databases, at, database) {
    const char *name = json_string_value(database);
    if (name != NULL && !work_on(carry, name, list, done, err))
      return false;
  }
  return true;
}

bool carry_apply(const Carry *carry, const json_t *list, json_t **ret_done, Error *err) {
  json_t *done = json_array();
  bool ok = work_on_all(carry, list, done, err);
  *ret_done = done;
  return ok;
}

bool carry_undo(const Carry *carry, const json_t *list, Error *err) {
  return work_on_all(carry, list, NULL, err);
}

/* ---- reading back ---- */

static bool check_items(const Ledger *ledger, const char *database, const json_t *list,
                        Error *err) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    MigrationLayout layout = LAYOUT_BOUGH;
    if (!is_of(item, database))
      continue;
    if (!migration_layout_from_name(text_of(item, "layout"), &layout, err))
      return false;
    const LedgerRow *row =
        ledger_find(ledger, layout, text_of(item, "version"), text_of(item, "name"));
    if (row == NULL || !ledger_is_applied(ledger, layout, row) ||
        !str_equal(row->checksum, text_of(item, "checksum")))
      return error_set(err, ERROR_MIGRATION_LEDGER,
                       "the tier's ledger doesn't have migration %.60s %.60s as it was run",
                       text_of(item, "version"), text_of(item, "name"));
  }
  return true;
}

static bool check_ledger(const Carry *carry, const Target *to, const json_t *list, Error *err) {
  AUTO_RELEASE(ledger_release) Ledger ledger = {0};
  return ledger_open(carry->context, &to->endpoint, to->database, LEDGER_READ, &ledger, err) &&
         check_items(&ledger, to->database, list, err);
}

static bool read_database(const Carry *carry, const char *database, const json_t *list, bool is_run,
                          json_t *digests, Error *err) {
  Target to;
  char digest[SCHEMA_DIGEST_SIZE];
  if (!carry_open_side(carry, carry->to, database, &to, err) ||
      (is_run && !check_ledger(carry, &to, list, err)) ||
      !schema_digest(&to, CARRY_LOCK_TIMEOUT_MS, digest, err))
    return false;
  (void)json_object_set_new(digests, database, json_string(digest));
  return true;
}

bool carry_read_back(const Carry *carry, const json_t *list, bool is_run, json_t **ret_digests,
                     Error *err) {
  AUTO(json_free) json_t *databases = carry_databases(carry->project, list);
  AUTO(json_free) json_t *digests = json_object();
  size_t at = 0;
  const json_t *database = NULL;
  json_array_foreach(databases, at, database) {
    const char *name = json_string_value(database);
    if (name != NULL && !read_database(carry, name, list, is_run, digests, err))
      return false;
  }
  *ret_digests = STEAL(digests);
  return true;
}
