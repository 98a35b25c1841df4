/* Who may come in, who is in, and the trail of both: access.tokens, lakebase.sessions,
 * access.audit. Statements of their own rather than rows of a table (row.h), because each is one
 * step of a protocol and several of them stand on the way of every connection. */
#pragma once

#include "catalog/catalog.h"

enum { KEY_SIZE = 32, SALT_SIZE = 16, TOKENS_LIMIT = 64, BOOT_SIZE = 64 };

/* ---- secrets ---- */

/* name: "salt", of all salts; "session", of tokens that a principal makes for itself. */
CHECKED bool secret_get(Catalog *catalog, const char *name, unsigned char ret[KEY_SIZE],
                        Error *err);

/* ---- tokens ---- */

typedef struct TokenRow {
  char id[ID_SIZE];
  char principal[ID_SIZE];
  unsigned iterations;
  unsigned char stored_key[KEY_SIZE];
  unsigned char server_key[KEY_SIZE];
  char created_by[NAME_MAX_LENGTH + 1];
  char made_with[ID_SIZE]; /* the token by which its maker came in; "": none. Written, not read */
  int64_t created_at;
  int64_t expires_at;   /* 0: never */
  char run[ID_SIZE];    /* the one CI run that it is good for; "": no such limit */
  char purpose[16];     /* of such a one: "report" its results, "connect" to its branch */
  char branch[ID_SIZE]; /* that one; "": none */
} TokenRow;

/* *ret_inserted is false where that very token is there already; UNAUTHENTICATED where the one it
 * is made with isn't any more. */
CHECKED bool token_insert(Catalog *catalog, const TokenRow *row, bool *ret_inserted, Error *err);
/* The token and whose it is, if it has not expired and its principal is there; *ret_found. */
CHECKED bool token_find(Catalog *catalog, const char *id, TokenRow *ret, bool *ret_found,
                        Error *err);
/* Those of a principal that are valid now, the newest first, at most TOKENS_LIMIT. */
CHECKED bool token_list(Catalog *catalog, const char *principal, TokenRow **ret, size_t *ret_count,
                        Error *err);
/* Of the principal, with all that were made with it, for whomever: *ret_ids, an array owned by the
 * caller, empty where it has no such token. Waits for sessions that one of them is just opening. */
CHECKED bool token_revoke(Catalog *catalog, const char *principal, const char *id, json_t **ret_ids,
                          Error *err);
/* Within a transaction: whether principal is there, and token ("": none) is, and holds both until
 * it ends. */
CHECKED bool token_hold(Catalog *catalog, const char *principal, const char *token, bool *ret_there,
                        Error *err);
/* Forgets those that expired a while ago, have no session open any more and none made with them. */
CHECKED bool token_sweep(Catalog *catalog, Error *err);

/* ---- the trail ---- */

typedef struct AuditRow {
  const PrincipalRow *actor; /* NULL: actor_name, who may be nobody */
  const char *actor_name;
  const char *session; /* this and what follows may be NULL */
  const char *source;
  const char *request;
  const char *service; /* must be there: "proxy", "boughd" */
  const char *action;  /* likewise: "session.start" */
  const json_t *params;
  const Error *failure; /* NULL: it was done */
  const char *project;
  const char *branch;
  const char *endpoint;
} AuditRow;

/* "ok" for NULL, else "refused" (exit status 1 or 2) or "failed". */
const char *audit_status(const Error *failure);
CHECKED bool audit_insert(Catalog *catalog, const AuditRow *row, Error *err);

typedef struct AuditQuery {
  int64_t since_seconds; /* how far back; 0: all */
  const char *principal; /* who did it, or for whom; this and the next two may be NULL */
  const char *branch;    /* a name or an id */
  const char *action;    /* "branch.create", "branch.*" */
  bool only_refused;
  int64_t after; /* only rows with a higher serial; 0: all */
  int64_t limit; /* the newest so many */
} AuditQuery;
/* Rows as objects of the columns of access.audit, with "branch" and "project" by name, oldest
 * first. Owned by the caller. */
CHECKED bool audit_list(Catalog *catalog, const AuditQuery *query, json_t **ret, Error *err);

