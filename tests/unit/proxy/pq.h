/* libpq as these tests use it. What goes wrong fails the test; a stand that is NULL skips it. */
#pragma once

#include "stand.h"
#include "wire/cancel.h"

#include <libpq-fe.h>

void pq_finish(PGconn *connection);
DEFINE_AUTO(PGconn *, pq_finish)
void pq_clear(PGresult *result);
DEFINE_AUTO(PGresult *, pq_clear)

/* Connects to 127.0.0.1, or not; what rest says comes last. Errors carry their SQLSTATE. */
PGconn *pq_try(const Stand *stand, const char *user, const char *password, const char *rest);
/* As dev1. */
PGconn *pq_open(const Stand *stand, const char *rest);
/* The same; *ret_key is what the client may cancel by. */
PGconn *pq_open_key(const Stand *stand, const char *rest, CancelKey *ret_key);
/* Fails unless the connection is refused with a message that has text in it. */
void pq_expect_refusal(const Stand *stand, const char *user, const char *password, const char *rest,
                       const char *text);

char *pq_ask(PGconn *connection, const char *sql); /* its first value, owned by the caller */
void pq_expect(PGconn *connection, const char *sql, const char *expected);
void pq_run(PGconn *connection, const char *sql);
