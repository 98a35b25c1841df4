/* A unique constraint whose index is built under a lock. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype == CONSTRAINT(UNIQUE) && target->alters && !target->fresh &&
      constraint->indexname[0] == '\0')
    lint_find(lint, constraint->location, "an index is built while nobody can use %s",
              target->table->relname);
}

const LintRule rule_unique_constraint = {
    .name = "unique-constraint",
    .severity = LINT_WARNING,
    .why = "The index is built under an exclusive lock: nobody reads the table meanwhile.",
    .instead = "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... UNIQUE USING INDEX.",
    .refactoring = "Introduce Unique Key Constraint",
    .bad = "ALTER TABLE parts ADD CONSTRAINT parts_code UNIQUE (code);",
    .good = "ALTER TABLE parts ADD CONSTRAINT parts_code UNIQUE USING INDEX parts_code;",
    .on_constraint = check,
};
