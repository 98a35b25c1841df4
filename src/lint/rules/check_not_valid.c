/* A CHECK that reads the whole table under a lock. */
#include "lint/rule.h"

/* A CHECK in the definition of a new column without a default holds for NULL: it still is checked.
 */
static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype == CONSTRAINT(CHECK) && target->alters && !target->fresh &&
      !constraint->skip_validation)
    lint_find(lint, constraint->location, "all rows of %s are checked under an exclusive lock",
              target->table->relname);
}

const LintRule rule_check_not_valid = {
    .name = "check-not-valid",
    .severity = LINT_WARNING,
    .why = "All rows are checked under an exclusive lock.",
    .instead = "Add it NOT VALID, then VALIDATE CONSTRAINT in another transaction.",
    .refactoring = "Introduce Column Constraint",
    .bad = "ALTER TABLE parts ADD CONSTRAINT weight_positive CHECK (weight > 0);",
    .good = "ALTER TABLE parts ADD CONSTRAINT weight_positive CHECK (weight > 0) NOT VALID;",
    .on_constraint = check,
};
