/* What one branch's ledgers have and another's lack. */
#include "migrate/carry_side.h"

#include "branch/describe.h"
#include "branch/endpoint.h"
#include "core/str.h"
#include "migrate/digest.h"
#include "migrate/ledger.h"
#include "migrate/steps.h"
#include "pg/platform.h"

#include <stdio.h>

/* ---- the two sides ---- */

static bool wake(Context *context, const BranchRow *branch, EndpointRow *ret, Error *err) {
  if (branch->state == ROW_CREATING)
    return endpoint_of_branch(context->catalog, branch->id, ret, err);
  return endpoint_start(context, branch->id, ret, err);
}

bool carry_open_side(const Carry *carry, const BranchRow *branch, const char *database, Target *ret,
                     Error *err) {
  *ret = (Target){.context = carry->context,
                  .project = carry->project,
                  .branch = *branch,
                  .role = PROMOTION_ROLE,
                  .is_server = true};
  (void)snprintf(ret->database, sizeof ret->database, "%s", database);
  return wake(carry->context, branch, &ret->endpoint, err);
}

static bool has_any(const json_t *list, const char *database) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    if (str_equal(json_string_or(item, "database", ""), database))
      return true;
  }
  return false;
}

json_t *carry_databases(const ProjectRow *project, const json_t *list) {
  json_t *all = json_object_get(project->details, "databases");
  json_t *names = json_array();
  size_t at = 0;
  json_t *name = NULL;
  if (json_array_size(all) == 0)
    (void)json_array_append_new(names, json_string(describe_database(project)));
  json_array_foreach(all, at, name) {
    if (json_is_string(name) && (list == NULL || has_any(list, json_string_value(name))))
      (void)json_array_append(names, name);
  }
  return names;
}

/* ---- looking ---- */

/* One text of an item: "up", or "undo", which runs on a tier too when what comes behind fails. */
static bool note_rights_of(json_t *item, const char *text_key, const char *alone_key, Error *err) {
  AUTO_RELEASE(steps_release) Steps steps = {0};
  const char *text = json_string_or(item, text_key, NULL);
  if (text == NULL || json_object_get(item, "rights") != NULL)
    return true;
  if (!steps_read(json_string_or(item, "name", ""), text, json_bool_or(item, alone_key, false),
                  &steps, err))
    return false;
  if (steps.rights != NULL)
    (void)json_object_set_new(item, "rights", json_string(steps.rights->part->name));
  return true;
}

bool carry_note_rights(json_t *item, Error *err) {
  if (str_equal(json_string_or(item, "action", ""), "baseline"))
    return true;
  if (json_string_or(item, "up", NULL) == NULL)
    return error_set(err, ERROR_MIGRATION_LEDGER, "migration %.100s: its text wasn't kept",
                     json_string_or(item, "name", ""));
  (void)json_object_del(item, "rights");
  return note_rights_of(item, "up", "up_alone", err) &&
         note_rights_of(item, "undo", "undo_alone", err);
}

static bool add_item(const char *database, const LedgerRow *row, json_t *list, Error *err) {
  json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s*, s:b, s:s*, s:b, s:s}",
                           "database", database, "layout", row->layout, "action",
                           row->action == LEDGER_BASELINE ? "baseline" : "apply", "version",
                           row->version, "name", row->name, "checksum", row->checksum, "repeatable",
                           row->repeatable, "up", row->up, "up_alone", row->up_alone, "undo",
                           row->undo, "undo_alone", row->undo_alone, "author", row->author);
  if (item == NULL)
    return error_set(err, ERROR_MIGRATION_LEDGER, "entry %lld isn't text", (long long)row->entry);
  (void)json_array_append_new(list, item);
  return carry_note_rights(item, err);
}

