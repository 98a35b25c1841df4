/* Timestamps without a time zone. */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "timestamp")))
    lint_find(lint, type->location, "%s doesn't say in which zone its time is", column);
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

const LintRule rule_timestamp_without_zone = {
    .name = "timestamp-without-zone",
    .severity = LINT_WARNING,
    .why = "What moment a timestamp without a zone means depends on who reads it.",
    .instead = "timestamptz.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN made_at timestamp;",
    .good = "ALTER TABLE parts ADD COLUMN made_at timestamptz;",
    .on_column = check,
    .on_command = check_command,
};
