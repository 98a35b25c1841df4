/* Connections: opened within a time limit, looked at, closed. */
#include "pg/libpq.h"

#include "core/clock.h"

#include <poll.h>

enum { OPTION_LIMIT = 64 }; /* libpq knows about 45 */

DEFINE_AUTO(PQconninfoOption *, PQconninfoFree)

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
    return conn_fail(conn->pg, err);
  (void)PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
  (void)PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
  if (!poll_connection(conn->pg, deadline))
    return error_set(err, ERROR_TIMEOUT, "could not connect to database \"%.80s\" within %d ms",
                     PQdb(conn->pg) != NULL ? PQdb(conn->pg) : "", timeout_ms);
  return PQstatus(conn->pg) == CONNECTION_OK || conn_fail(conn->pg, err);
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

int conn_descriptor(const Conn *conn) {
  return PQsocket(conn->pg);
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
