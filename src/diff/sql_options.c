/* Lists of options ("name='it''s', ..." of storage, "name 'it''s', ..." of foreign things): read,
 * compared and written again. */
#include "diff/sql_build.h"

#include <string.h>

/* A word up to stop, or a quoted one with its quotes taken away; *text moves behind it. */
static char *read_word(const char **text, const char *stop) {
  AUTO_RELEASE(buffer_release) Buffer word = {0};
  buffer_add_text(&word, "");
  const char *at = *text;
  bool escapes = at[0] == 'E' && at[1] == '\'';
  at += escapes ? 1 : 0;
  char quote = *at == '\'' || *at == '"' ? *at : '\0';
  if (quote == '\0') {
    size_t length = strcspn(at, stop);
    buffer_add(&word, at, length);
    *text = at + length;
    return buffer_steal(&word);
  }
  for (at++; *at != '\0'; at++) {
    bool is_pair = (*at == quote && at[1] == quote) || (escapes && *at == '\\' && at[1] != '\0');
    if (*at == quote && !is_pair)
      break;
    at += is_pair ? 1 : 0;
    buffer_add(&word, at, 1);
  }
  *text = at + (*at != '\0' ? 1 : 0);
  return buffer_steal(&word);
}

SqlOptions options_parse(const char *text) {
  SqlOptions options = {0};
  while (text != NULL && *text != '\0') {
    char *name = read_word(&text, "= ,");
    text += *text == '=' || *text == ' ' ? 1 : 0;
    text += strspn(text, " ");
    char *value = read_word(&text, ",");
    options.items = mem_resize(options.items, options.count + 1, sizeof *options.items);
    options.items[options.count++] = (SqlOption){name, value};
    text += *text == ',' ? 1 : 0;
    text += strspn(text, " ");
  }
  return options;
}

void options_release(SqlOptions *options) {
  for (size_t at = 0; at < options->count; at++) {
    str_free(options->items[at].name);
    str_free(options->items[at].value);
  }
  mem_free(options->items);
  *options = (SqlOptions){0};
}

const char *options_get(const SqlOptions *options, const char *name) {
  for (size_t at = 0; at < options->count; at++)
    if (str_equal(options->items[at].name, name))
      return options->items[at].value;
  return NULL;
}

static void add_comma(Buffer *sql, size_t start) {
  if (sql->length > start)
    buffer_add_text(sql, ", ");
}

void options_add_difference(Buffer *sql, const char *before, const char *after) {
  AUTO_RELEASE(options_release) SqlOptions old = options_parse(before);
  AUTO_RELEASE(options_release) SqlOptions new = options_parse(after);
  size_t start = sql->length;
  for (size_t at = 0; at < old.count; at++)
    if (options_get(&new, old.items[at].name) == NULL) {
      add_comma(sql, start);
      sql_add(sql, "DROP %I", old.items[at].name);
    }
  for (size_t at = 0; at < new.count; at++) {
    const char *value = options_get(&old, new.items[at].name);
    if (str_equal(value, new.items[at].value))
      continue;
    add_comma(sql, start);
    sql_add(sql, "%s %I %L", value == NULL ? "ADD" : "SET", new.items[at].name,
            new.items[at].value);
  }
}

void options_add_foreign(Buffer *sql, const char *text) {
  AUTO_RELEASE(options_release) SqlOptions options = options_parse(text);
  for (size_t at = 0; at < options.count; at++)
    sql_add(sql, at > 0 ? ", %I %L" : "%I %L", options.items[at].name, options.items[at].value);
}

void options_add_storage(Buffer *sql, const char *prefix, const char *text) {
  AUTO_RELEASE(options_release) SqlOptions options = options_parse(text);
  for (size_t at = 0; at < options.count; at++) {
    if (sql->length > 0)
      buffer_add_text(sql, ", ");
    sql_add(sql, "%s%I=%L", prefix, options.items[at].name, options.items[at].value);
  }
}

void options_alter(Build *build, const char *head, const char *prefix, const char *before,
                   const char *after) {
  AUTO_RELEASE(options_release) SqlOptions old = options_parse(before);
  AUTO_RELEASE(options_release) SqlOptions new = options_parse(after);
  AUTO_RELEASE(buffer_release) Buffer set = {0};
  AUTO_RELEASE(buffer_release) Buffer reset = {0};
  for (size_t at = 0; at < old.count; at++)
    if (options_get(&new, old.items[at].name) == NULL)
      sql_add(&reset, reset.length > 0 ? ", %s%I" : "%s%I", prefix, old.items[at].name);
  for (size_t at = 0; at < new.count; at++)
    if (!str_equal(options_get(&old, new.items[at].name), new.items[at].value))
      sql_add(&set, set.length > 0 ? ", %s%I=%L" : "%s%I=%L", prefix, new.items[at].name,
              new.items[at].value);
  if (reset.length > 0)
    emit(build, 0, "%s RESET (%s)", head, reset.text);
  if (set.length > 0)
    emit(build, 0, "%s SET (%s)", head, set.text);
}
