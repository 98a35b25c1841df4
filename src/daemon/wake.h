/* Waking computes for those who wait: one job per compute, however many wait, and a few computes at
 * a time. */
#pragma once

#include "daemon/dispatch.h"

typedef struct Wakes Wakes;

/* failure NULL: it is awake. May be called from inside of wakes_wait. */
typedef void WakeDone(void *context, const Error *failure);

Wakes *wakes_new(Dispatcher *dispatcher);
/* Those who wait are not told any more. */
void wakes_free(Wakes *wakes);

/* principal: who is the first, for the record. */
void wakes_wait(Wakes *wakes, const char *endpoint, const char *principal, WakeDone *done,
                void *context);
void wakes_forget_failure(Wakes *wakes, const char *endpoint);
