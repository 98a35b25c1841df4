/* Dropping a database. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  lint_find(lint, -1, "database %s is dropped", tree->dropdb_stmt->dbname);
}

const LintRule rule_drop_database = {
    .name = "drop-database",
    .severity = LINT_ERROR,
    .why = "All of it is gone, and no transaction can take that back.",
    .instead = "A migration changes a database, it doesn't remove one: delete the branch instead.",
    .bad = "DROP DATABASE app;",
    .good = "COMMENT ON DATABASE app IS 'to be retired';",
    .node = NODE(DROPDB_STMT),
    .on_node = check,
};
