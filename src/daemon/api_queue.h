/* Handlers of the routes of merge queues, and their job. */
#pragma once

#include "daemon/route.h"

ApiHandler get_queue, get_queue_entry, job_queue;
