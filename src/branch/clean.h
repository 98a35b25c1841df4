/* What a branch must not keep from its source: phase two of the cleaning, by SQL in every database,
 * at the first start of a volume and before anybody is given a route to it. Phase one is
 * pg/cleanfiles.h. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"
#include "core/json.h"
#include "pg/conn.h"

typedef enum CleanKind {
#define CLEAN(name, text, note) CLEAN_##name,
#include "branch/clean.def"
#undef CLEAN
  CLEAN_COUNT_
} CleanKind;

typedef struct CleanReport {
  int64_t counts[CLEAN_COUNT_]; /* what was found, by kind */
  json_t *notes;                /* texts for people, one per thing that they may miss; NULL: none */
  char *identity;               /* which objects there are, see identity.h */
  char identity_digest[65];
  int64_t objects;
} CleanReport;
void clean_report_release(CleanReport *report);

/* Cleans the cluster whose compute listens in socket_directory, and makes Bough's roles anew on it;
 * conn is a platform session to any of its databases, which is used for what all of them share and
 * stays open. subscriptions, prepared transactions, jobs, secrets of foreign servers, powers and
 * passwords of roles, memberships, settings, event triggers that would fire on the platform.
 * Idempotent: after a crash in the middle it is called again. Each database is one transaction; on
 * failure the branch isn't clean and must not be opened. */
CHECKED bool clean_branch(Conn *conn, const char *socket_directory, const Home *home,
                          CleanReport *ret, Error *err);

/* Closes template1, and database postgres if nothing was ever made in it and it isn't
 * main_database, to all but superusers (CONNECTION LIMIT 0). Called once, right after a root was
 * cleaned: no branch of it has to be cleaned there again, which spares each first start two of
 * three connections. */
CHECKED bool clean_seal(Conn *conn, const char *socket_directory, const char *main_database,
                        Error *err);
/* Opens what was closed like that before Bough had the cluster: such a seal isn't to be trusted. */
CHECKED bool clean_unseal(Conn *conn, Error *err);
