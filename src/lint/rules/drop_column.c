/* Dropping a column. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(DropColumn) && !target->fresh)
    lint_find(lint, -1, "column %s of %s is dropped", command->name, target->table->relname);
}

const LintRule rule_drop_column = {
    .name = "drop-column",
    .severity = LINT_WARNING,
    .why = "What reads the column fails from this moment on, and its values are gone.",
    .instead = "First move the data and stop reading the column in every version of the "
               "application that still runs; drop it in a later migration.",
    .refactoring = "Drop Column",
    .bad = "ALTER TABLE parts DROP COLUMN inventory_code;",
    .good = "COMMENT ON COLUMN parts.inventory_code IS 'to be dropped: see location_code';",
    .on_command = check,
};
