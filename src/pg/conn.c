/* Statements of a connection, prepared once each. */
#include "pg/libpq.h"

#include <stdio.h>
#include <string.h>

static Rows *rows_new(PGresult *result) {
  Rows *rows = mem_new(1, sizeof *rows);
  rows->result = result;
  return rows;
}

/* Takes result over. A COPY is an error here: nobody would feed it. */
static bool accept_result(Conn *conn, PGresult *result, Rows **ret, Error *err) {
  AUTO(PQclear) PGresult *owned = result;
  conn->sqlstate[0] = '\0';
  conn->constraint[0] = '\0';
  switch (PQresultStatus(owned)) {
  case PGRES_COMMAND_OK:
  case PGRES_TUPLES_OK:
  case PGRES_EMPTY_QUERY:
    if (ret != NULL)
      *ret = rows_new(STEAL(owned));
    return true;
  case PGRES_COPY_IN:
  case PGRES_COPY_OUT:
  case PGRES_COPY_BOTH:
    return error_set(err, ERROR_INTERNAL, "COPY can't be used on this connection");
  default:
    return conn_fail_statement(conn, owned, err);
  }
}

bool conn_exec(Conn *conn, const char *sql, Rows **ret, Error *err) {
  return accept_result(conn, PQexec(conn->pg, sql), ret, err);
}

static void free_each(Rows **rows, size_t count) {
  for (size_t at = 0; at < count; at++)
    rows_free(rows[at]);
}

bool conn_exec_each(Conn *conn, const char *sql, size_t count, Rows **ret, Error *err) {
  if (PQsendQuery(conn->pg, sql) == 0)
    return conn_fail(conn->pg, err);
  Error failure = ERROR_INIT;
  Rows **each = mem_new(count + 1, sizeof(Rows *));
  size_t done = 0;
  PGresult *result = NULL;
  while ((result = PQgetResult(conn->pg)) != NULL) { /* to the end, or the next one is refused */
    AUTO(rows_free) Rows *rows = NULL;
    if (failure.code != ERROR_NONE)
      PQclear(result);
    else if (accept_result(conn, result, &rows, &failure) && done < count)
      each[done++] = STEAL(rows);
  }
  if (failure.code == ERROR_NONE && done < count)
    (void)error_set(&failure, ERROR_INTERNAL, "%zu results of %zu statements", done, count);
  if (failure.code == ERROR_NONE)
    memcpy(ret, each, count * sizeof *each);
  else
    free_each(each, done);
  mem_free(each);
  if (failure.code != ERROR_NONE)
    *err = failure;
  return failure.code == ERROR_NONE;
}

static uint64_t text_hash(const char *text) {
  uint64_t hash = 14695981039346656037U; /* FNV-1a */
  for (const char *c = text; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * 1099511628211U;
  return hash;
}

enum { STATEMENT_NAME_SIZE = 32 };
static void statement_name(size_t index, char ret[STATEMENT_NAME_SIZE]) {
  (void)snprintf(ret, STATEMENT_NAME_SIZE, "bough_%zu", index);
}

/* Finds or prepares sql; *ret is STATEMENT_LIMIT when there is no room for one more. */
static bool statement_get(Conn *conn, const char *sql, size_t *ret, Error *err) {
  uint64_t hash = text_hash(sql);
  size_t at = 0;
  while (at < conn->statement_count &&
         (conn->statements[at].hash != hash || !str_equal(conn->statements[at].text, sql)))
    at++;
  if (at == conn->statement_count && at < STATEMENT_LIMIT) {
    char name[STATEMENT_NAME_SIZE];
    statement_name(at, name);
    if (!accept_result(conn, PQprepare(conn->pg, name, sql, 0, NULL), NULL, err))
      return false;
    conn->statements[at] = (Statement){hash, str_dup(sql)};
    conn->statement_count++;
  }
  *ret = at;
  return true;
}

bool conn_query(Conn *conn, const char *sql, size_t count, const char *const *values, Rows **ret,
                Error *err) {
  size_t statement = 0;
  if (!statement_get(conn, sql, &statement, err))
    return false;
  char name[STATEMENT_NAME_SIZE];
  statement_name(statement, name);
  PGresult *result = statement < STATEMENT_LIMIT
                         ? PQexecPrepared(conn->pg, name, (int)count, values, NULL, NULL, 0)
                         : PQexecParams(conn->pg, sql, (int)count, NULL, values, NULL, NULL, 0);
  return accept_result(conn, result, ret, err);
}
