/* DELETE without a WHERE. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__DeleteStmt *delete = tree->delete_stmt;
  if (delete->where_clause == NULL && !lint_is_fresh(lint, delete->relation))
    lint_find(lint, -1, "every row of %s is deleted", delete->relation->relname);
}

const LintRule rule_delete_everything = {
    .name = "delete-everything",
    .severity = LINT_WARNING,
    .why = "Every row of the table is deleted.",
    .instead = "Say which rows are meant; if all are, say so with a condition that names them.",
    .bad = "DELETE FROM parts;",
    .good = "DELETE FROM parts WHERE retired_at < '2020-01-01';",
    .node = NODE(DELETE_STMT),
    .on_node = check,
};
