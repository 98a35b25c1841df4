/* The one place that knows libpq: connects within a time limit, runs statements, keeps the server's
 * words. */
#include "pg/conn.h"

#include "core/clock.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  STATEMENT_LIMIT = 256, /* prepared per connection; a text past them is sent as it is */
  OPTION_LIMIT = 64,     /* libpq knows about 45 */
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
DEFINE_AUTO(PQconninfoOption *, PQconninfoFree)

/* ---- what the server said ---- */

/* libpq breaks and indents its messages; a line of a log has neither. */
static void squeeze_whitespace(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; from++) {
    bool space = *from == ' ' || *from == '\n' || *from == '\t' || *from == '\r';
    if (!space)
      *to++ = *from;
    else if (to > text && to[-1] != ' ')
      *to++ = ' ';
  }
  *to = '\0';
}

static char *squeezed(const char *text) {
  char *copy = str_dup(text != NULL ? text : "");
  squeeze_whitespace(copy);
  return copy;
}

static bool set_server_error(Error *err, ErrorCode code, const char *message, const char *detail,
                             const char *hint, const char *sqlstate) {
  AUTO(str_free) char *clean_message = squeezed(message);
  AUTO(str_free) char *clean_detail = squeezed(detail);
  AUTO(str_free) char *clean_hint = squeezed(hint);
  (void)error_set(err, code, "%.700s%s%.250s%s%s%s", clean_message,
                  clean_detail[0] != '\0' ? ": " : "", clean_detail,
                  sqlstate[0] != '\0' ? " (SQLSTATE " : "", sqlstate,
                  sqlstate[0] != '\0' ? ")" : "");
  return clean_hint[0] != '\0' ? error_hint(err, "%s", clean_hint) : false;
}

/* A failed connection attempt has no PGresult: with PQERRORS_VERBOSE the SQLSTATE stands in the
 * text as "FATAL:  57P03: ", in whatever language. Moves it from there to ret; the last attempt
 * counts. */
static void take_sqlstate(char *text, char ret[SQLSTATE_SIZE]) {
  static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
    char *state = at + 3;
    if (strspn(state, allowed) != SQLSTATE_SIZE - 1 || strncmp(state + 5, ": ", 2) != 0)
      continue;
    (void)snprintf(ret, SQLSTATE_SIZE, "%s", state);
    memmove(state, state + 7, strlen(state + 7) + 1);
  }
}

/* The other thing that PQERRORS_VERBOSE adds: the server's source line. */
static void drop_location(char *text) {
  char *location = strstr(text, "\nLOCATION:");
  if (location != NULL)
    *location = '\0';
}

/* No socket yet, nobody behind it yet, one whose mode postgres hasn't set yet (it binds first, then
 * calls chmod), or somebody who says so. */
static bool is_starting(const char *text, const char *sqlstate) {
  static const int errors[] = {ENOENT, ECONNREFUSED, EACCES};
  bool is_local = false;
  for (size_t at = 0; at < ARRAY_LENGTH(errors); at++)
    is_local = is_local || strstr(text, strerror(errors[at])) != NULL;
  return str_equal(sqlstate, "57P03") || (sqlstate[0] == '\0' && is_local);
}

/* libpq's own advice stands in an indented line of its own. Cuts text there. */
static const char *split_advice(char *text) {
  char *advice = strstr(text, "\n\t");
  if (advice == NULL)
    return "";
  *advice = '\0';
  return advice + 1;
}

static bool set_connect_error(PGconn *pg, Error *err) {
  AUTO(str_free) char *text = str_dup(PQerrorMessage(pg));
  char sqlstate[SQLSTATE_SIZE] = "";
  take_sqlstate(text, sqlstate);
  drop_location(text);
  ErrorCode code = is_starting(text, sqlstate) ? ERROR_STARTING : ERROR_SQL;
  const char *advice = split_advice(text);
  return set_server_error(err, code, text, NULL, advice, sqlstate);
}

static const char *field(const PGresult *result, int code) {
  const char *text = PQresultErrorField(result, code);
  return text != NULL ? text : "";
}

