/* An index built under a lock. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__IndexStmt *index = tree->index_stmt;
  if (!index->concurrent && !lint_is_fresh(lint, index->relation))
    lint_find(lint, -1, "writers of %s wait while the index is built", index->relation->relname);
}

const LintRule rule_index_not_concurrent = {
    .name = "index-not-concurrent",
    .severity = LINT_WARNING,
    .why = "CREATE INDEX keeps every writer of the table waiting until the index is built.",
    .instead = "CREATE INDEX CONCURRENTLY, outside of a transaction, in a migration of its own.",
    .refactoring = "Introduce Index",
    .bad = "CREATE INDEX parts_code ON parts (code);",
    .good = "CREATE INDEX CONCURRENTLY parts_code ON parts (code);",
    .node = NODE(INDEX_STMT),
    .on_node = check,
};
