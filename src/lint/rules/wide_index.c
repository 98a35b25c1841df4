/* An index of many columns. */
#include "lint/rule.h"

enum { COLUMNS = 3 };

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__IndexStmt *index = tree->index_stmt;
  if (!index->unique && index->n_index_params > COLUMNS)
    lint_find(lint, -1, "the index has %zu columns", index->n_index_params);
}

const LintRule rule_wide_index = {
    .name = "wide-index",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "An index of more than three columns is large and slow to keep, and rarely used by more "
           "than its first ones.",
    .instead = "Index the columns that select; INCLUDE what is only to be read along.",
    .refactoring = "Introduce Index",
    .bad = "CREATE INDEX CONCURRENTLY parts_all ON parts (a, b, c, d);",
    .good = "CREATE INDEX CONCURRENTLY parts_ab ON parts (a, b) INCLUDE (c, d);",
    .node = NODE(INDEX_STMT),
    .on_node = check,
};
