/* Watches the processes of computes and asks for those that ended to be started again, with
 * back-off. */
#pragma once

#include "core/json.h"

#include <event2/event.h>

typedef struct Supervisor Supervisor;

/* revive is called when the process of that endpoint has ended and its turn has come. */
Supervisor *supervisor_new(struct event_base *base,
                           void (*revive)(void *context, const char *endpoint), void *context);
void supervisor_free(Supervisor *supervisor);

/* Watches {endpoint, pid, start_time}; a process of that endpoint that was watched before is
 * forgotten. */
void supervisor_watch(Supervisor *supervisor, const json_t *process);
/* A start failed: asks again after a while. */
void supervisor_retry(Supervisor *supervisor, const char *endpoint);
size_t supervisor_count(const Supervisor *supervisor);
