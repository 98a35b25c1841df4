/* libpq with Bough's errors: blocking connections and results. Only conn*.c and rows.c know libpq:
 * Conn and Rows are opaque. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

typedef struct Conn Conn;
typedef struct Rows Rows;

typedef struct ConnOption {
  const char *keyword; /* libpq's: host, dbname, user, options, ... */
  const char *value;   /* NULL: left out */
} ConnOption;

/* Connects within timeout_ms (ERROR_TIMEOUT; looking up a host name isn't part of it). options ends
 * with {NULL}. A value of dbname is never expanded as a connection string; client_encoding is
 * always UTF8. Failure is ERROR_SQL with the server's words, or ERROR_STARTING, which
 * conn_error_is_starting tells, for a server that isn't ready yet (57P03, no socket, refused).
 * Notices are swallowed. */
CHECKED bool conn_open(const ConnOption *options, int timeout_ms, Conn **ret, Error *err);
/* The same for a connection string (URI or keywords); a malformed one is ERROR_USAGE, and isn't
 * repeated in the message because it may hold a password. */
CHECKED bool conn_open_string(const char *conninfo, int timeout_ms, Conn **ret, Error *err);
bool conn_error_is_starting(const Error *err);
/* Whether a connection string carries a password; a malformed one carries none. */
bool conninfo_has_password(const char *conninfo);
/* The settings that a connection string names itself, as an object of strings; owned by the caller.
 */
CHECKED bool conninfo_parse(const char *conninfo, json_t **ret, Error *err);
void conn_free(Conn *conn);
DEFINE_AUTO(Conn *, conn_free)

const char *conn_database(Conn *conn);        /* it is connected to; borrowed */
bool conn_is_alive(Conn *conn);               /* false once the server closed it */
int conn_descriptor(const Conn *conn);        /* of its socket, to wait for; not to be read */
int conn_server_version(Conn *conn);          /* 150020 for 15.20 */
const char *conn_server_encoding(Conn *conn); /* of its database, by PostgreSQL\'s name */
const char *conn_password(Conn *conn);        /* as it was used, from a passfile too; may be NULL */

/* Runs one or more statements by the simple protocol; ret may be NULL, else the last result. */
CHECKED bool conn_exec(Conn *conn, const char *sql, Rows **ret, Error *err);
/* The same for exactly count statements in one round trip, with the result of each. Owned by the
 * caller; untouched after a failure. */
CHECKED bool conn_exec_each(Conn *conn, const char *sql, size_t count, Rows **ret, Error *err);
/* Runs one statement with parameters as text ($1 ...; NULL is NULL); prepared once per connection
 * and text. ret may be NULL. */
CHECKED bool conn_query(Conn *conn, const char *sql, size_t count, const char *const *values,
                        Rows **ret, Error *err);
/* SQLSTATE of the last statement's failure, "" if there was none or it was none of the server's;
 * and the constraint that it violated, "" likewise. */
const char *conn_sqlstate(Conn *conn);
const char *conn_constraint(Conn *conn);
/* In a transaction that a failed statement has doomed: COMMIT would report success and roll back.
 */
bool conn_is_doomed(Conn *conn);

void rows_free(Rows *rows);
DEFINE_AUTO(Rows *, rows_free)
size_t rows_count(const Rows *rows);
size_t rows_affected(const Rows *rows);
size_t rows_columns(const Rows *rows);
const char *rows_column_name(const Rows *rows, size_t column); /* borrowed */
/* Text of a value, borrowed, NULL for SQL NULL. */
const char *rows_get(const Rows *rows, size_t row, size_t column);
int64_t rows_get_integer(const Rows *rows, size_t row, size_t column); /* 0 for NULL */
bool rows_get_bool(const Rows *rows, size_t row, size_t column);       /* false for NULL */

/* Appends text as an identifier or literal, quoted so that any bytes are safe
 * (standard_conforming_strings either way). */
void sql_add_identifier(Buffer *sql, const char *name);
void sql_add_literal(Buffer *sql, const char *text);

/* "16/B374D848" and back; false when text is no log position. */
typedef uint64_t Lsn;
enum { LSN_TEXT_SIZE = 24 };
void lsn_format(Lsn lsn, char ret[LSN_TEXT_SIZE]);
CHECKED bool lsn_parse(const char *text, Lsn *ret, Error *err);
