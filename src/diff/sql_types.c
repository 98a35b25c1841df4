/* Types: enums, domains, composites, ranges, base types. */
#include "diff/sql_build.h"

/* ---- enums ---- */

void enum_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE TYPE %O AS ENUM (", node->object);
  const char *comma = "";
  for (const Object *value = node->object->first_child; value != NULL; value = value->next) {
    sql_add(&sql, "%s%L", comma, value->name);
    comma = ", ";
  }
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

/* Whether all labels stay, in their order: then new ones can be added between them. */
bool enum_only_grows(const Build *build, const Node *before) {
  int32_t last = 0;
  for (const Object *value = before->object->first_child; value != NULL; value = value->next) {
    const Node *partner = node_of(build, value)->partner;
    if (partner == NULL || partner->object->position < last)
      return false;
    last = partner->object->position;
  }
  return true;
}

/* Added from the first to the last, each behind the one before it; under the type's old name, since
 * this comes before all renames. */
void enum_add_values(Build *build, const Node *node) {
  const Object *previous = NULL;
  const Object *value = node->partner->object->first_child;
  for (; value != NULL; previous = value, value = value->next) {
    if (node_of(build, value)->partner != NULL)
      continue;
    const Node *was = previous != NULL ? node_of(build, previous)->partner : NULL;
    const char *behind = previous == NULL ? NULL : was != NULL ? was->object->name : previous->name;
    const Object *first = node->object->first_child;
    if (behind != NULL)
      emit(build, 0, "ALTER TYPE %O ADD VALUE %L AFTER %L", node->object, value->name, behind);
    else if (first != NULL)
      emit(build, 0, "ALTER TYPE %O ADD VALUE %L BEFORE %L", node->object, value->name,
           first->name);
    else
      emit(build, 0, "ALTER TYPE %O ADD VALUE %L", node->object, value->name);
  }
}

/* ---- domains ---- */

static void add_optional(Buffer *sql, const char *words, const char *value) {
  if (value != NULL)
    sql_add(sql, "%s %s", words, value);
}

void domain_create(Build *build, const Node *node) {
  const Object *domain = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE DOMAIN %O AS %s", domain, value_of(domain, "type"));
  add_optional(&sql, " COLLATE", object_property(domain, "collation"));
  add_optional(&sql, " DEFAULT", object_property(domain, "default"));
  if (object_is(domain, "not_null"))
    sql_add(&sql, " NOT NULL");
  emit_buffer(build, 0, NULL, &sql);
}

void domain_alter(Build *build, const Node *node) {
  const Object *domain = node->object;
  const char *value = object_property(domain, "default");
  if (value != NULL && (node_change(node, "default") != NULL || node->partner->suspend_default))
    emit(build, 0, "ALTER DOMAIN %O SET DEFAULT %s", domain, value);
  else if (node_change(node, "default") != NULL)
    emit(build, 0, "ALTER DOMAIN %O DROP DEFAULT", domain);
  if (node_change(node, "not_null") != NULL)
    emit(build, object_is(domain, "not_null") ? EMIT_REWRITE : 0, "ALTER DOMAIN %O %s NOT NULL",
         domain, object_is(domain, "not_null") ? "SET" : "DROP");
}

void domain_constraint_create(Build *build, const Node *node) {
  emit(build, EMIT_REWRITE, "ALTER DOMAIN %P ADD CONSTRAINT %I %s", node->object,
       node->object->name, node->object->definition);
}

void domain_constraint_alter(Build *build, const Node *node) {
  if (node_change(node, "validated") != NULL)
    emit(build, EMIT_REWRITE, "ALTER DOMAIN %P VALIDATE CONSTRAINT %I", node->object,
         node->object->name);
}

void domain_constraint_remove(Build *build, const Node *node) {
  emit(build, 0, "ALTER DOMAIN %P DROP CONSTRAINT %I", node->object, node->object->name);
}

/* ---- composites ---- */

static void add_attribute(Buffer *sql, const Object *attribute) {
  sql_add(sql, "%I %s", attribute->name, value_of(attribute, "type"));
  add_optional(sql, " COLLATE", object_property(attribute, "collation"));
}

void composite_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE TYPE %O AS (", node->object);
  const char *comma = "";
  for (const Object *child = node->object->first_child; child != NULL; child = child->next) {
    if (child->kind != KIND_ATTRIBUTE)
      continue;
    sql_add(&sql, "%s", comma);
    add_attribute(&sql, child);
    comma = ", ";
  }
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

/* No CASCADE: tables OF the type are set apart meanwhile, and have changes of their own. */
void attribute_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER TYPE %P ADD ATTRIBUTE ", node->object);
  add_attribute(&sql, node->object);
  emit_buffer(build, 0, NULL, &sql);
}

void attribute_alter(Build *build, const Node *node) {
  if (node_change(node, "type") == NULL && node_change(node, "collation") == NULL)
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER TYPE %P ALTER ATTRIBUTE %I TYPE %s", node->object, node->object->name,
          value_of(node->object, "type"));
  add_optional(&sql, " COLLATE", object_property(node->object, "collation"));
  emit_buffer(build, 0, NULL, &sql);
}

