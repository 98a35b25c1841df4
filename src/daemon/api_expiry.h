/* Handlers of what ends, and of what is done on a schedule. */
#pragma once

#include "daemon/route.h"

ApiHandler post_expire, get_schedules, post_schedule_run, job_expire, job_webhook, job_schedule;
