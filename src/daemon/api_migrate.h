/* Handlers of the routes about migrations. */
#pragma once

#include "daemon/route.h"

ApiHandler post_migrate_status, post_migrate_apply, post_migrate_rollback, post_migrate_verify,
    post_migrate_tools;