static bool set_result_error(Conn *conn, const PGresult *result, Error *err) {
  (void)snprintf(conn->sqlstate, sizeof conn->sqlstate, "%s", field(result, PG_DIAG_SQLSTATE));
  (void)snprintf(conn->constraint, sizeof conn->constraint, "%s",
                 field(result, PG_DIAG_CONSTRAINT_NAME));
  if (conn->sqlstate[0] == '\0') /* the connection broke, or libpq itself refused */
    return set_connect_error(conn->pg, err);
  return set_server_error(err, ERROR_SQL, field(result, PG_DIAG_MESSAGE_PRIMARY),
                          field(result, PG_DIAG_MESSAGE_DETAIL),
                          field(result, PG_DIAG_MESSAGE_HINT), conn->sqlstate);
}

/* ---- connections ---- */

static void ignore_notice(void *context, const PGresult *notice) {
}

/* False when the deadline passed first. A failed connection counts as an end, too. */
static bool poll_connection(PGconn *pg, int64_t deadline) {
  PostgresPollingStatusType state = PGRES_POLLING_WRITING; /* what libpq's manual begins with */
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    int64_t rest = deadline - clock_monotonic_ms();
    if (rest <= 0)
      return false;
    short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    struct pollfd poller = {.fd = PQsocket(pg), .events = events};
    if (poll(&poller, 1, (int)rest) > 0)
      state = PQconnectPoll(pg);
  }
  return true;
}

/* Owns pg from here on. */
static Conn *conn_new(PGconn *pg) {
  Conn *conn = mem_new(1, sizeof *conn);
  conn->pg = pg;
  return conn;
}

static bool conn_finish_opening(Conn *conn, int timeout_ms, Error *err) {
  int64_t deadline = clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : 1);
  if (PQstatus(conn->pg) == CONNECTION_BAD)
    return set_connect_error(conn->pg, err);
  (void)PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
  (void)PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
  if (!poll_connection(conn->pg, deadline))
    return error_set(err, ERROR_TIMEOUT, "could not connect to database \"%.80s\" within %d ms",
                     PQdb(conn->pg) != NULL ? PQdb(conn->pg) : "", timeout_ms);
  return PQstatus(conn->pg) == CONNECTION_OK || set_connect_error(conn->pg, err);
}

bool conn_open(const ConnOption *options, int timeout_ms, Conn **ret, Error *err) {
  const char *keywords[OPTION_LIMIT + 1] = {"fallback_application_name"};
  const char *values[OPTION_LIMIT + 1] = {"bough"};
  size_t count = 1;
  for (const ConnOption *option = options; option->keyword != NULL; option++) {
    if (option->value == NULL)
      continue;
    if (count == OPTION_LIMIT - 1)
      return error_set(err, ERROR_INTERNAL, "too many connection options");
    keywords[count] = option->keyword;
    values[count++] = option->value;
  }
  keywords[count] = "client_encoding"; /* the last one wins: quoting relies on it */
  values[count] = "UTF8";
  PGconn *pg = PQconnectStartParams(keywords, values, 0);
  if (pg == NULL)
    return error_set(err, ERROR_INTERNAL, "out of memory in libpq");
  AUTO(conn_free) Conn *conn = conn_new(pg);
  if (!conn_finish_opening(conn, timeout_ms, err))
    return false;
  *ret = STEAL(conn);
  return true;
}

static bool parse_conninfo(const char *conninfo, PQconninfoOption **ret, Error *err) {
  char *reason = NULL;
  *ret = PQconninfoParse(conninfo, &reason);
  PQfreemem(reason); /* not told: it repeats the string, and that may hold a password */
  if (*ret != NULL)
    return true;
  (void)error_set(err, ERROR_USAGE, "malformed connection string");
  return error_hint(err, "use \"host=... dbname=...\" or postgresql://user@host/dbname");
}

bool conninfo_parse(const char *conninfo, json_t **ret, Error *err) {
  AUTO(PQconninfoFree) PQconninfoOption *parsed = NULL;
  if (!parse_conninfo(conninfo, &parsed, err))
    return false;
  json_t *settings = json_object();
  for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++)
    if (option->val != NULL)
      (void)json_object_set_new(settings, option->keyword, json_string(option->val));
  *ret = settings;
  return true;
}

