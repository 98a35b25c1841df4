/* Changing the type of a column. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(AlterColumnType) && !target->fresh)
    lint_find(lint, -1, "the type of %s in %s is changed", command->name, target->table->relname);
}

const LintRule rule_change_column_type = {
    .name = "change-column-type",
    .severity = LINT_WARNING,
    .why = "Most changes write the table and its indexes anew under an exclusive lock; views that "
           "use the column forbid it; code that reads it meets another type at once.",
    .instead = "Add a column of the new type, keep both alike by a trigger, fill it in batches, "
               "let the code move over, then drop the old one.",
    .refactoring = "Replace Column",
    .bad = "ALTER TABLE parts ALTER COLUMN weight TYPE integer;",
    .good = "ALTER TABLE parts ADD COLUMN weight_grams integer;",
    .on_command = check,
};
