/* A constraint added to a domain. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  if (lint_same_name(tree->alter_domain_stmt->subtype, "C"))
    lint_find(lint, -1, "every column of the domain is checked while its table is locked");
}

const LintRule rule_domain_constraint_added = {
    .name = "domain-constraint-added",
    .severity = LINT_WARNING,
    .why = "Every column of the domain, in every table, is checked while it is locked.",
    .instead = "ALTER DOMAIN ... ADD CONSTRAINT ... NOT VALID, then VALIDATE; or constraints on "
               "the tables.",
    .refactoring = "Introduce Column Constraint",
    .bad = "ALTER DOMAIN code ADD CONSTRAINT code_short CHECK (length(value) < 10);",
    .good = "ALTER DOMAIN code RENAME CONSTRAINT code_short TO code_is_short;",
    .node = NODE(ALTER_DOMAIN_STMT),
    .on_node = check,
};