bool conn_open_string(const char *conninfo, int timeout_ms, Conn **ret, Error *err) {
  AUTO(PQconninfoFree) PQconninfoOption *parsed = NULL;
  if (!parse_conninfo(conninfo, &parsed, err))
    return false;
  ConnOption options[OPTION_LIMIT] = {0};
  size_t count = 0;
  for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++)
    if (option->val != NULL && count < OPTION_LIMIT - 1)
      options[count++] = (ConnOption){option->keyword, option->val};
  return conn_open(options, timeout_ms, ret, err);
}

bool conninfo_has_password(const char *conninfo) {
  AUTO(PQconninfoFree) PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
  bool found = false;
  for (const PQconninfoOption *option = parsed; option != NULL && option->keyword != NULL; option++)
    found = found || (option->val != NULL && (str_equal(option->keyword, "password") ||
                                              str_equal(option->keyword, "sslpassword")));
  return found;
}

bool conn_error_is_starting(const Error *err) {
  return err->code == ERROR_STARTING;
}

void conn_free(Conn *conn) {
  if (conn == NULL)
    return;
  PQfinish(conn->pg);
  for (size_t at = 0; at < conn->statement_count; at++)
    str_free(conn->statements[at].text);
  mem_free(conn);
}

const char *conn_database(Conn *conn) {
  return PQdb(conn->pg);
}

bool conn_is_alive(Conn *conn) {
  struct pollfd poller = {.fd = PQsocket(conn->pg), .events = POLLIN};
  /* An idle server says nothing but farewells, and then closes: read to that end. */
  while (PQstatus(conn->pg) == CONNECTION_OK && poll(&poller, 1, 0) > 0)
    if (PQconsumeInput(conn->pg) == 0)
      return false;
  return PQstatus(conn->pg) == CONNECTION_OK;
}

int conn_server_version(Conn *conn) {
  return PQserverVersion(conn->pg);
}

const char *conn_server_encoding(Conn *conn) {
  const char *encoding = PQparameterStatus(conn->pg, "server_encoding");
  return encoding != NULL ? encoding : "";
}

const char *conn_password(Conn *conn) {
  const char *password = PQpass(conn->pg);
  return password != NULL && password[0] != '\0' ? password : NULL;
}

const char *conn_sqlstate(Conn *conn) {
  return conn->sqlstate;
}

const char *conn_constraint(Conn *conn) {
  return conn->constraint;
}

bool conn_is_doomed(Conn *conn) {
  return PQtransactionStatus(conn->pg) == PQTRANS_INERROR;
}

/* ---- statements ---- */

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
    return set_result_error(conn, owned, err);
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
    return set_connect_error(conn->pg, err);
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

/* ---- rows ---- */

void rows_free(Rows *rows) {
  if (rows == NULL)
    return;
  PQclear(rows->result);
  mem_free(rows);
}

size_t rows_count(const Rows *rows) {
  return (size_t)PQntuples(rows->result);
}

size_t rows_columns(const Rows *rows) {
  return (size_t)PQnfields(rows->result);
}

const char *rows_column_name(const Rows *rows, size_t column) {
  return PQfname(rows->result, (int)column);
}

size_t rows_affected(const Rows *rows) {
  return (size_t)strtoull(PQcmdTuples(rows->result), NULL, 10); /* "" for what affects none */
}

const char *rows_get(const Rows *rows, size_t row, size_t column) {
  assert(row < rows_count(rows) && column < (size_t)PQnfields(rows->result));
  if (PQgetisnull(rows->result, (int)row, (int)column))
    return NULL;
  return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t rows_get_integer(const Rows *rows, size_t row, size_t column) {
  const char *text = rows_get(rows, row, column);
  return text != NULL ? strtoll(text, NULL, 10) : 0;
}

bool rows_get_bool(const Rows *rows, size_t row, size_t column) {
  const char *text = rows_get(rows, row, column);
  return text != NULL && text[0] == 't';
}
