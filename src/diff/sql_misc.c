/* Schemas, extensions, languages, access methods, conversions, collations, casts, transforms. */
#include "diff/sql_build.h"

void schema_create(Build *build, const Node *node) {
  emit(build, 0, "CREATE SCHEMA %O", node->object);
}

void extension_create(Build *build, const Node *node) {
  const Object *extension = node->object;
  emit(build, 0, "CREATE EXTENSION %O SCHEMA %I VERSION %L", extension,
       value_of(extension, "schema"), value_of(extension, "version"));
  members_write(build, extension, "", value_of(extension, "member_grants"));
}

void extension_alter(Build *build, const Node *node) {
  const PropertyChange *version = node_change(node, "version");
  if (version != NULL)
    emit_noted(build, 0, "needs an update path between the two versions",
               "ALTER EXTENSION %O UPDATE TO %L", node->object, version->after);
  if (node_change(node, "schema") != NULL)
    emit(build, 0, "ALTER EXTENSION %O SET SCHEMA %I", node->object,
         value_of(node->object, "schema"));
  if (node_change(node, "member_grants") != NULL)
    members_write(build, node->object, value_of(node->partner->object, "member_grants"),
                  value_of(node->object, "member_grants"));
  if (node_change(node, "members") != NULL && version == NULL &&
      node_change(node, "schema") == NULL)
    finding(build, node->object,
            "objects were added to it, or taken out of it, by hand (ALTER EXTENSION)");
}

static void add_optional(Buffer *sql, const char *word, const char *value) {
  if (value != NULL)
    sql_add(sql, " %s %s", word, value);
}

void language_create(Build *build, const Node *node) {
  const Object *language = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE %sLANGUAGE %O", object_is(language, "trusted") ? "TRUSTED " : "", language);
  add_optional(&sql, "HANDLER", object_property(language, "handler"));
  add_optional(&sql, "INLINE", object_property(language, "inline"));
  add_optional(&sql, "VALIDATOR", object_property(language, "validator"));
  emit_buffer(build, 0, NULL, &sql);
}

void access_method_create(Build *build, const Node *node) {
  emit(build, 0, "CREATE ACCESS METHOD %O TYPE %s HANDLER %s", node->object,
       value_of(node->object, "type")[0] == 'i' ? "INDEX" : "TABLE",
       value_of(node->object, "handler"));
}

void conversion_create(Build *build, const Node *node) {
  const Object *conversion = node->object;
  emit(build, 0, "CREATE %sCONVERSION %O FOR %L TO %L FROM %s",
       object_is(conversion, "default") ? "DEFAULT " : "", conversion, value_of(conversion, "from"),
       value_of(conversion, "to"), value_of(conversion, "function"));
}

void collation_create(Build *build, const Node *node) {
  const Object *collation = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  bool is_icu = value_of(collation, "provider")[0] == 'i';
  sql_add(&sql, "CREATE COLLATION %O (PROVIDER = %s", collation, is_icu ? "icu" : "libc");
  if (is_icu)
    sql_add(&sql, ", LOCALE = %L", value_of(collation, "icu_locale"));
  else
    sql_add(&sql, ", LC_COLLATE = %L, LC_CTYPE = %L", value_of(collation, "collate"),
            value_of(collation, "ctype"));
  if (!object_is(collation, "deterministic"))
    sql_add(&sql, ", DETERMINISTIC = false");
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}

void cast_create(Build *build, const Node *node) {
  const Object *cast = node->object;
  const char *context = value_of(cast, "context");
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE CAST %s ", cast->name);
  if (object_property(cast, "function") != NULL)
    sql_add(&sql, "WITH FUNCTION %s", value_of(cast, "function"));
  else
    sql_add(&sql, "%s", value_of(cast, "method")[0] == 'i' ? "WITH INOUT" : "WITHOUT FUNCTION");
  if (context[0] != 'e')
    sql_add(&sql, " AS %s", context[0] == 'a' ? "ASSIGNMENT" : "IMPLICIT");
  emit_buffer(build, 0, NULL, &sql);
}

void transform_create(Build *build, const Node *node) {
  const char *from = object_property(node->object, "from_sql");
  const char *to = object_property(node->object, "to_sql");
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE TRANSFORM %s (", node->object->name);
  if (from != NULL)
    sql_add(&sql, "FROM SQL WITH FUNCTION %s%s", from, to != NULL ? ", " : "");
  if (to != NULL)
    sql_add(&sql, "TO SQL WITH FUNCTION %s", to);
  sql_add(&sql, ")");
  emit_buffer(build, 0, NULL, &sql);
}
