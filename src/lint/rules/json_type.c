/* The type json. */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "json")))
    lint_find(lint, type->location, "%s is json, which can't be compared", column);
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

const LintRule rule_json_type = {
    .name = "json-type",
    .severity = LINT_WARNING,
    .why = "json has no equality, so DISTINCT, GROUP BY and UNION over the table fail, and it is "
           "parsed at every access.",
    .instead = "jsonb.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN extra json;",
    .good = "ALTER TABLE parts ADD COLUMN extra jsonb;",
    .on_column = check,
    .on_command = check_command,
};
