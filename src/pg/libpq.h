/* What the files know of libpq that make up pg/conn.h; nobody else includes this. */
#pragma once

#include "pg/conn.h"

#include <libpq-fe.h>

enum {
  STATEMENT_LIMIT = 256, /* prepared per connection; a text past them is sent as it is */
  SQLSTATE_SIZE = 6,
  CONSTRAINT_SIZE = 64, /* NAMEDATALEN */
};

typedef struct Statement { /* its name on the server is its index */
  uint64_t hash;
  char *text;
} Statement;

struct Conn {
  PGconn *pg;
  char sqlstate[SQLSTATE_SIZE]; /* of the last failure */
  char constraint[CONSTRAINT_SIZE];
  Statement statements[STATEMENT_LIMIT];
  size_t statement_count;
};

struct Rows {
  PGresult *result;
};

DEFINE_AUTO(PGresult *, PQclear)

/* Why there is no connection, or not any more. Always false. */
CHECKED bool conn_fail(PGconn *pg, Error *err);
/* Why a statement failed, remembered for conn_sqlstate as well. Always false. */
CHECKED bool conn_fail_statement(Conn *conn, const PGresult *result, Error *err);
