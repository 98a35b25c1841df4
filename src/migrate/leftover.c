/* Clears away indexes that were being built concurrently when something failed. */
#include "migrate/leftover.h"

#include "core/str.h"
#include "sql/tree.h"

/* The index of that name on that table: (is it valid, its qualified name). */
#define FIND                                                                                       \
  "SELECT i.indisvalid, pg_catalog.format('%I.%I', n.nspname, c.relname)"                          \
  " FROM pg_catalog.pg_index i"                                                                    \
  " JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid"                       \
  " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"                 \
  " WHERE c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.name"                                    \
  " AND i.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2)"

static bool clear_index(Conn *conn, const PgQuery__IndexStmt *index, bool was_cut, bool *ret_done,
                        Error *err) {
  AUTO_RELEASE(buffer_release) Buffer table = {0};
  AUTO_RELEASE(buffer_release) Buffer drop = {0};
  AUTO(rows_free) Rows *rows = NULL;
  if (index->relation->schemaname[0] != '\0') {
    sql_add_identifier(&table, index->relation->schemaname);
    buffer_add_text(&table, ".");
  }
  sql_add_identifier(&table, index->relation->relname);
  const char *const values[] = {index->idxname, table.text};
  if (!conn_query(conn, FIND, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  if (rows_count(rows) == 0)
    return true;
  if (rows_get_bool(rows, 0, 0)) {
    *ret_done = was_cut;
    return true;
  }
  buffer_add_format(&drop, "DROP INDEX CONCURRENTLY %s", rows_get(rows, 0, 1));
  return conn_exec(conn, drop.text, NULL, err);
}

/* Whether an index that was to be dropped is gone. */
static bool find_dropped(Conn *conn, const PgQuery__DropStmt *drop, bool *ret_done, Error *err) {
  const PgQuery__List *names = drop->n_objects == 1 ? SQL_NODE(drop->objects[0], LIST, list) : NULL;
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  AUTO(rows_free) Rows *rows = NULL;
  if (names == NULL)
    return true;
  for (size_t at = 0; at < names->n_items; at++) {
    if (at > 0)
      buffer_add_text(&name, ".");
    sql_add_identifier(&name, tree_string(names->items[at]));
  }
  const char *value = name.text;
  if (!conn_query(conn, "SELECT pg_catalog.to_regclass($1) IS NULL", 1, &value, &rows, err))
    return false;
  *ret_done = rows_get_bool(rows, 0, 0);
  return true;
}

bool leftover_clear(Conn *conn, const SqlPart *part, bool was_cut, bool *ret_done, Error *err) {
  const PgQuery__IndexStmt *index = SQL_NODE(part->tree, INDEX_STMT, index_stmt);
  const PgQuery__DropStmt *drop = SQL_NODE(part->tree, DROP_STMT, drop_stmt);
  *ret_done = false;
  if (index != NULL && index->concurrent && index->idxname[0] != '\0' && index->relation != NULL)
    return clear_index(conn, index, was_cut, ret_done, err);
  if (was_cut && drop != NULL && drop->concurrent)
    return find_dropped(conn, drop, ret_done, err);
  return true;
}
