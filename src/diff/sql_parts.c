/* What else lies on tables: triggers, rules, policies, statistics; and event triggers. */
#include "diff/sql_build.h"

#include <string.h>

static void strip(Buffer *sql) {
  while (sql->length > 0 && strchr("; \n", sql->text[sql->length - 1]) != NULL)
    sql->text[--sql->length] = '\0';
}

static const char *enabled_word(const char *code) {
  switch (code[0]) {
  case 'D':
    return "DISABLE";
  case 'R':
    return "ENABLE REPLICA";
  case 'A':
    return "ENABLE ALWAYS";
  default:
    return "ENABLE";
  }
}

/* Made enabled, like nearly all; another state is set afterwards. */
static void write_enabled(Build *build, const Node *node, const char *word) {
  const Object *object = node->object;
  const char *state = value_of(object, "enabled");
  if (node->create ? state[0] != 'O' : node_change(node, "enabled") != NULL)
    emit(build, 0, "ALTER TABLE %P %s %s %I", object, enabled_word(state), word, object->name);
}

void trigger_create(Build *build, const Node *node) {
  if (!object_is_inherited(node->object))
    emit(build, 0, "%s", node->object->definition);
  write_enabled(build, node, "TRIGGER");
}

void trigger_alter(Build *build, const Node *node) {
  write_enabled(build, node, "TRIGGER");
}

void rule_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "%s", node->object->definition);
  strip(&sql);
  emit_buffer(build, 0, NULL, &sql);
  write_enabled(build, node, "RULE");
}

void rule_alter(Build *build, const Node *node) {
  write_enabled(build, node, "RULE");
}

static const char *command_word(const char *code) {
  switch (code[0]) {
  case 'r':
    return "SELECT";
  case 'a':
    return "INSERT";
  case 'w':
    return "UPDATE";
  case 'd':
    return "DELETE";
  default:
    return "ALL";
  }
}

void policy_create(Build *build, const Node *node) {
  const Object *policy = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE POLICY %O AS %s FOR %s TO %s", policy,
          object_is(policy, "permissive") ? "PERMISSIVE" : "RESTRICTIVE",
          command_word(value_of(policy, "command")), value_of(policy, "roles"));
  if (object_property(policy, "using") != NULL)
    sql_add(&sql, " USING (%s)", value_of(policy, "using"));
  if (object_property(policy, "check") != NULL)
    sql_add(&sql, " WITH CHECK (%s)", value_of(policy, "check"));
  emit_buffer(build, 0, NULL, &sql);
}

static void set_target(Build *build, const Node *node) {
  const char *target = object_property(node->object, "target");
  emit(build, 0, "ALTER STATISTICS %O SET STATISTICS %s", node->object,
       target != NULL ? target : "-1");
}

void statistics_create(Build *build, const Node *node) {
  emit(build, 0, "%s", node->object->definition);
  if (object_property(node->object, "target") != NULL)
    set_target(build, node);
}

void statistics_alter(Build *build, const Node *node) {
  if (node_change(node, "target") != NULL)
    set_target(build, node);
}

void event_trigger_create(Build *build, const Node *node) {
  const Object *trigger = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE EVENT TRIGGER %O ON %s", trigger, value_of(trigger, "event"));
  if (object_property(trigger, "tags") != NULL)
    sql_add(&sql, " WHEN TAG IN (%s)", value_of(trigger, "tags"));
  sql_add(&sql, " EXECUTE FUNCTION %s()", value_of(trigger, "function"));
  emit_buffer(build, 0, NULL, &sql);
  if (value_of(trigger, "enabled")[0] != 'O')
    emit(build, 0, "ALTER EVENT TRIGGER %O %s", trigger,
         enabled_word(value_of(trigger, "enabled")));
}

void event_trigger_alter(Build *build, const Node *node) {
  if (node_change(node, "enabled") != NULL)
    emit(build, 0, "ALTER EVENT TRIGGER %O %s", node->object,
         enabled_word(value_of(node->object, "enabled")));
}
