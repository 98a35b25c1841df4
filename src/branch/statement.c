/* Collects statements. */
#include "branch/statement.h"

#include "branch/principal.h"
#include "catalog/statement.h"
#include "core/str.h"
#include "pg/platform.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS_LIMIT = 20, FIELDS = 7, CLASS_LENGTH = 40 };

/* ---- what a line says ---- */

/* Fields of pgaudit's CSV: those in front of the statement hold no quotes, unless a name needs
 * them. */
enum { FIELD_CLASS = 3, FIELD_COMMAND, FIELD_OBJECT_TYPE, FIELD_OBJECT };

/* Takes one field off text, undoing its quotes; ret NULL: leave it out. */
static const char *take_field(const char *text, Buffer *ret) {
  if (*text != '"') {
    size_t length = strcspn(text, ",");
    buffer_add(ret, text, length);
    return text + length + (text[length] == ',');
  }
  for (text++; *text != '\0'; text++) {
    if (*text == '"' && text[1] != '"')
      break;
    text += *text == '"';
    buffer_add(ret, text, 1);
  }
  text += *text == '"';
  return text + (*text == ',');
}

static void set_text(json_t *params, const char *key, const Buffer *text) {
  json_t *value = text->length > 0 ? json_string(text->text) : NULL;
  if (value != NULL)
    (void)json_object_set_new(params, key, value);
}

/* "statement." and the class as pgaudit has it; what begins with anything else is none of its
 * words. */
static char *action_of(const char *class) {
  int length = (int)strspn(class, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  char *action = str_format("statement.%.*s", length < CLASS_LENGTH ? length : CLASS_LENGTH, class);
  for (char *c = action; *c != '\0'; c++)
    *c = (char)tolower((unsigned char)*c);
  return action;
}

/* "statement.ddl", with what it was in params; "statement.lost" for a line that was too long. */
static char *read_message(const char *message, json_t *params) {
  static const char *const names[FIELDS] = {
      [FIELD_COMMAND] = "command", [FIELD_OBJECT_TYPE] = "object_type", [FIELD_OBJECT] = "object"};
  AUTO(str_free) char *action = str_dup("statement.lost");
  AUTO_RELEASE(buffer_release) Buffer statement = {0};
  if (!str_starts(message, "AUDIT: "))
    return STEAL(action);
  message += strlen("AUDIT: ");
  for (size_t at = 0; at < FIELDS; at++) {
    AUTO_RELEASE(buffer_release) Buffer field = {0};
    message = take_field(message, &field);
    if (names[at] != NULL)
      set_text(params, names[at], &field);
    if (at != FIELD_CLASS || field.length == 0)
      continue;
    str_free(action);
    action = action_of(field.text);
  }
  (void)take_field(message, &statement);
  set_text(params, "statement", &statement);
  return STEAL(action);
}

/* ---- whose it is ---- */

typedef struct People {
  PrincipalRow *rows;
  size_t count;
} People;

static void people_release(People *people) {
  mem_free(people->rows);
}

static const PrincipalRow *find_by_role(const Context *context, const People *people,
                                        const char *role) {
  for (size_t at = 0; at < people->count; at++) {
    char name[ROLE_SIZE];
    principal_role(context->home, &people->rows[at], name);
    if (str_equal(name, role))
      return &people->rows[at];
  }
  return NULL;
}

static json_t *row_of(const Context *context, const People *people, const json_t *statement) {
  const char *role = json_string_or(statement, "user", "");
  const char *start = json_string_or(statement, "session_start", "");
  const PrincipalRow *who = find_by_role(context, people, role);
  json_t *params = json_object();
  AUTO(str_free) char *action = read_message(json_string_or(statement, "message", ""), params);
  static const char *const kept[] = {"time", "database", "application"};
  for (size_t at = 0; at < ARRAY_LENGTH(kept); at++)
    (void)json_object_set(params, kept[at], json_object_get(statement, kept[at]));
  return json_pack("{s:s, s:s, s:s?, s:s, s:o, s:s?}", "actor_type",
                   who != NULL ? who->type : "system", "actor", who != NULL ? who->name : role,
                   "on_behalf_of",
                   who != NULL && who->on_behalf_of[0] != '\0' ? who->on_behalf_of : NULL, "action",
                   action, "params", params, "session_start", start[0] != '\0' ? start : NULL);
}

/* ---- reading ---- */

static bool take(Context *context, StatementSource *source, const json_t *answer, Error *err) {
  const json_t *statements = json_object_get(answer, "statements");
  const char *file = json_string_or(answer, "file", "");
  int64_t offset = json_integer_or(answer, "offset", 0);
  AUTO_RELEASE(people_release) People people = {0};
  AUTO(json_free) json_t *rows = json_array();
  size_t at = 0;
  const json_t *statement = NULL;
  if (!principal_list(context->catalog, &people.rows, &people.count, err))
    return false;
  json_array_foreach(statements, at, statement) {
    (void)json_array_append_new(rows, row_of(context, &people, statement));
  }
  if (!statement_take(context->catalog, source, file, offset, rows, err))
    return false;
  (void)snprintf(source->file, sizeof source->file, "%s", file);
  source->offset = offset;
  return true;
}

/* *ret_end: nothing was left. */
static bool collect(Context *context, StatementSource *source, bool *ret_end, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!agent_call(context->agent, "compute.statements",
                  json_pack("{s:s, s:s, s:I}", "volume", source->volume, "file", source->file,
                            "offset", (json_int_t)source->offset),
                  &answer, err))
    return false;
  bool same = str_equal(json_string_or(answer, "file", ""), source->file) &&
              json_integer_or(answer, "offset", 0) == source->offset;
  *ret_end = json_array_size(json_object_get(answer, "statements")) == 0;
  return same || take(context, source, answer, err);
}

bool statement_collect_last(Context *context, const char *volume, Error *err) {
  StatementSource *sources = NULL;
  size_t count = 0;
  if (!statement_sources(context->catalog, volume, &sources, &count, err))
    return false;
  bool ok = true;
  bool end = count == 0;
  while (ok && !end)
    ok = collect(context, &sources[0], &end, err);
  ok = ok && (count == 0 || statement_forget(context->catalog, volume, err));
  mem_free(sources);
  return ok;
}

bool statement_collect_all(Context *context, json_t *events, Error *err) {
  StatementSource *sources = NULL;
  size_t count = 0;
  if (!statement_sources(context->catalog, NULL, &sources, &count, err))
    return false;
  for (size_t at = 0; at < count; at++) {
    Error failure = ERROR_INIT;
    bool ok = true;
    bool end = false;
    for (int round = 0; ok && !end && round < ROUNDS_LIMIT; round++)
      ok = collect(context, &sources[at], &end, &failure);
    if (!ok) {
      AUTO(str_free)
      char *text = str_format("statements of %s: %s", sources[at].branch, failure.message);
      (void)json_array_append_new(events, json_line(text));
    }
  }
  mem_free(sources);
  return true;
}
