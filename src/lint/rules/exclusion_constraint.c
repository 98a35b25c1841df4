/* An exclusion constraint on rows that are there. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype == CONSTRAINT(EXCLUSION) && target->alters && !target->fresh)
    lint_find(lint, constraint->location, "an index is built while nobody can use %s",
              target->table->relname);
}

const LintRule rule_exclusion_constraint = {
    .name = "exclusion-constraint",
    .severity = LINT_WARNING,
    .why = "Its index is built under an exclusive lock, and there is no way to do it otherwise.",
    .instead = "Make it on a new table and move the rows, or plan the time that it takes.",
    .refactoring = "Introduce Column Constraint",
    .bad = "ALTER TABLE bookings ADD CONSTRAINT once EXCLUDE USING gist (room WITH =, during WITH "
           "&&);",
    .good = "CREATE TABLE bookings (room int, during tsrange, EXCLUDE USING gist (room WITH =, "
            "during WITH &&));",
    .on_constraint = check,
};
