/* Dropping a table. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__DropStmt *drop = tree->drop_stmt;
  PgQuery__RangeVar table;
  for (size_t at = 0; drop->remove_type == OBJECT(TABLE) && at < drop->n_objects; at++)
    if (lint_dropped(drop->objects[at], &table) && !lint_is_fresh(lint, &table))
      lint_find(lint, -1, "table %s is dropped", table.relname);
}

const LintRule rule_drop_table = {
    .name = "drop-table",
    .severity = LINT_WARNING,
    .why = "Its rows are gone, and what reads it fails from this moment on.",
    .instead = "Rename it out of the way first, wait until nothing asks for it, and drop it in a "
               "later migration.",
    .refactoring = "Drop Table",
    .bad = "DROP TABLE IF EXISTS parts;",
    .good = "CREATE TABLE parts_new (id bigint PRIMARY KEY);\n"
            "DROP TABLE parts_new;",
    .node = NODE(DROP_STMT),
    .on_node = check,
};
