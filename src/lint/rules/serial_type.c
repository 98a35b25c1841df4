/* Serial types. */
#include "lint/rule.h"

static bool is_serial(const PgQuery__TypeName *type) {
  static const char *const names[] = {"serial",  "bigserial", "smallserial",
                                      "serial2", "serial4",   "serial8"};
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    if (lint_type_is(type, names[at]))
      return true;
  return false;
}

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (is_serial(type)))
    lint_find(lint, type->location, "%s is a serial", column);
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__ColumnDef *column) {
  check_type(lint, column->colname, column->type_name);
}

static void check_command(Lint *lint, const LintTarget *target,
                          const PgQuery__AlterTableCmd *command) {
  const PgQuery__ColumnDef *column = SQL_NODE(command->def, COLUMN_DEF, column_def);
  if (command->subtype == AT(AlterColumnType) && column != NULL)
    check_type(lint, command->name, column->type_name);
}

const LintRule rule_serial_type = {
    .name = "serial-type",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A serial's sequence has rights and an owner of its own, and its values can be "
           "overwritten by accident.",
    .instead = "bigint GENERATED ALWAYS AS IDENTITY.",
    .refactoring = "Introduce Surrogate Key",
    .bad = "CREATE TABLE parts (id bigserial PRIMARY KEY);",
    .good = "CREATE TABLE parts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
    .on_column = check,
    .on_command = check_command,
};