static bool refuse_collision(const LedgerRow *row, const LedgerRow *other, const Carry *carry,
                             Error *err) {
  (void)error_set(err, ERROR_MIGRATION_COLLISION,
                  "version %.100s is \"%.100s\" on %s, and \"%.100s\" by %s on %s", row->version,
                  row->name, carry->from->name, other->name, other->author, carry->to->name);
  return error_hint(err, "give the one that isn't in the tier a later version");
}

/* One that stopped half-way there is gone on with; a repeatable one counts by its text. */
static bool look_at_row(const Carry *carry, const Ledger *from, const Ledger *to,
                        const LedgerRow *row, bool strict, bool *ret_missing, Error *err) {
  MigrationLayout layout = LAYOUT_BOUGH;
  *ret_missing = false;
  if (!migration_layout_from_name(row->layout, &layout, err))
    return false;
  bool is_last = ledger_find(from, layout, row->version, row->name) == row;
  if (strict && is_last && row->state != LEDGER_DONE) {
    (void)error_set(err, ERROR_MIGRATION_INTERRUPTED, "%.100s is half-way on %s", row->name,
                    carry->from->name);
    return error_hint(err, "`bough migrate apply` goes on with it");
  }
  if (!ledger_is_applied(from, layout, row))
    return true;
  const LedgerRow *other = ledger_find(to, layout, row->version, row->name);
  bool same = other != NULL && str_equal(other->checksum, row->checksum);
  if (strict && other != NULL && !same && !row->repeatable)
    return refuse_collision(row, other, carry, err);
  *ret_missing =
      other == NULL || !ledger_is_applied(to, layout, other) || (row->repeatable && !same);
  return true;
}

static bool check_schema(const Target *from, const Ledger *ledger, Error *err) {
  char digest[SCHEMA_DIGEST_SIZE];
  const char *left = ledger_schema_digest(ledger);
  if (left == NULL)
    return true;
  if (!schema_digest(from, CARRY_LOCK_TIMEOUT_MS, digest, err))
    return false;
  if (str_equal(left, digest))
    return true;
  (void)error_set(err, ERROR_MIGRATION_DRIFT,
                  "the schema of %s isn't what its last migration left: it was changed by other "
                  "means",
                  from->branch.name);
  return error_hint(err, "see what with `bough diff %s`, and write it as a migration",
                    from->branch.name);
}

static bool look_at_ledgers(const Carry *carry, const Target *from, const Target *to, bool strict,
                            json_t *list, Error *err) {
  AUTO_RELEASE(ledger_release) Ledger left = {0};
  AUTO_RELEASE(ledger_release) Ledger right = {0};
  if (!ledger_open(carry->context, &from->endpoint, from->database, LEDGER_READ, &left, err))
    return false;
  if (left.count == 0)
    return true;
  if (!ledger_open(carry->context, &to->endpoint, to->database, LEDGER_READ, &right, err))
    return false;
  for (size_t at = 0; at < left.count; at++) {
    bool missing = false;
    if (!look_at_row(carry, &left, &right, &left.rows[at], strict, &missing, err) ||
        (missing && !add_item(from->database, &left.rows[at], list, err)))
      return false;
  }
  return !strict || check_schema(from, &left, err);
}

static bool look_at_database(const Carry *carry, const char *database, bool strict, json_t *list,
                             Error *err) {
  Target from;
  Target to;
  return carry_open_side(carry, carry->from, database, &from, err) &&
         carry_open_side(carry, carry->to, database, &to, err) &&
         look_at_ledgers(carry, &from, &to, strict, list, err);
}

bool carry_look(const Carry *carry, bool strict, json_t **ret, Error *err) {
  AUTO(json_free) json_t *databases = carry_databases(carry->project, NULL);
  AUTO(json_free) json_t *list = json_array();
  size_t at = 0;
  const json_t *database = NULL;
  json_array_foreach(databases, at, database) {
    const char *name = json_string_value(database);
    if (name != NULL && !look_at_database(carry, name, strict, list, err))
      return error_prefix(err, "database \"%.63s\"", name);
  }
  *ret = STEAL(list);
  return true;
}
