/* Handlers of what ends, and of what is done on a schedule. */
#pragma once

#include "daemon/route.h"

ApiHandler post_expire, job_expire, job_webhook;
