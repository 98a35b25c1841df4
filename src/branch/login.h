/* The role of a principal on one branch: made when it first comes, kept as it must be. */
#pragma once

#include "branch/access.h"

/* What was seen to on which compute, so that it isn't looked at again for each connection. */
typedef struct LoginCache LoginCache;
LoginCache *login_cache_new(void);
void login_cache_free(LoginCache *cache);

/* Sees to it that role can log in to the running compute for the control account with that right,
 * and no more: LOGIN NOINHERIT, member of bough_owner, bough_writer or bough_reader, mapped in
 * pg_ident.conf; for the latter two, that they may do in database what they are to. version: of the
 * policy that gave the right. */
typedef struct LoginWish {
  const char *role;
  const char *database;
  AccessRight right;
  int version;
} LoginWish;
CHECKED bool login_ensure(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                          const LoginWish *wish, Error *err);
/* For a session that the server opens as the caller's role, and that takes no rights on: with the
 * right that the caller has, or the least. */
CHECKED bool login_for_caller(Context *context, const BranchRow *branch,
                              const EndpointRow *endpoint, const char *role, const char *database,
                              Error *err);
/* Whether that was seen to a moment ago: then there is nothing to be changed on the compute. */
bool login_is_ensured(const Context *context, const EndpointRow *endpoint, const LoginWish *wish);
/* Takes the role's login away, and ends whatever it has at work on the compute, if that runs: until
 * the next login_ensure. */
CHECKED bool login_shut(Context *context, const EndpointRow *endpoint, const char *role,
                        Error *err);