void attribute_remove(Build *build, const Node *node) {
  emit_noted(build, EMIT_DESTRUCTIVE, "what columns of the type hold in it is gone",
             "ALTER TYPE %P DROP ATTRIBUTE %I", node->object, node->object->name);
}

/* ---- ranges and base types ---- */

typedef struct Item {
  const char *property;
  const char *word; /* of CREATE TYPE */
} Item;

static void add_items(Buffer *sql, const Object *object, const Item *items, size_t count,
                      const char *comma) {
  for (size_t at = 0; at < count; at++) {
    const char *value = object_property(object, items[at].property);
    if (value == NULL || value[0] == '\0')
      continue;
    sql_add(sql, "%s%s = %s", comma, items[at].word, value);
    comma = ", ";
  }
}

void range_create(Build *build, const Node *node) {
  static const Item items[] = {
      {"subtype", "SUBTYPE"},           {"opclass", "SUBTYPE_OPCLASS"},
      {"collation", "COLLATION"},       {"canonical", "CANONICAL"},
      {"subtype_diff", "SUBTYPE_DIFF"}, {"multirange", "MULTIRANGE_TYPE_NAME"},
  };
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE TYPE %O AS RANGE (", node->object);
  add_items(&sql, node->object, items, ARRAY_LENGTH(items), "");
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

static const char *word_of_code(const char *codes, const char *const *words, const char *code) {
  for (size_t at = 0; codes[at] != '\0'; at++)
    if (code[0] == codes[at])
      return words[at];
  return words[0];
}

void base_type_create(Build *build, const Node *node) {
  static const Item items[] = {
      {"receive", "RECEIVE"},       {"send", "SEND"},       {"typmod_in", "TYPMOD_IN"},
      {"typmod_out", "TYPMOD_OUT"}, {"analyze", "ANALYZE"}, {"subscript", "SUBSCRIPT"},
      {"element", "ELEMENT"},
  };
  static const char *const alignments[] = {"char", "int2", "int4", "double"};
  static const char *const storages[] = {"plain", "extended", "main", "external"};
  const Object *type = node->object;
  if (!object_is(type, "defined")) {
    if (!node->has_placeholder)
      emit(build, 0, "CREATE TYPE %O", type);
    return;
  }
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  const char *length = value_of(type, "length");
  sql_add(&sql, "CREATE TYPE %O (INPUT = %s, OUTPUT = %s", type, value_of(type, "input"),
          value_of(type, "output"));
  add_items(&sql, type, items, ARRAY_LENGTH(items), ", ");
  sql_add(&sql, ", INTERNALLENGTH = %s", length[0] == '-' ? "VARIABLE" : length);
  if (object_is(type, "by_value"))
    sql_add(&sql, ", PASSEDBYVALUE");
  sql_add(&sql, ", ALIGNMENT = %s, STORAGE = %s, CATEGORY = %L, DELIMITER = %L",
          word_of_code("csid", alignments, value_of(type, "alignment")),
          word_of_code("pxme", storages, value_of(type, "storage")), value_of(type, "category"),
          value_of(type, "delimiter"));
  if (object_is(type, "preferred"))
    sql_add(&sql, ", PREFERRED = true");
  if (object_is(type, "collatable"))
    sql_add(&sql, ", COLLATABLE = true");
  if (object_property(type, "default") != NULL)
    sql_add(&sql, ", DEFAULT = %L", value_of(type, "default"));
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}
