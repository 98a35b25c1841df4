/* The role of a principal on one branch: made when it first comes, kept as it must be. */
#pragma once

#include "branch/context.h"

/* What was seen to on which compute, so that it isn't looked at again for each connection. */
typedef struct LoginCache LoginCache;
LoginCache *login_cache_new(void);
void login_cache_free(LoginCache *cache);

/* Sees to it that role can log in to the running compute for the control account: LOGIN NOINHERIT,
 * member of bough_owner, mapped in pg_ident.conf. */
CHECKED bool login_ensure(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                          const char *role, Error *err);
