/* A new enum value without a place. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__AlterEnumStmt *alter = tree->alter_enum_stmt;
  if (alter->old_val[0] == '\0' && alter->new_val_neighbor[0] == '\0')
    lint_find(lint, -1, "where '%s' sorts isn't said", alter->new_val);
}

const LintRule rule_enum_value_order = {
    .name = "enum-value-order",
    .severity = LINT_WARNING,
    .why = "The value comes last, and where it sorts can't be changed any more.",
    .instead = "BEFORE or AFTER an existing value.",
    .refactoring = "Introduce Lookup Table",
    .bad = "ALTER TYPE state ADD VALUE 'retired';",
    .good = "ALTER TYPE state ADD VALUE 'retired' AFTER 'active';",
    .node = NODE(ALTER_ENUM_STMT),
    .on_node = check,
};
