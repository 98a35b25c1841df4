/* Connects and asks. */
#include "pq.h"

#include "core/clock.h"
#include "core/str.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_MS = 60000 };

void pq_finish(PGconn *connection) {
  PQfinish(connection);
}

void pq_clear(PGresult *result) {
  PQclear(result);
}

static void wait_for(const PGconn *connection, PostgresPollingStatusType status) {
  struct pollfd one = {.fd = PQsocket(connection),
                       .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};
  (void)poll(&one, 1, 1000);
}

/* trace may be NULL. */
static PGconn *connect_traced(const Stand *stand, const char *user, const char *password,
                              const char *rest, FILE *trace) {
  if (stand == NULL)
    skip();
  AUTO(str_free)
  char *conninfo = str_format("host=127.0.0.1 port=%d user=%s password=%s %s", stand->port, user,
                              password, rest);
  PGconn *connection = PQconnectStart(conninfo);
  (void)PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  if (trace != NULL)
    PQtrace(connection, trace);
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(connection) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
         status != PGRES_POLLING_FAILED) {
    if (clock_monotonic_ms() > deadline)
      fail_msg("the login hangs");
    wait_for(connection, status);
    status = PQconnectPoll(connection);
  }
  PQuntrace(connection);
  return connection;
}

PGconn *pq_try(const Stand *stand, const char *user, const char *password, const char *rest) {
  return connect_traced(stand, user, password, rest, NULL);
}

static PGconn *opened(PGconn *connection) {
  if (PQstatus(connection) != CONNECTION_OK)
    fail_msg("%s", PQerrorMessage(connection));
  return connection;
}

PGconn *pq_open(const Stand *stand, const char *rest) {
  return opened(pq_try(stand, "dev1", "secret-one", rest));
}

/* libpq keeps the key to itself, but its trace tells all. */
static void read_key(const char *trace, CancelKey *ret) {
  static const char name[] = "BackendKeyData";
  const char *at = strstr(trace, name);
  assert_non_null(at);
  char *next = NULL;
  ret->pid = (uint32_t)strtol(at + strlen(name), &next, 10);
  ret->secret = (uint32_t)strtol(next, NULL, 10);
}

PGconn *pq_open_key(const Stand *stand, const char *rest, CancelKey *ret_key) {
  char *text = NULL;
  size_t length = 0;
  FILE *trace = open_memstream(&text, &length);
  assert_non_null(trace);
  PGconn *connection = opened(connect_traced(stand, "dev1", "secret-one", rest, trace));
  assert_int_equal(fclose(trace), 0);
  read_key(text, ret_key);
  free(text);
  assert_int_equal(ret_key->pid, PQbackendPID(connection));
  return connection;
}

void pq_expect_refusal(const Stand *stand, const char *user, const char *password, const char *rest,
                       const char *text) {
  AUTO(pq_finish) PGconn *connection = pq_try(stand, user, password, rest);
  assert_int_equal(PQstatus(connection), CONNECTION_BAD);
  if (strstr(PQerrorMessage(connection), text) == NULL)
    fail_msg("expected \"%s\": %s", text, PQerrorMessage(connection));
}

char *pq_ask(PGconn *connection, const char *sql) {
  AUTO(pq_clear) PGresult *result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_TUPLES_OK)
    fail_msg("%s: %s", sql, PQerrorMessage(connection));
  return str_dup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
}

void pq_expect(PGconn *connection, const char *sql, const char *expected) {
  AUTO(str_free) char *answer = pq_ask(connection, sql);
  assert_string_equal(answer, expected);
}

void pq_run(PGconn *connection, const char *sql) {
  AUTO(pq_clear) PGresult *result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_COMMAND_OK)
    fail_msg("%s: %s", sql, PQerrorMessage(connection));
}
