/* Dropping a schema. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  if (tree->drop_stmt->remove_type == OBJECT(SCHEMA))
    lint_find(lint, -1, "a schema is dropped");
}

const LintRule rule_drop_schema = {
    .name = "drop-schema",
    .severity = LINT_WARNING,
    .why = "Everything in the schema is gone with CASCADE, and without it the migration fails as "
           "soon as somebody has put something there.",
    .instead = "Drop what the schema holds one by one, each with its own review.",
    .refactoring = "Drop Table",
    .bad = "DROP SCHEMA old CASCADE;",
    .good = "CREATE SCHEMA archive;",
    .node = NODE(DROP_STMT),
    .on_node = check,
};
