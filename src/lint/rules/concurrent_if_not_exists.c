/* IF NOT EXISTS that takes a broken index for the one that is wanted. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__IndexStmt *index = tree->index_stmt;
  if (index->concurrent && index->if_not_exists)
    lint_find(lint, -1, "an invalid index %s would be taken for a good one", index->idxname);
}

const LintRule rule_concurrent_if_not_exists = {
    .name = "concurrent-if-not-exists",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "CREATE INDEX CONCURRENTLY that failed leaves an invalid index behind. IF NOT EXISTS "
           "finds its name and does nothing, and the run succeeds without an index.",
    .instead = "DROP INDEX CONCURRENTLY IF EXISTS in a migration before, then CREATE INDEX "
               "CONCURRENTLY without IF NOT EXISTS.",
    .refactoring = "Introduce Index",
    .bad = "CREATE INDEX CONCURRENTLY IF NOT EXISTS parts_code ON parts (code);",
    .good = "CREATE INDEX CONCURRENTLY parts_code ON parts (code);",
    .node = NODE(INDEX_STMT),
    .on_node = check,
};
