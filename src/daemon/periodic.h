/* Jobs that boughd has done again and again: each by one worker at a time, none waiting for
 * another.
 */
#pragma once

#include "daemon/dispatch.h"

typedef struct Periodic Periodic;

Periodic *periodic_new(Dispatcher *dispatcher);
void periodic_free(Periodic *periodic);

/* Every second. A job that says {"more":true} is given out again at once. */
void periodic_tick(Periodic *periodic);
