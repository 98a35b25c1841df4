/* 16-bit integers. */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "int2") || lint_type_is(type, "smallserial") ||
                       lint_type_is(type, "serial2")))
    lint_find(lint, type->location, "%s has 16 bits", column);
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

const LintRule rule_smallint_column = {
    .name = "smallint-column",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A 16-bit number runs out at 32767, and changing the type then writes the table anew.",
    .instead = "integer or bigint.",
    .refactoring = "Apply Standard Type",
    .bad = "CREATE TABLE parts (id smallint PRIMARY KEY);",
    .good = "CREATE TABLE parts (id bigint PRIMARY KEY);",
    .on_column = check,
    .on_command = check_command,
};
