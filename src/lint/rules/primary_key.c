/* A primary key whose index is built under a lock. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype == CONSTRAINT(PRIMARY) && target->alters && !target->fresh &&
      constraint->indexname[0] == '\0')
    lint_find(lint, constraint->location, "an index is built while nobody can use %s",
              target->table->relname);
}

const LintRule rule_primary_key = {
    .name = "primary-key",
    .severity = LINT_WARNING,
    .why = "The index is built, and NOT NULL is checked, under an exclusive lock.",
    .instead = "CREATE UNIQUE INDEX CONCURRENTLY on columns that are NOT NULL, then ADD CONSTRAINT "
               "... PRIMARY KEY USING INDEX.",
    .refactoring = "Introduce Surrogate Key",
    .bad = "ALTER TABLE parts ADD PRIMARY KEY (id);",
    .good = "ALTER TABLE parts ADD CONSTRAINT parts_key PRIMARY KEY USING INDEX parts_key;",
    .on_constraint = check,
};
