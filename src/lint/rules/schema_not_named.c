/* A table named without its schema. */
#include "lint/rule.h"

static void check_table(Lint *lint, const PgQuery__RangeVar *table) {
  if (table != NULL && table->schemaname[0] == '\0' && !lint_same_name(table->relpersistence, "t"))
    lint_find(lint, table->location, "the schema of %s isn't named", table->relname);
}

static void check_drop(Lint *lint, const PgQuery__DropStmt *drop) {
  PgQuery__RangeVar table;
  for (size_t at = 0; drop->remove_type == OBJECT(TABLE) && at < drop->n_objects; at++)
    if (lint_dropped(drop->objects[at], &table) && table.schemaname[0] == '\0')
      lint_find(lint, -1, "the schema of %s isn't named", table.relname);
}

static void check(Lint *lint, const SqlPart *part) {
  const PgQuery__CreateStmt *create = SQL_NODE(part->tree, CREATE_STMT, create_stmt);
  const PgQuery__AlterTableStmt *alter = SQL_NODE(part->tree, ALTER_TABLE_STMT, alter_table_stmt);
  const PgQuery__DropStmt *drop = SQL_NODE(part->tree, DROP_STMT, drop_stmt);
  const PgQuery__CreateTableAsStmt *as =
      SQL_NODE(part->tree, CREATE_TABLE_AS_STMT, create_table_as_stmt);
  check_table(lint, create != NULL ? create->relation : NULL);
  check_table(lint, alter != NULL && alter->objtype == OBJECT(TABLE) ? alter->relation : NULL);
  check_table(lint, as != NULL && as->into != NULL ? as->into->rel : NULL);
  if (drop != NULL)
    check_drop(lint, drop);
}

const LintRule rule_schema_not_named = {
    .name = "schema-not-named",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Which table is meant depends on the search_path of whoever runs the migration.",
    .instead = "Write schema.table.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "ALTER TABLE public.parts ADD COLUMN weight numeric;",
    .on_statement = check,
};
