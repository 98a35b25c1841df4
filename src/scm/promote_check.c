/* The declared post-check: a command against the tier, with the rights of who promoted. */
#include "branch/describe.h"
#include "branch/token.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/command.h"
#include "scm/promotion.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_S = 15 * 60, MARGIN_S = 60 };

/* For the command alone: it is revoked when that has ended, and dies soon in any case. */
static bool make_token(Promotion *promotion, TokenRow *ret, char ret_text[TOKEN_TEXT_SIZE],
                       Error *err) {
  Catalog *catalog = promotion->context->catalog;
  PrincipalRow principal;
  TokenRow row = {.created_at = clock_wall_us()};
  TokenSalt salt;
  bool inserted = false;
  if (!principal_by_name(catalog, promotion->row.promoted_by, &principal, err) ||
      !token_generate(row.id, ret_text, err) || !token_salt(catalog, principal.name, salt, err) ||
      !token_make_keys(ret_text, salt, TOKEN_ITERATIONS, &row, err))
    return false;
  memcpy(row.principal, principal.id, sizeof row.principal);
  memcpy(row.created_by, principal.name, sizeof row.created_by);
  memcpy(row.branch, promotion->target.id, sizeof row.branch);
  *ret = row;
  ret->expires_at = row.expires_at = row.created_at + (LIMIT_S + MARGIN_S) * 1000000LL;
  return token_insert(catalog, &row, &inserted, err) &&
         (inserted || error_set(err, ERROR_INTERNAL, "a new token is there already"));
}

static bool run(Promotion *promotion, const char *line, const char *token, CommandOutcome *ret,
                Error *err) {
  char *connection[COMMAND_CONNECTION] = {0};
  const char *environment[COMMAND_CONNECTION + 2] = {0};
  AUTO(str_free) char *tier = str_format("BOUGH_TIER=%s", promotion->row.to_tier);
  size_t count =
      command_connection(promotion->context, promotion->row.promoted_by, token,
                         describe_database(promotion->project), promotion->target.name, connection);
  for (size_t at = 0; at < count; at++)
    environment[at] = connection[at];
  environment[count] = tier;
  const DeclaredCommand command = {
      .line = line, .environment = environment, .archive = -1, .timeout_s = LIMIT_S};
  bool ok = command_run(promotion->context, &command, ret, err);
  for (size_t at = 0; at < count; at++)
    str_free(connection[at]);
  return ok;
}

bool promotion_post_check(Promotion *promotion, Error *err) {
  Catalog *catalog = promotion->context->catalog;
  const Policy *policy = NULL;
  CommandOutcome outcome = {0};
  TokenRow row;
  char token[TOKEN_TEXT_SIZE];
  json_t *ended = NULL;
  Error ignored = ERROR_INIT; /* it expires */
  if (!access_policy(promotion->context, promotion->row.project, &policy, NULL, err))
    return false;
  const char *line = policy != NULL ? policy_command(policy, "post_check") : NULL;
  if (line == NULL)
    return true;
  if (!make_token(promotion, &row, token, err))
    return false;
  bool ok = run(promotion, line, token, &outcome, err);
  if (token_revoke(catalog, row.principal, row.id, &ended, &ignored))
    json_free(ended);
  if (!ok || outcome.status == 0)
    return ok;
  (void)error_set(err, ERROR_POST_CHECK_FAILED, "the post-check ended with status %d",
                  outcome.status);
  return error_hint(err, "it said: %.400s", outcome.tail);
}
