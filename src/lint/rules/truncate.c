/* Emptying a table. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__TruncateStmt *truncate = tree->truncate_stmt;
  for (size_t at = 0; at < truncate->n_relations; at++) {
    const PgQuery__RangeVar *table = SQL_NODE(truncate->relations[at], RANGE_VAR, range_var);
    if (table != NULL && !lint_is_fresh(lint, table))
      lint_find(lint, table->location, "table %s is emptied", table->relname);
  }
}

const LintRule rule_truncate = {
    .name = "truncate",
    .severity = LINT_WARNING,
    .why = "All rows are gone at once, without triggers for each of them, and readers wait for an "
           "exclusive lock.",
    .instead =
        "Delete the rows that are meant, in batches, or keep them in a table of their own first.",
    .bad = "TRUNCATE parts;",
    .good = "CREATE TABLE staged (id bigint PRIMARY KEY);\n"
            "TRUNCATE staged;",
    .node = NODE(TRUNCATE_STMT),
    .on_node = check,
};
