/* Functions, procedures, aggregates, operators and what indexes know of them. */
#include "diff/sql_build.h"

#include <string.h>

static void write_definition(Build *build, const Object *routine) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "%s", routine->definition);
  while (sql.length > 0 && sql.text[sql.length - 1] == '\n')
    sql.text[--sql.length] = '\0';
  emit_buffer(build, 0, NULL, &sql);
}

void routine_create(Build *build, const Node *node) {
  write_definition(build, node->object);
}

/* The definition says everything but owner, grants, comment and labels. */
void routine_alter(Build *build, const Node *node) {
  static const char others[] = " owner grants comment labels name schema ";
  for (size_t at = 0; at < node->change->property_count; at++) {
    AUTO(str_free) char *word = str_format(" %s ", node->change->properties[at].name);
    if (strstr(others, word) != NULL)
      continue;
    write_definition(build, node->object);
    return;
  }
}

/* ---- aggregates ---- */

typedef enum Form { FORM_PLAIN, FORM_LITERAL, FORM_FLAG, FORM_MODIFY } Form;

typedef struct Item {
  const char *property;
  const char *word;
  Form form;
} Item;

static const char *modify_word(const char *code) {
  return code[0] == 's' ? "SHAREABLE" : code[0] == 'w' ? "READ_WRITE" : "READ_ONLY";
}

static void add_item(Buffer *sql, const Object *object, const Item *item) {
  const char *value = object_property(object, item->property);
  if (value == NULL || value[0] == '\0')
    return;
  if (item->form == FORM_PLAIN)
    sql_add(sql, ", %s = %s", item->word, value);
  else if (item->form == FORM_LITERAL)
    sql_add(sql, ", %s = %L", item->word, value);
  else if (item->form == FORM_MODIFY)
    sql_add(sql, ", %s = %s", item->word, modify_word(value));
  else if (str_equal(value, "t"))
    sql_add(sql, ", %s", item->word);
}

static void add_items(Buffer *sql, const Object *object, const Item *items, size_t count) {
  for (size_t at = 0; at < count; at++)
    add_item(sql, object, &items[at]);
}

void aggregate_create(Build *build, const Node *node) {
  static const Item all[] = {
      {"sspace", "SSPACE", FORM_PLAIN},         {"combinefunc", "COMBINEFUNC", FORM_PLAIN},
      {"serialfunc", "SERIALFUNC", FORM_PLAIN}, {"deserialfunc", "DESERIALFUNC", FORM_PLAIN},
      {"initcond", "INITCOND", FORM_LITERAL},   {"msfunc", "MSFUNC", FORM_PLAIN},
      {"minvfunc", "MINVFUNC", FORM_PLAIN},     {"mstype", "MSTYPE", FORM_PLAIN},
      {"msspace", "MSSPACE", FORM_PLAIN},       {"minitcond", "MINITCOND", FORM_LITERAL},
      {"sortop", "SORTOP", FORM_PLAIN},         {"parallel", "PARALLEL", FORM_PLAIN},
  };
  static const Item final[] = {{"finalfunc", "FINALFUNC", FORM_PLAIN},
                               {"finalfunc_extra", "FINALFUNC_EXTRA", FORM_FLAG},
                               {"finalfunc_modify", "FINALFUNC_MODIFY", FORM_MODIFY}};
  static const Item moving[] = {{"mfinalfunc", "MFINALFUNC", FORM_PLAIN},
                                {"mfinalfunc_extra", "MFINALFUNC_EXTRA", FORM_FLAG},
                                {"mfinalfunc_modify", "MFINALFUNC_MODIFY", FORM_MODIFY}};
  const Object *aggregate = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE AGGREGATE %N(%s) (SFUNC = %s, STYPE = %s", aggregate,
          value_of(aggregate, "arguments"), value_of(aggregate, "sfunc"),
          value_of(aggregate, "stype"));
  add_items(&sql, aggregate, all, ARRAY_LENGTH(all));
  if (object_property(aggregate, "finalfunc") != NULL)
    add_items(&sql, aggregate, final, ARRAY_LENGTH(final));
  if (object_property(aggregate, "mfinalfunc") != NULL)
    add_items(&sql, aggregate, moving, ARRAY_LENGTH(moving));
  if (value_of(aggregate, "kind")[0] == 'h')
    sql_add(&sql, ", HYPOTHETICAL");
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

/* ---- operators ---- */

/* "(left, right)": the comma outside of quotes. */
static size_t left_length(const char *signature) {
  bool quoted = false;
  size_t at = 1;
  for (; signature[at] != '\0' && (quoted || signature[at] != ','); at++)
    quoted = signature[at] == '"' ? !quoted : quoted;
  return at - 1;
}

static void add_side(Buffer *sql, const char *word, const char *type, size_t length) {
  if (length == strlen("NONE") && strncmp(type, "NONE", length) == 0)
    return;
  sql_add(sql, ", %s = ", word);
  buffer_add(sql, type, length);
}

void operator_create(Build *build, const Node *node) {
  static const Item items[] = {
      {"commutator", "COMMUTATOR", FORM_PLAIN}, {"negator", "NEGATOR", FORM_PLAIN},
      {"restrict", "RESTRICT", FORM_PLAIN},     {"join", "JOIN", FORM_PLAIN},
      {"hashes", "HASHES", FORM_FLAG},          {"merges", "MERGES", FORM_FLAG},
  };
  const Object *operator= node->object;
  const char *signature = operator->signature;
  size_t left = left_length(signature);
  size_t length = strlen(signature);
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE OPERATOR %I.%s (FUNCTION = %s", operator->schema, operator->name,
          value_of(operator, "procedure"));
  add_side(&sql, "LEFTARG", signature + 1, left);
  if (length > left + 4)
    add_side(&sql, "RIGHTARG", signature + left + 3, length - left - 4);
  add_items(&sql, operator, items, ARRAY_LENGTH(items));
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

static void add_members(Buffer *sql, const char *members) {
  const char *line;
  size_t length;
  for (const char *comma = ""; next_line(&members, &line, &length); comma = ", ") {
    sql_add(sql, "%s", comma);
    buffer_add(sql, line, length);
  }
}

void operator_family_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  emit(build, 0, "CREATE OPERATOR FAMILY %O", node->object);
  if (object_property(node->object, "members") == NULL)
    return;
  sql_add(&sql, "ALTER OPERATOR FAMILY %O ADD ", node->object);
  add_members(&sql, value_of(node->object, "members"));
  emit_buffer(build, 0, NULL, &sql);
}

void operator_class_create(Build *build, const Node *node) {
  const Object *class = node->object;
  const char *members = value_of(class, "members");
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE OPERATOR CLASS %N%s FOR TYPE %s%s FAMILY %s AS ", class,
          object_is(class, "default") ? " DEFAULT" : "", value_of(class, "type"), class->signature,
          value_of(class, "family"));
  if (members[0] != '\0')
    add_members(&sql, members);
  else
    sql_add(&sql, "STORAGE %s", value_of(class, "type")); /* says nothing, but something must be */
  emit_buffer(build, 0, NULL, &sql);
}
