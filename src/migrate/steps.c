/* Makes steps of a migration's text. */
#include "migrate/steps.h"

#include "migration/migration.h"

#include <string.h>
#include <strings.h>

void steps_release(Steps *script) {
  for (size_t at = 0; at < script->count; at++)
    str_free(script->list[at].text);
  mem_free(script->list);
  str_free(script->progress);
  sql_free(script->sql);
  *script = (Steps){0};
}

static bool refuse(const char *file, const SqlPart *part, const char *what, const char *hint,
                   Error *err) {
  (void)error_set(err, ERROR_MIGRATION_INVALID, "%.200s line %d: %s", file, part->position.line,
                  what);
  return error_hint(err, "%s", hint);
}

/* What no tool but psql could run. */
static bool check_part(const char *file, const SqlPart *part, Error *err) {
  if (part->kind == SQL_META)
    return refuse(file, part, "a backslash command, which only psql understands",
                  "write what it does as SQL", err);
  if (part->kind == SQL_DATA || (part->flags & SQL_COPY_STDIN) != 0)
    return refuse(file, part, "COPY with the data in the file", "write INSERT instead", err);
  return true;
}

static bool is_transaction(const SqlPart *part, const char *const *words) {
  if ((part->flags & SQL_TRANSACTION) == 0 || part->name == NULL)
    return false;
  for (; *words != NULL; words++)
    if (strcasecmp(part->name, *words) == 0)
      return true;
  return false;
}

/* BEGIN first and COMMIT last say what is done anyway. */
static bool find_body(const char *file, const SqlScript *sql, size_t *ret_first, size_t *ret_end,
                      Error *err) {
  static const char *const begins[] = {"BEGIN", "START TRANSACTION", NULL};
  static const char *const ends[] = {"COMMIT", "END", NULL};
  size_t first = 0;
  size_t end = sql->count;
  if (end >= 2 && is_transaction(&sql->parts[0], begins) &&
      is_transaction(&sql->parts[end - 1], ends)) {
    first = 1;
    end--;
  }
  for (size_t at = first; at < end; at++)
    if ((sql->parts[at].flags & SQL_TRANSACTION) != 0)
      return refuse(file, &sql->parts[at], "a transaction of its own",
                    "leave BEGIN and COMMIT out: each migration is run in one transaction; what "
                    "needs several is several migrations",
                    err);
  *ret_first = first;
  *ret_end = end;
  return true;
}

static bool add_step(const char *file, Steps *script, const SqlPart *part, Error *err) {
  if (!check_part(file, part, err))
    return false;
  Step *step = &script->list[script->count++];
  *step =
      (Step){.text = sql_part_text(script->sql, part), .part = part, .line = part->position.line};
  script->is_alone = script->is_alone || (part->flags & SQL_OUTSIDE) != 0;
  if (script->rights == NULL && (part->flags & SQL_RIGHTS) != 0)
    script->rights = step;
  return true;
}

static char *checksums_of(const Steps *script) {
  Buffer text = {0};
  for (size_t at = 0; at < script->count; at++) {
    char checksum[MIGRATION_CHECKSUM_SIZE];
    migration_checksum(script->list[at].text, checksum);
    buffer_add(&text, checksum, STEP_CHECKSUM_LENGTH);
  }
  return buffer_steal(&text);
}

bool steps_read(const char *file, const char *text, bool marked_alone, Steps *ret, Error *err) {
  AUTO_RELEASE(steps_release) Steps script = {.is_alone = marked_alone};
  size_t first = 0;
  size_t end = 0;
  if (!sql_parse(text, strlen(text), &script.sql, err))
    return error_prefix(err, "%.200s", file);
  script.list = mem_new(script.sql->count + 1, sizeof *script.list);
  if (!find_body(file, script.sql, &first, &end, err))
    return false;
  for (size_t at = first; at < end; at++)
    if (!add_step(file, &script, &script.sql->parts[at], err))
      return false;
  script.progress = checksums_of(&script);
  *ret = script;
  script = (Steps){0};
  return true;
}

bool steps_begin_like(const Steps *script, const char *progress, int count) {
  size_t length = (size_t)count * STEP_CHECKSUM_LENGTH;
  return count >= 0 && (size_t)count <= script->count && strlen(progress) >= length &&
         memcmp(script->progress, progress, length) == 0;
}
