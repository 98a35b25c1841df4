/* Handlers of the routes of principals and their tokens. */
#pragma once

#include "daemon/route.h"

ApiHandler get_principals, post_principals, delete_principal, post_token, delete_token,
    post_session_token;
