/* Tokens of principals: made, told once, revoked. */
#include "branch/principal.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "branch/describe.h"
#include "branch/token.h"
#include "core/clock.h"
#include "core/duration.h"
#include "core/str.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define SECOND_US 1000000LL
#define DEFAULT_TTL (30LL * 86400)
#define SESSION_PERIOD (6LL * 3600) /* a session token lives for one to two of them */

static bool find_own_or_any(Context *context, const char *name, PrincipalRow *ret, Error *err) {
  return (str_equal(name, context->caller.name) ||
          access_system(context, ACTION_PRINCIPAL_MANAGE, err)) &&
         principal_by_name(context->catalog, name, ret, err);
}

static bool read_expiry(const Context *context, const json_t *body, const PrincipalRow *row,
                        int64_t *ret, Error *err) {
  const char *ttl = json_string_or(body, "ttl", NULL);
  int64_t seconds = DEFAULT_TTL;
  if (ttl != NULL && !duration_parse(ttl, &seconds, err))
    return false;
  int64_t expires = clock_wall_us() + seconds * SECOND_US;
  int64_t limit = context->caller_expires;
  bool prolongs = str_equal(row->id, context->caller.id) && limit != 0 && limit < expires;
  *ret = prolongs ? limit : expires;
  return true;
}

static bool check_count(Context *context, const PrincipalRow *row, Error *err) {
  TokenRow *tokens = NULL;
  size_t count = 0;
  if (!token_list(context->catalog, row->id, &tokens, &count, err))
    return false;
  mem_free(tokens);
  if (count < TOKENS_LIMIT - 2) /* two are for its sessions */
    return true;
  (void)error_set(err, ERROR_LIMIT_REACHED, "\"%s\" has %zu valid tokens", row->name, count);
  return error_hint(err, "revoke some: `bough principal revoke %s TOKEN`", row->name);
}

/* Fills all of row but its id, principal and time, from the token's text. */
static bool fill_keys(Context *context, const PrincipalRow *principal, const char *text,
                      TokenRow *row, Error *err) {
  TokenSalt salt;
  (void)snprintf(row->principal, sizeof row->principal, "%s", principal->id);
  (void)snprintf(row->created_by, sizeof row->created_by, "%s", context->caller.name);
  (void)snprintf(row->made_with, sizeof row->made_with, "%s", context->caller_token);
  return token_salt(context->catalog, principal->name, salt, err) &&
         token_make_keys(text, salt, TOKEN_ITERATIONS, row, err);
}

static json_t *describe_token(const PrincipalRow *principal, const TokenRow *row,
                              const char *text) {
  return json_pack("{s:s, s:s, s:s, s:o}", "token", text, "id", row->id, "principal",
                   principal->name, "expires_at", describe_time(row->expires_at));
}

bool principal_make_token(Context *context, const char *name, const json_t *body, json_t **ret,
                          Error *err) {
  PrincipalRow principal;
  TokenRow row = {0};
  char text[TOKEN_TEXT_SIZE];
  bool inserted = false;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!find_own_or_any(context, name, &principal, err) ||
      !read_expiry(context, body, &principal, &row.expires_at, err) ||
      !check_count(context, &principal, err) || !token_generate(row.id, text, err) ||
      !fill_keys(context, &principal, text, &row, err))
    return false;
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s, s:o}", "principal", principal.name, "token_id", row.id,
                             "expires_at", describe_time(row.expires_at));
  if (!catalog_begin(context->catalog, &guard, err) ||
      !token_insert(context->catalog, &row, &inserted, err) ||
      !audit_record(context, "principal.token", params, err) || !catalog_commit(&guard, err))
    return false;
  *ret = describe_token(&principal, &row, text);
  OPENSSL_cleanse(text, sizeof text);
  return true;
}

