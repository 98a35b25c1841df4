/* A domain with a constraint. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  if (tree->create_domain_stmt->n_constraints > 0)
    lint_find(lint, -1, "the domain has constraints");
}

const LintRule rule_domain_with_constraint = {
    .name = "domain-with-constraint",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A domain's constraint can't be changed without checking every column of it at once, in "
           "all tables.",
    .instead = "A plain type, and the CHECK on the tables.",
    .refactoring = "Introduce Column Constraint",
    .bad = "CREATE DOMAIN code AS text CHECK (length(value) < 10);",
    .good = "CREATE DOMAIN code AS text;",
    .node = NODE(CREATE_DOMAIN_STMT),
    .on_node = check,
};
