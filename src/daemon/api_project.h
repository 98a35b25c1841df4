/* Handlers of the routes of projects, the pool and uploads. */
#pragma once

#include "daemon/route.h"

ApiHandler get_pool, get_projects, post_projects, get_project, delete_project, post_uploads,
    put_upload, delete_upload;
