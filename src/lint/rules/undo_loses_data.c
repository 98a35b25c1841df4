/* A migration whose undo cannot bring the data back. */
#include "lint/rule.h"

static bool drops_column(const Lint *lint, const PgQuery__AlterTableStmt *alter) {
  for (size_t at = 0; at < alter->n_cmds; at++)
    if (alter->cmds[at]->alter_table_cmd->subtype == AT(DropColumn))
      return !lint_is_fresh(lint, alter->relation);
  return false;
}

static bool drops_table(const Lint *lint, const PgQuery__DropStmt *drop) {
  PgQuery__RangeVar table;
  for (size_t at = 0; drop->remove_type == OBJECT(TABLE) && at < drop->n_objects; at++)
    if (lint_dropped(drop->objects[at], &table) && !lint_is_fresh(lint, &table))
      return true;
  return false;
}

/* A column or table that is gone: its data can only come from where it was moved before. */
static bool removes_data(const Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__AlterTableStmt *alter = SQL_NODE(tree, ALTER_TABLE_STMT, alter_table_stmt);
  const PgQuery__DropStmt *drop = SQL_NODE(tree, DROP_STMT, drop_stmt);
  if (alter != NULL)
    return drops_column(lint, alter);
  if (drop != NULL)
    return drops_table(lint, drop);
  return SQL_NODE(tree, TRUNCATE_STMT, truncate_stmt) != NULL ||
         SQL_NODE(tree, DELETE_STMT, delete_stmt) != NULL;
}

static bool moves_data(const SqlScript *script, size_t count) {
  for (size_t at = 0; at < count; at++) {
    const SqlPart *part = &script->parts[at];
    bool copies = (part->flags & SQL_WRITE) != 0 && (part->flags & SQL_DESTRUCTIVE) == 0 &&
                  SQL_NODE(part->tree, DELETE_STMT, delete_stmt) == NULL;
    if (copies)
      return true;
  }
  return false;
}

static void check(Lint *lint, const SqlPart *part) {
  const SqlScript *undo = lint_undo(lint);
  if (undo == NULL || undo->count == 0 || !removes_data(lint, part->tree))
    return;
  if (!moves_data(undo, undo->count) || !moves_data(lint_script(lint), lint_at(lint)))
    lint_find(lint, -1, "%s removes data that the undo can't bring back", part->name);
}

const LintRule rule_undo_loses_data = {
    .name = "undo-loses-data",
    .severity = LINT_WARNING,
    .why = "The migration removes data, and its undo makes the object again but empty: after a "
           "rollback the data is missing.",
    .instead = "Keep what is removed (move it to a table of its own, or only rename it) until "
               "nobody will go back, and have the undo move it in again.",
    .refactoring = "Drop Column",
    .bad = "ALTER TABLE parts DROP COLUMN weight;",
    .good = "CREATE TABLE parts_weight AS SELECT id, weight FROM parts;\n"
            "ALTER TABLE parts DROP COLUMN weight;",
    .bad_undo = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good_undo = "ALTER TABLE parts ADD COLUMN weight numeric;\n"
                 "UPDATE parts SET weight = w.weight FROM parts_weight w WHERE w.id = parts.id;\n"
                 "DROP TABLE parts_weight;",
    .on_statement = check,
};
