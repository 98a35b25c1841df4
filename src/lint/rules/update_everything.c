/* UPDATE without a WHERE. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__UpdateStmt *update = tree->update_stmt;
  if (update->where_clause == NULL && update->n_from_clause == 0 &&
      !lint_is_fresh(lint, update->relation))
    lint_find(lint, -1, "every row of %s is written anew", update->relation->relname);
}

const LintRule rule_update_everything = {
    .name = "update-everything",
    .severity = LINT_WARNING,
    .why = "Every row is written anew in one transaction: twice the table's size, long row locks, "
           "much log.",
    .instead =
        "Update in batches by key, each in a transaction of its own, and only rows that need it.",
    .refactoring = "Introduce Default Value",
    .bad = "UPDATE parts SET weight = 0;",
    .good = "UPDATE parts SET weight = 0 WHERE weight IS NULL AND id BETWEEN 1 AND 10000;",
    .node = NODE(UPDATE_STMT),
    .on_node = check,
};
