/* A unique constraint that today's rows break. */
#include "lint/rule.h"
#include "pg/conn.h"

/* NULLs are never alike, but where the constraint says so. */
static void add_columns(Buffer *sql, const char *const *columns, size_t count, const char *between,
                        const char *behind) {
  for (size_t at = 0; at < count; at++) {
    buffer_add_text(sql, at > 0 ? between : "");
    sql_add_identifier(sql, columns[at]);
    buffer_add_text(sql, behind);
  }
}

static void ask(Lint *lint, const PgQuery__RangeVar *table, const char *const *columns,
                size_t count, bool nulls_alike, int location) {
  bool broken = false;
  if (count == 0 || lint_is_fresh(lint, table) || lint_writes_before(lint, table))
    return;
  for (size_t at = 0; at < count; at++)
    if (!lint_is_there(lint, table, columns[at]))
      return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, table);
  if (!nulls_alike) {
    buffer_add_text(&sql, " WHERE ");
    add_columns(&sql, columns, count, " AND ", " IS NOT NULL");
  }
  buffer_add_text(&sql, " GROUP BY ");
  add_columns(&sql, columns, count, ", ", "");
  buffer_add_text(&sql, " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1)");
  if (lint_ask(lint, location, sql.text, &broken) && broken)
    lint_find(lint, location, "%s has rows here that are alike in these columns", table->relname);
}

enum { COLUMNS_LIMIT = 32 /* of an index */ };

static void check_index(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__IndexStmt *index = tree->index_stmt;
  const char *columns[COLUMNS_LIMIT];
  bool is_plain = index->unique && index->where_clause == NULL &&
                  index->n_index_params <= COLUMNS_LIMIT && lint_can_ask(lint);
  for (size_t at = 0; is_plain && at < index->n_index_params; at++) {
    const PgQuery__IndexElem *element = SQL_NODE(index->index_params[at], INDEX_ELEM, index_elem);
    if (element == NULL || element->name[0] == '\0')
      return; /* an expression */
    columns[at] = element->name;
  }
  if (is_plain)
    ask(lint, index->relation, columns, index->n_index_params, index->nulls_not_distinct, -1);
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  const char *columns[COLUMNS_LIMIT];
  bool is_unique =
      constraint->contype == CONSTRAINT(UNIQUE) || constraint->contype == CONSTRAINT(PRIMARY);
  if (!is_unique || !target->alters || column != NULL || constraint->n_keys > COLUMNS_LIMIT ||
      !lint_can_ask(lint))
    return;
  for (size_t at = 0; at < constraint->n_keys; at++)
    columns[at] = tree_string(constraint->keys[at]);
  ask(lint, target->table, columns, constraint->n_keys, constraint->nulls_not_distinct,
      constraint->location);
}

const LintRule rule_data_unique = {
    .name = "data-unique",
    .severity = LINT_ERROR,
    .why = "There are rows on this branch that are alike in these columns, so the statement fails.",
    .instead = "Find and merge the duplicates first.",
    .refactoring = "Introduce Unique Key Constraint",
    .bad = "CREATE UNIQUE INDEX CONCURRENTLY parts_code ON parts (code);",
    .good = "CREATE UNIQUE INDEX CONCURRENTLY parts_id_code ON parts (id, code);",
    .data = LINT_PARTS,
    .node = NODE(INDEX_STMT),
    .on_node = check_index,
    .on_constraint = check,
};
