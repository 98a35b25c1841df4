/* Text search: parsers, templates, dictionaries, configurations. */
#include "diff/sql_build.h"

#include <string.h>

typedef struct Item {
  const char *property;
  const char *word;
} Item;

static void create(Build *build, const Object *object, const char *word, const Item *items,
                   size_t count) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE TEXT SEARCH %s %O (", word, object);
  const char *comma = "";
  for (size_t at = 0; at < count; at++) {
    const char *value = object_property(object, items[at].property);
    if (value == NULL)
      continue;
    sql_add(&sql, "%s%s = %s", comma, items[at].word, value);
    comma = ", ";
  }
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

void ts_parser_create(Build *build, const Node *node) {
  static const Item items[] = {{"start", "START"},
                               {"gettoken", "GETTOKEN"},
                               {"end", "END"},
                               {"headline", "HEADLINE"},
                               {"lextypes", "LEXTYPES"}};
  create(build, node->object, "PARSER", items, ARRAY_LENGTH(items));
}

void ts_template_create(Build *build, const Node *node) {
  static const Item items[] = {{"init", "INIT"}, {"lexize", "LEXIZE"}};
  create(build, node->object, "TEMPLATE", items, ARRAY_LENGTH(items));
}

/* The options are the text "a = 'x', b = 'y'" that CREATE made of what it was given. */
void ts_dictionary_create(Build *build, const Node *node) {
  const Object *dictionary = node->object;
  const char *options = object_property(dictionary, "options");
  emit(build, 0, "CREATE TEXT SEARCH DICTIONARY %O (TEMPLATE = %s%s%s)", dictionary,
       value_of(dictionary, "template"), options != NULL ? ", " : "",
       options != NULL ? options : "");
}

/* "a = 'x', b = 'y'" as in "name='value'"; names without the values that end a setting. */
static SqlOptions parse_settings(const char *text) {
  AUTO_RELEASE(buffer_release) Buffer plain = {0};
  buffer_add_text(&plain, "");
  for (const char *at = text != NULL ? text : ""; *at != '\0';) {
    const char *equals = strstr(at, " = ");
    const char *quote = strchr(at, '\'');
    if (equals != NULL && (quote == NULL || equals < quote)) {
      buffer_add(&plain, at, (size_t)(equals - at));
      buffer_add_text(&plain, "=");
      at = equals + strlen(" = ");
      continue;
    }
    /* a value: to its closing quote */
    size_t length = 0;
    bool inside = false;
    for (; at[length] != '\0' && (inside || at[length] != ','); length++)
      inside = at[length] == '\'' ? !inside : inside;
    length += at[length] == ',' ? 1 : 0;
    buffer_add(&plain, at, length);
    at += length;
    at += strspn(at, " ");
  }
  return options_parse(plain.text);
}

void ts_dictionary_alter(Build *build, const Node *node) {
  const PropertyChange *change = node_change(node, "options");
  if (change == NULL)
    return;
  AUTO_RELEASE(options_release) SqlOptions old = parse_settings(change->before);
  AUTO_RELEASE(options_release) SqlOptions new = parse_settings(change->after);
  AUTO_RELEASE(buffer_release) Buffer list = {0};
  for (size_t at = 0; at < old.count; at++)
    if (options_get(&new, old.items[at].name) == NULL)
      sql_add(&list, list.length > 0 ? ", %I" : "%I", old.items[at].name);
  for (size_t at = 0; at < new.count; at++)
    if (!str_equal(options_get(&old, new.items[at].name), new.items[at].value))
      sql_add(&list, list.length > 0 ? ", %I = %L" : "%I = %L", new.items[at].name,
              new.items[at].value);
  if (list.length > 0)
    emit(build, 0, "ALTER TEXT SEARCH DICTIONARY %O (%s)", node->object, list.text);
}

/* The part of "token: a, b" behind the token; its length in *token. */
static const char *mapping_of(const char *line, size_t length, size_t *token) {
  for (size_t at = 0; at + 1 < length; at++)
    if (line[at] == ':' && line[at + 1] == ' ') {
      *token = at;
      return line + at + 2;
    }
  *token = length;
  return line + length;
}

/* The line about the same token, NULL if there is none. */
static const char *line_of(const char *mappings, const char *token, size_t token_length,
                           size_t *ret_length) {
  const char *line;
  size_t length;
  while (next_line(&mappings, &line, &length)) {
    size_t here;
    (void)mapping_of(line, length, &here);
    if (here != token_length || strncmp(line, token, here) != 0)
      continue;
    *ret_length = length;
    return line;
  }
  return NULL;
}

static void write_mapping(Build *build, const Object *configuration, const char *verb,
                          const char *line, size_t length) {
  size_t token;
  const char *dictionaries = mapping_of(line, length, &token);
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER TEXT SEARCH CONFIGURATION %O %s MAPPING FOR ", configuration, verb);
  buffer_add(&sql, line, token);
  if (!str_equal(verb, "DROP")) {
    sql_add(&sql, " WITH ");
    buffer_add(&sql, dictionaries, length - (size_t)(dictionaries - line));
  }
  emit_buffer(build, 0, NULL, &sql);
}

/* Each line of mappings that others lack, or, where told is "ALTER", has otherwise. */
static void write_mappings(Build *build, const Object *configuration, const char *mappings,
                           const char *others, bool removes) {
  const char *line;
  size_t length;
  while (next_line(&mappings, &line, &length)) {
    size_t token, other_length = 0;
    (void)mapping_of(line, length, &token);
    const char *other = line_of(others, line, token, &other_length);
    bool is_same = other != NULL && other_length == length && strncmp(line, other, length) == 0;
    if (other == NULL)
      write_mapping(build, configuration, removes ? "DROP" : "ADD", line, length);
    else if (!removes && !is_same)
      write_mapping(build, configuration, "ALTER", line, length);
  }
}

void ts_configuration_create(Build *build, const Node *node) {
  const Object *configuration = node->object;
  emit(build, 0, "CREATE TEXT SEARCH CONFIGURATION %O (PARSER = %s)", configuration,
       value_of(configuration, "parser"));
  write_mappings(build, configuration, object_property(configuration, "mappings"), NULL, false);
}

void ts_configuration_alter(Build *build, const Node *node) {
  const PropertyChange *change = node_change(node, "mappings");
  if (change == NULL)
    return;
  write_mappings(build, node->object, change->before, change->after, true);
  write_mappings(build, node->object, change->after, change->before, false);
}
