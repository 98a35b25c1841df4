/* 32-bit integers. */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL &&
      (lint_type_is(type, "int4") || lint_type_is(type, "serial") || lint_type_is(type, "serial4")))
    lint_find(lint, type->location, "%s has 32 bits", column);
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

const LintRule rule_int_column = {
    .name = "int-column",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A 32-bit number runs out at two thousand million, and changing the type then writes "
           "the table anew.",
    .instead = "bigint.",
    .refactoring = "Apply Standard Type",
    .bad = "CREATE TABLE parts (id integer PRIMARY KEY);",
    .good = "CREATE TABLE parts (id bigint PRIMARY KEY);",
    .on_column = check,
    .on_command = check_command,
};
