/* The type timetz. */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "timetz")))
    lint_find(lint, type->location, "%s has an offset without a date", column);
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

const LintRule rule_time_with_zone = {
    .name = "time-with-zone",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A time of day with an offset but without a date can't be compared or converted in a "
           "sensible way.",
    .instead = "time, or timestamptz.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN made_at timetz;",
    .good = "ALTER TABLE parts ADD COLUMN made_at timestamptz;",
    .on_column = check,
    .on_command = check_command,
};
