/* A new enum. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__CreateEnumStmt *create = tree->create_enum_stmt;
  lint_find(lint, -1, "values of enum %s can't be removed later",
            tree_name(create->type_name, create->n_type_name, 0));
}

const LintRule rule_enum_created = {
    .name = "enum-created",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Values of an enum can be added but never removed or moved, and adding is a change of "
           "the schema.",
    .instead = "A table of the values with a foreign key, or text with a CHECK.",
    .refactoring = "Introduce Lookup Table",
    .bad = "CREATE TYPE state AS ENUM ('new', 'active');",
    .good = "CREATE TABLE states (name text PRIMARY KEY);",
    .node = NODE(CREATE_ENUM_STMT),
    .on_node = check,
};
