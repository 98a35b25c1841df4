/* Handlers of the routes of CI, and its jobs. */
#pragma once

#include "daemon/route.h"

ApiHandler get_ci_runs, post_ci_runs, get_ci_run, get_ci_log, get_ci_artifact, post_ci_end,
    post_ci_cancel, post_ci_tidy, post_ci_ask, job_ci, job_ci_look, job_ci_queue;
