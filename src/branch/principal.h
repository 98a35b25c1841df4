/* Principals and what they prove themselves with.
 *
 * A token is "bough_" + 12 characters of its id + "_" + 44 more: 220 random bits. It is shown once;
 * what is kept is its SCRAM verifier. The id in it leads to the row, so nothing is searched. It
 * opens the API (as a bearer token) and the database (as the password of the principal that is the
 * user). */
#pragma once

#include "branch/context.h"
#include "branch/token.h"
#include "catalog/access.h"

enum { ROLE_SIZE = 64 };

/* body: {name, type, roles, for}. JSON as in docs/api.md out, here and below. */
CHECKED bool principal_add(Context *context, const json_t *body, json_t **ret, Error *err);
CHECKED bool principal_show_all(Context *context, json_t **ret, Error *err);
/* With its tokens; its open sessions are ended, what it has at work on computes too, and requests
 * under way come to no further step. */
CHECKED bool principal_remove(Context *context, const char *name, json_t **ret, Error *err);

/* body: {ttl}. One's own or, for the platform, anybody's. Whoever came in by a token gets no longer
 * life out of it. */
CHECKED bool principal_make_token(Context *context, const char *name, const json_t *body,
                                  json_t **ret, Error *err);
CHECKED bool principal_revoke_token(Context *context, const char *name, const char *token,
                                    json_t **ret, Error *err);

/* A token for a session of a caller whom the kernel vouches for. The same one for hours, so that
 * neither the catalog fills with them nor a reconnect fails. */
CHECKED bool principal_session_token(Context *context, json_t **ret, Error *err);

typedef struct RunToken {
  const char *run;    /* CI run that it is issued to, and dies with */
  const char *branch; /* id of the one branch that it opens; NULL: it is for the run's results */
  int64_t expires_at;
} RunToken;
/* A token of the caller's that is good for one CI run alone. */
CHECKED bool principal_run_token(Context *context, const RunToken *wish,
                                 char ret_text[TOKEN_TEXT_SIZE], Error *err);

/* Whose token that is, and which. UNAUTHENTICATED, after the same time whatever is wrong with it.
 * Of one that was issued to a CI run caller_run of the context tells. */
CHECKED bool principal_by_token(Context *context, const char *text, PrincipalRow *ret,
                                TokenRow *ret_token, Error *err);

/* What the proxy needs to make challenges and to check passwords: {secret, iterations} and
 * {principal, keys}, see proxy/control.h. */
CHECKED bool principal_salts(Context *context, json_t **ret, Error *err);
CHECKED bool principal_verifier(Context *context, const char *user, json_t **ret, Error *err);

/* The principal's role on every branch, in the prefix that no imported role can have. */
void principal_role(const Home *home, const PrincipalRow *principal, char ret[ROLE_SIZE]);
/* Of all principals, and the promotion's own: who may be let in by the computes' pg_ident.conf. An
 * array, owned by the caller. */
CHECKED bool principal_roles(Context *context, json_t **ret, Error *err);
