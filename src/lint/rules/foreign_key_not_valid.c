/* A foreign key checked while both tables are locked. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype == CONSTRAINT(FOREIGN) && target->alters && !target->fresh &&
      !constraint->skip_validation)
    lint_find(lint, constraint->location, "rows of %s are checked while it and %s are locked",
              target->table->relname, constraint->pktable->relname);
}

const LintRule rule_foreign_key_not_valid = {
    .name = "foreign-key-not-valid",
    .severity = LINT_WARNING,
    .why = "All rows are checked while writers of both tables wait.",
    .instead = "Add it NOT VALID, then VALIDATE CONSTRAINT in another transaction.",
    .refactoring = "Add Foreign Key Constraint",
    .bad =
        "ALTER TABLE prices ADD CONSTRAINT prices_part FOREIGN KEY (part) REFERENCES parts (id);",
    .good = "ALTER TABLE prices ADD CONSTRAINT prices_part FOREIGN KEY (part) REFERENCES parts "
            "(id) NOT VALID;",
    .on_constraint = check,
};
