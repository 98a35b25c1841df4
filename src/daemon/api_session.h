/* Handlers of the questions of the proxy. */
#pragma once

#include "daemon/route.h"

ApiHandler job_session_salts, job_session_verifier, job_session_route, job_wake, job_session_hello,
    job_sessions_end, job_session_report, job_session_refused;