/* A failure of which there may be many: count at once. The first of the same actor, source, action
 * and code leaves its row; those that follow are counted, and audit_flush_refusals makes one row of
 * them. Actors who are nobody known count as one: names that strangers choose are no keys. */
CHECKED bool audit_count_refusal(Catalog *catalog, const AuditRow *row, int64_t count, Error *err);
/* Of those counted for a minute; all: of all. */
CHECKED bool audit_flush_refusals(Catalog *catalog, bool all, Error *err);

/* ---- sessions ---- */

typedef struct SessionRow {
  char id[ID_SIZE];
  char boot[BOOT_SIZE]; /* of the proxy process that has it */
  char principal[ID_SIZE];
  char token[ID_SIZE];
  char endpoint[ID_SIZE];
  char branch[ID_SIZE];
  char project[ID_SIZE];
  const char *database; /* borrowed, cut to what fits */
  const char *source;
  const char *application_name;
  bool tls;
  const char *access; /* "read", "write", "own" */
  int policy_version; /* that gave it; 0: none was in force */
} SessionRow;

typedef enum SessionRecorded {
  SESSION_RECORDED,
  SESSION_ASLEEP, /* its compute doesn't run, or is not to go on running (any more) */
  SESSION_STALE,  /* another policy is in force: its right must be decided again */
} SessionRecorded;
/* Records a session and its start in the trail, as actor's and with params, or writes nothing and
 * says why not. From then on suspend sees the session and leaves the compute alone. A session of
 * that id is taken over (its compute may have changed) and isn't in the trail again. */
CHECKED bool session_record(Catalog *catalog, const SessionRow *row, const PrincipalRow *actor,
                            const json_t *params, SessionRecorded *ret, Error *err);

/* The same for the catalog itself: no endpoint, no branch, and always awake. */
CHECKED bool session_record_system(Catalog *catalog, const SessionRow *row,
                                   const PrincipalRow *actor, const json_t *params, Error *err);

/* ends: [{session, how: {bytes_in, bytes_out, duration_ms, reason}}]; one that isn't there any more
 * is fine. */
CHECKED bool sessions_end(Catalog *catalog, const json_t *ends, Error *err);
/* sessions: [{session, bytes_in, bytes_out}]; others are ignored. */
CHECKED bool session_count_bytes(Catalog *catalog, const json_t *sessions, Error *err);
/* Ends what a proxy process has no more: of boot, all but those listed (ids). */
CHECKED bool session_end_unlisted(Catalog *catalog, const char *boot, const json_t *ids,
                                  Error *err);
/* Ends the sessions of all boots but those listed; *ret_count of them. */
CHECKED bool session_end_strangers(Catalog *catalog, const json_t *boots, size_t *ret_count,
                                   Error *err);
/* Of the listed ids those that must not be: their row, token or principal is gone. An array of ids,
 * owned by the caller. */
CHECKED bool session_unwanted(Catalog *catalog, const json_t *ids, json_t **ret, Error *err);
/* Ids of the sessions that these tokens (ids) opened; owned by the caller. */
CHECKED bool session_of_tokens(Catalog *catalog, const json_t *tokens, json_t **ret, Error *err);

/* Of each endpoint with open sessions: {endpoint id: {sessions, bytes_in, bytes_out}}. */
CHECKED bool session_counts(Catalog *catalog, json_t **ret, Error *err);

/* ---- sleep ---- */

/* Ids of branches whose compute runs without a session for longer than it may; an array owned by
 * the caller. declared: [{"project", "tier" or "kind", "seconds"}], by id and names; what none of
 * these is about: idle_seconds, roots only when asked for. Negative seconds: never. */
CHECKED bool endpoint_idle(Catalog *catalog, int64_t idle_seconds, bool roots,
                           const json_t *declared, json_t **ret, Error *err);
/* Takes back the wish that the endpoint runs unless it has a session: then *ret_free is false. */
CHECKED bool endpoint_release(Catalog *catalog, const char *id, bool *ret_free, Error *err);
/* Gives a stopped endpoint to another branch. */
CHECKED bool endpoint_move(Catalog *catalog, const char *id, const char *branch, Error *err);
/* Somebody was seen at work there. */
CHECKED bool endpoint_touch(Catalog *catalog, const char *id, Error *err);
CHECKED bool endpoint_count_wake(Catalog *catalog, const char *id, Error *err);
