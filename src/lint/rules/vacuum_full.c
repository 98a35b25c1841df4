/* A table written anew by maintenance. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  const PgQuery__VacuumStmt *vacuum = SQL_NODE(part->tree, VACUUM_STMT, vacuum_stmt);
  bool is_full =
      vacuum != NULL && tree_option_is_on(tree_option(vacuum->options, vacuum->n_options, "full"));
  if (is_full || SQL_NODE(part->tree, CLUSTER_STMT, cluster_stmt) != NULL)
    lint_find(lint, -1, "%s writes tables anew under an exclusive lock",
              is_full ? "VACUUM FULL" : "CLUSTER");
}

const LintRule rule_vacuum_full = {
    .name = "vacuum-full",
    .severity = LINT_WARNING,
    .why = "VACUUM FULL and CLUSTER write the table anew under an exclusive lock: nobody reads it "
           "until that is done.",
    .instead = "VACUUM, or a tool that rewrites online (pg_repack).",
    .bad = "VACUUM FULL parts;",
    .good = "VACUUM (FULL FALSE) parts;",
    .on_statement = check,
};
