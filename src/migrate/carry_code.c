/* Whether what is brought to a tier is what the commit says that goes with it. Whoever owns a
 * branch may do with its database what it likes, also after CI has looked at the commit. */
#include "migrate/carry_side.h"

#include "branch/describe.h"
#include "branch/endpoint.h"
#include "core/str.h"
#include "migrate/ledger.h"
#include "migration/migration.h"

typedef struct Code {
  const Carry *carry;
  const char *database;
  MigrationSet set;
  Ledger tier;
} Code;

static void code_release(Code *code) {
  migration_set_release(&code->set);
  ledger_release(&code->tier);
}

static bool open_code(const Carry *carry, const json_t *set, Code *ret, Error *err) {
  EndpointRow endpoint;
  ret->carry = carry;
  ret->database = describe_database(carry->project);
  return migration_set_from_json(set, &ret->set, err) &&
         endpoint_start(carry->context, carry->to->id, &endpoint, err) &&
         ledger_open(carry->context, &endpoint, ret->database, LEDGER_READ, &ret->tier, err);
}

/* A version is one migration whatever it is called; repeatable ones have a name alone. */
static bool is_same(const Code *code, const Migration *migration, const json_t *item) {
  const char *version = json_string_or(item, "version", "");
  if (!str_equal(json_string_or(item, "database", ""), code->database) ||
      migration->repeatable != json_bool_or(item, "repeatable", false))
    return false;
  return migration->repeatable
             ? str_equal(migration->name, json_string_or(item, "name", ""))
             : migration_version_compare(code->set.layout, migration->version, version) == 0;
}

/* ---- nothing else ---- */

static bool check_known(const Code *code, const json_t *item, Error *err) {
  for (size_t at = 0; at < code->set.count; at++)
    if (is_same(code, &code->set.items[at], item))
      return true;
  (void)error_set(err, ERROR_DB_AHEAD_OF_CODE,
                  "database branch \"%s\" has migration %.80s %.80s, which the commit lacks",
                  code->carry->from->name, json_string_or(item, "version", ""),
                  json_string_or(item, "name", ""));
  return error_hint(err, "commit it, or throw what is on the branch away: `bough branch reset %s`",
                    code->carry->from->name);
}

/* ---- and nothing less ---- */

static bool refuse_edited(const Code *code, const Migration *migration, Error *err) {
  (void)error_set(err, ERROR_MIGRATION_EDITED,
                  "%.150s says something else in the commit than what was run on \"%s\"",
                  migration->file, code->carry->from->name);
  return error_hint(err,
                    "`bough branch reset %s`, then `bough migrate apply` runs what is committed",
                    code->carry->from->name);
}

static bool refuse_pending(const Code *code, const Migration *migration, const char *what,
                           Error *err) {
  (void)error_set(err, ERROR_MIGRATIONS_PENDING, "%.150s %s on \"%s\"", migration->file, what,
                  code->carry->from->name);
  return error_hint(err,
                    "`bough branch reset %s`, then `bough migrate apply` runs what is committed",
                    code->carry->from->name);
}

static json_t *find_item(const Code *code, const Migration *migration, const json_t *list) {
  size_t at = 0;
  json_t *item = NULL;
  json_array_foreach(list, at, item) {
    if (is_same(code, migration, item))
      return item;
  }
  return NULL;
}

/* The branch's ledger has the rest as whoever applied it gave it; proved and reviewed is the
 * commit's. */
static bool take_rest(const Migration *migration, json_t *item, Error *err) {
  if (migration->down != NULL)
    (void)json_object_set_new(item, "undo", json_string(migration->down));
  else
    (void)json_object_del(item, "undo");
  (void)json_object_set_new(item, "undo_alone", json_boolean(migration->down_alone));
  (void)json_object_set_new(item, "up_alone", json_boolean(migration->up_alone));
  return carry_note_rights(item, err);
}

/* It comes now, or the tier has it already. */
static bool check_there(const Code *code, const Migration *migration, const json_t *list,
                        Error *err) {
  char checksum[MIGRATION_CHECKSUM_SIZE];
  json_t *item = find_item(code, migration, list);
  migration_checksum(migration->up, checksum);
  if (item != NULL && str_equal(json_string_or(item, "action", ""), "baseline"))
    return refuse_pending(code, migration, "was only noted as applied, not run,", err);
  if (item != NULL)
    return str_equal(json_string_or(item, "checksum", ""), checksum)
               ? take_rest(migration, item, err)
               : refuse_edited(code, migration, err);
  const LedgerRow *row =
      ledger_find(&code->tier, code->set.layout, migration->version, migration->name);
  if (row == NULL || !ledger_is_applied(&code->tier, code->set.layout, row))
    return refuse_pending(code, migration, "isn't applied", err);
  return str_equal(row->checksum, checksum) || refuse_edited(code, migration, err);
}

bool carry_check_code(const Carry *carry, const json_t *set, json_t *list, Error *err) {
  AUTO_RELEASE(code_release) Code code = {0};
  size_t at = 0;
  const json_t *item = NULL;
  if (!open_code(carry, set, &code, err))
    return false;
  json_array_foreach(list, at, item) {
    if (!check_known(&code, item, err))
      return false;
  }
  for (size_t index = 0; index < code.set.count; index++)
    if (!check_there(&code, &code.set.items[index], list, err))
      return false;
  return true;
}
