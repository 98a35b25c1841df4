/* Handlers of the routes of branches and their endpoints. */
#pragma once

#include "daemon/route.h"

ApiHandler get_branches, post_branches, get_branch, delete_branch, post_reset, post_rename,
    post_protect, get_url, get_endpoints, get_endpoint, post_start, post_suspend, post_repoint;