bool principal_run_token(Context *context, const RunToken *wish, char ret_text[TOKEN_TEXT_SIZE],
                         Error *err) {
  TokenRow row = {.expires_at = wish->expires_at};
  bool inserted = false;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!token_generate(row.id, ret_text, err) ||
      !fill_keys(context, &context->caller, ret_text, &row, err))
    return false;
  (void)snprintf(row.run, sizeof row.run, "%s", wish->run);
  (void)snprintf(row.purpose, sizeof row.purpose, "%s",
                 wish->branch != NULL ? "connect" : "report");
  (void)snprintf(row.branch, sizeof row.branch, "%s", wish->branch != NULL ? wish->branch : "");
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s, s:s, s:s}", "principal", context->caller.name, "token_id",
                             row.id, "run", row.run, "purpose", row.purpose);
  return catalog_begin(context->catalog, &guard, err) &&
         token_insert(context->catalog, &row, &inserted, err) &&
         audit_record(context, "ci.token", params, err) && catalog_commit(&guard, err);
}

static void end_sessions(Context *context, const json_t *sessions, const char *reason) {
  size_t at = 0;
  const json_t *session = NULL;
  json_array_foreach(sessions, at, session) {
    context_push(context, "terminate",
                 json_pack("{s:s, s:i, s:s}", "session", json_string_value(session), "grace_ms", 0,
                           "reason", reason));
  }
}

/* A stolen token may have made others, for whomever: they go with it. */
bool principal_revoke_token(Context *context, const char *name, const char *token, json_t **ret,
                            Error *err) {
  PrincipalRow principal;
  AUTO(json_free) json_t *ids = NULL;
  AUTO(json_free) json_t *sessions = NULL;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!find_own_or_any(context, name, &principal, err) ||
      !catalog_begin(context->catalog, &guard, err) ||
      !token_revoke(context->catalog, principal.id, token, &ids, err))
    return false;
  if (json_array_size(ids) == 0)
    return error_set(err, ERROR_NOTHING_TO_DO, "\"%s\" has no token %.40s", principal.name, token);
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s, s:I}", "principal", name, "token_id", token, "tokens",
                             (json_int_t)json_array_size(ids));
  if (!session_of_tokens(context->catalog, ids, &sessions, err) ||
      !audit_record(context, "principal.revoke", params, err) || !catalog_commit(&guard, err))
    return false;
  end_sessions(context, sessions, "terminating connection: its token was revoked");
  *ret = json_pack("{s:s, s:O}", "revoked", token, "tokens", ids);
  return true;
}

/* Of a session token, which is made once in some hours. */
static bool store_token(Context *context, const TokenRow *row, Error *err) {
  bool inserted = false;
  AUTO(json_free)
  json_t *params =
      json_pack("{s:s, s:o}", "token_id", row->id, "expires_at", describe_time(row->expires_at));
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) &&
         token_insert(context->catalog, row, &inserted, err) &&
         (!inserted || audit_record(context, "principal.session-token", params, err)) &&
         catalog_commit(&guard, err);
}

bool principal_session_token(Context *context, json_t **ret, Error *err) {
  unsigned char secret[KEY_SIZE];
  char text[TOKEN_TEXT_SIZE];
  TokenRow row = {0};
  TokenRow present;
  bool found = false;
  int64_t period = clock_wall_us() / (SESSION_PERIOD * SECOND_US);
  if (context->caller_has_token)
    return error_set(err, ERROR_FORBIDDEN, "who came in by a token uses that one");
  if (context->caller.id[0] == '\0')
    return error_set(err, ERROR_CATALOG_DOWN, "the system catalog doesn't answer");
  row.expires_at = (period + 2) * SESSION_PERIOD * SECOND_US;
  if (!secret_get(context->catalog, "session", secret, err) ||
      !token_derive(secret, context->caller.id, period, row.id, text, err) ||
      !token_find(context->catalog, row.id, &present, &found, err) ||
      (!found && (!fill_keys(context, &context->caller, text, &row, err) ||
                  !store_token(context, &row, err))))
    return false;
  *ret = describe_token(&context->caller, &row, text);
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(text, sizeof text);
  return true;
}
