/* A table without a primary key. */
#include "lint/rule.h"

/* Partitions, typed and inheriting tables, LIKE and temporary ones get theirs elsewhere. */
static bool is_plain(const PgQuery__CreateStmt *create) {
  for (size_t at = 0; at < create->n_table_elts; at++)
    if (create->table_elts[at]->node_case == NODE(TABLE_LIKE_CLAUSE))
      return false;
  return create->n_inh_relations == 0 && create->partbound == NULL && create->of_typename == NULL &&
         !lint_same_name(create->relation->relpersistence, "t");
}

static bool has_key(const PgQuery__CreateStmt *create) {
  for (size_t at = 0; at < create->n_table_elts; at++) {
    const PgQuery__ColumnDef *column = SQL_NODE(create->table_elts[at], COLUMN_DEF, column_def);
    const PgQuery__Constraint *constraint =
        SQL_NODE(create->table_elts[at], CONSTRAINT, constraint);
    if ((column != NULL && lint_has_constraint(column, CONSTRAINT(PRIMARY))) ||
        (constraint != NULL && constraint->contype == CONSTRAINT(PRIMARY)))
      return true;
  }
  return false;
}

static bool gets_key(const Lint *lint, const PgQuery__RangeVar *table) {
  const SqlScript *script = lint_script(lint);
  for (size_t at = lint_at(lint); at < script->count; at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    for (size_t of = 0;
         alter != NULL && lint_same_table(alter->relation, table) && of < alter->n_cmds; of++) {
      const PgQuery__Constraint *constraint =
          SQL_NODE(alter->cmds[of]->alter_table_cmd->def, CONSTRAINT, constraint);
      if (constraint != NULL && constraint->contype == CONSTRAINT(PRIMARY))
        return true;
    }
  }
  return false;
}

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__CreateStmt *create = tree->create_stmt;
  if (is_plain(create) && !has_key(create) && !gets_key(lint, create->relation))
    lint_find(lint, create->relation->location, "table %s has no primary key",
              create->relation->relname);
}

const LintRule rule_table_without_key = {
    .name = "table-without-key",
    .severity = LINT_WARNING,
    .why = "Rows can't be told apart: logical replication refuses UPDATE and DELETE, and tools "
           "that move rows in batches have nothing to go by.",
    .instead = "A primary key, for example bigint GENERATED ALWAYS AS IDENTITY.",
    .refactoring = "Introduce Surrogate Key",
    .bad = "CREATE TABLE parts (code text);",
    .good = "CREATE TABLE parts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text);",
    .node = NODE(CREATE_STMT),
    .on_node = check,
};
