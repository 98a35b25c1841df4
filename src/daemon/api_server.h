/* Handlers of the routes about the server itself, and of the jobs of its own. */
#pragma once

#include "daemon/route.h"

ApiHandler get_status, get_doctor, get_metrics, get_operations, post_shutdown, job_start,
    job_recover, job_revive, job_tick, job_idle, job_catalog_stop;
