/* A materialized view refreshed under an exclusive lock. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RefreshMatViewStmt *refresh = tree->refresh_mat_view_stmt;
  if (!refresh->concurrent && !lint_is_fresh(lint, refresh->relation))
    lint_find(lint, -1, "readers of %s wait while it is refreshed", refresh->relation->relname);
}

const LintRule rule_refresh_not_concurrent = {
    .name = "refresh-not-concurrent",
    .severity = LINT_WARNING,
    .why = "Readers of the view wait until it is computed anew.",
    .instead = "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view.",
    .bad = "REFRESH MATERIALIZED VIEW stock;",
    .good = "REFRESH MATERIALIZED VIEW CONCURRENTLY stock;",
    .node = NODE(REFRESH_MAT_VIEW_STMT),
    .on_node = check,
};
