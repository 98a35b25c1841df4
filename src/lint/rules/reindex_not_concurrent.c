/* An index rebuilt under a lock. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__ReindexStmt *reindex = tree->reindex_stmt;
  bool is_system = reindex->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SYSTEM;
  if (!is_system &&
      !tree_option_is_on(tree_option(reindex->params, reindex->n_params, "concurrently")))
    lint_find(lint, -1, "REINDEX without CONCURRENTLY keeps writers waiting");
}

const LintRule rule_reindex_not_concurrent = {
    .name = "reindex-not-concurrent",
    .severity = LINT_WARNING,
    .why =
        "REINDEX keeps writers waiting, and readers that would use the index, until it is rebuilt.",
    .instead = "REINDEX ... CONCURRENTLY, outside of a transaction.",
    .bad = "REINDEX TABLE parts;",
    .good = "REINDEX TABLE CONCURRENTLY parts;",
    .node = NODE(REINDEX_STMT),
    .on_node = check,
};
