/* Ends of sessions, told together: where many come and go, each would cost boughd and its catalog
 * as much as the session's start. */
#pragma once

#include "proxy/control.h"

typedef struct Ends Ends;

Ends *ends_new(struct event_base *base, Control *control);
/* Before the control that it tells is freed; what waits is told first. */
void ends_free(Ends *ends);

/* end (stolen) is one of the objects of sessions.end. It is told within a moment. */
void ends_add(Ends *ends, json_t *end);
/* So many wait. */
size_t ends_waiting(const Ends *ends);
