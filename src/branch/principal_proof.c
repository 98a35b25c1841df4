/* Whose token that is, and what the proxy needs to find out. */
#include "branch/principal.h"

#include "branch/token.h"
#include "core/str.h"
#include "wire/base64.h"

#include <openssl/crypto.h>
#include <stdio.h>

bool principal_by_token(Context *context, const char *text, PrincipalRow *ret, TokenRow *ret_token,
                        Error *err) {
  char id[ID_SIZE];
  TokenRow token = {.iterations = TOKEN_ITERATIONS};
  TokenRow shown = {0};
  TokenSalt salt;
  PrincipalRow principal = {0};
  bool found = false;
  if (!token_read_id(text, id))
    return error_set(err, ERROR_UNAUTHENTICATED, "the token is not valid");
  if (!token_find(context->catalog, id, &token, &found, err) ||
      (found && !principal_get(context->catalog, token.principal, &principal, err)) ||
      !token_salt(context->catalog, principal.name, salt, err) ||
      !token_make_keys(text, salt, token.iterations, &shown, err))
    return false;
  if (!mem_equal_constant_time(shown.stored_key, token.stored_key, KEY_SIZE) || !found)
    return error_set(err, ERROR_UNAUTHENTICATED, "the token is not valid");
  if (str_equal(token.purpose, "connect"))
    return error_set(err, ERROR_UNAUTHENTICATED, "the token opens the branch of %s, nothing else",
                     token.run);
  (void)snprintf(context->caller_run, sizeof context->caller_run, "%s", token.run);
  *ret = principal;
  *ret_token = token;
  return true;
}

static json_t *base64_json(const unsigned char *bytes, size_t length) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  base64_add(&text, bytes, length);
  return json_string(text.text);
}

static json_t *describe_keys(const TokenRow *tokens, size_t count) {
  json_t *keys = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(
        keys, json_pack("{s:s, s:o, s:o, s:I}", "token", tokens[at].id, "stored_key",
                        base64_json(tokens[at].stored_key, KEY_SIZE), "server_key",
                        base64_json(tokens[at].server_key, KEY_SIZE), "expires_at_us",
                        (json_int_t)tokens[at].expires_at));
  return keys;
}

bool principal_salts(Context *context, json_t **ret, Error *err) {
  unsigned char secret[KEY_SIZE];
  if (!secret_get(context->catalog, "salt", secret, err))
    return false;
  *ret = json_pack("{s:o, s:i}", "secret", base64_json(secret, sizeof secret), "iterations",
                   TOKEN_ITERATIONS);
  OPENSSL_cleanse(secret, sizeof secret);
  return true;
}

/* For nobody the same questions are asked as for somebody, so that the time doesn't tell. */
bool principal_verifier(Context *context, const char *user, json_t **ret, Error *err) {
  PrincipalRow principal = {.id = "pri-aaaaaaaaaaaa"};
  Error unknown = ERROR_INIT;
  TokenRow *tokens = NULL;
  size_t count = 0;
  if (!principal_by_name(context->catalog, user, &principal, &unknown) &&
      unknown.code != ERROR_PRINCIPAL_NOT_FOUND) {
    *err = unknown;
    return false;
  }
  if (!token_list(context->catalog, principal.id, &tokens, &count, err))
    return false;
  *ret = json_pack("{s:s, s:o}", "principal", principal.name, "keys", describe_keys(tokens, count));
  mem_free(tokens);
  return true;
}
