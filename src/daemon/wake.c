/* Who waits for which compute. */
#include "daemon/wake.h"

#include "core/clock.h"
#include "core/name.h"
#include "core/str.h"

#include <stdio.h>
#include <sys/queue.h>

enum {
  RUNNING_LIMIT = 8, /* further ones wait: each takes a worker and most of a core */
  FIRST_PAUSE_MS = 1000,
  LONGEST_PAUSE_MS = 30 * 1000,
  PAUSE_DOUBLINGS = 5,
};

typedef struct Waiter {
  TAILQ_ENTRY(Waiter) link;
  WakeDone *done;
  void *context;
} Waiter;

typedef TAILQ_HEAD(Waiters, Waiter) Waiters;

typedef struct Wake {
  TAILQ_ENTRY(Wake) link;
  Wakes *owner;
  char endpoint[ID_SIZE];
  char principal[NAME_MAX_LENGTH + 1];
  bool is_running;
  int failures; /* in a row */
  int64_t pause_until_ms;
  Error failure; /* the last one */
  Waiters waiters;
} Wake;

struct Wakes {
  Dispatcher *dispatcher;
  size_t running;
  TAILQ_HEAD(, Wake) list; /* first come, first served */
};

static void start_next(Wakes *wakes);

Wakes *wakes_new(Dispatcher *dispatcher) {
  Wakes *wakes = mem_new(1, sizeof *wakes);
  wakes->dispatcher = dispatcher;
  TAILQ_INIT(&wakes->list);
  return wakes;
}

static Wake *find(const Wakes *wakes, const char *endpoint) {
  Wake *wake = NULL;
  TAILQ_FOREACH(wake, &wakes->list, link) {
    if (str_equal(wake->endpoint, endpoint))
      return wake;
  }
  return NULL;
}

static void wake_free(Wake *wake) {
  for (Waiter *waiter; (waiter = TAILQ_FIRST(&wake->waiters)) != NULL;) {
    TAILQ_REMOVE(&wake->waiters, waiter, link);
    mem_free(waiter);
  }
  TAILQ_REMOVE(&wake->owner->list, wake, link);
  mem_free(wake);
}

void wakes_free(Wakes *wakes) {
  if (wakes == NULL)
    return;
  while (!TAILQ_EMPTY(&wakes->list))
    wake_free(TAILQ_FIRST(&wakes->list));
  mem_free(wakes);
}

/* Those who come while others are told wait for the next turn. */
static void tell_all(Wake *wake, const Error *failure) {
  Waiters waiters;
  TAILQ_INIT(&waiters);
  TAILQ_CONCAT(&waiters, &wake->waiters, link);
  for (Waiter *waiter; (waiter = TAILQ_FIRST(&waiters)) != NULL;) {
    TAILQ_REMOVE(&waiters, waiter, link);
    waiter->done(waiter->context, failure);
    mem_free(waiter);
  }
}

/* Of the compute itself; that its branch is busy for a moment is none. */
static bool is_lasting(const Error *failure) {
  return failure->code == ERROR_COMPUTE_FAILED || failure->code == ERROR_COMPUTE_TIMEOUT ||
         failure->code == ERROR_SNAPSHOT_INVALID || failure->code == ERROR_BRANCH_FAILED;
}

static void remember(Wake *wake, const Error *failure) {
  int doublings = wake->failures < PAUSE_DOUBLINGS ? wake->failures : PAUSE_DOUBLINGS;
  int64_t pause = (int64_t)FIRST_PAUSE_MS << doublings;
  wake->failures++;
  wake->failure = *failure;
  wake->pause_until_ms =
      clock_monotonic_ms() + (pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
}

static void on_done(void *context, const json_t *result, const Error *failure) {
  (void)result;
  Wake *wake = context;
  Wakes *wakes = wake->owner;
  wake->is_running = false;
  wakes->running--;
  if (failure != NULL && is_lasting(failure))
    remember(wake, failure);
  else
    wake->failures = 0;
  tell_all(wake, failure);
  if (wake->failures == 0 && TAILQ_EMPTY(&wake->waiters))
    wake_free(wake);
  start_next(wakes);
}

static void start(Wake *wake) {
  wake->is_running = true;
  wake->owner->running++;
  dispatcher_submit(
      wake->owner->dispatcher, route_job("wake"),
      json_pack("{s:{s:s, s:s}}", "body", "endpoint", wake->endpoint, "principal", wake->principal),
      NULL, 0, NULL, on_done, wake);
}

static void start_next(Wakes *wakes) {
  Wake *next = NULL;
  for (Wake *wake = TAILQ_FIRST(&wakes->list); wake != NULL && wakes->running < RUNNING_LIMIT;
       wake = next) {
    next = TAILQ_NEXT(wake, link);
    if (!wake->is_running && !TAILQ_EMPTY(&wake->waiters)) {
      start(wake);
      return; /* a full queue of jobs has answered already, and the list may be another one */
    }
  }
}

static Wake *find_or_add(Wakes *wakes, const char *endpoint) {
  Wake *wake = find(wakes, endpoint);
  if (wake != NULL)
    return wake;
  wake = mem_new(1, sizeof *wake);
  wake->owner = wakes;
  (void)snprintf(wake->endpoint, sizeof wake->endpoint, "%s", endpoint);
  TAILQ_INIT(&wake->waiters);
  TAILQ_INSERT_TAIL(&wakes->list, wake, link);
  return wake;
}

void wakes_wait(Wakes *wakes, const char *endpoint, const char *principal, WakeDone *done,
                void *context) {
  Wake *wake = find_or_add(wakes, endpoint);
  if (wake->failures > 0 && !wake->is_running && clock_monotonic_ms() < wake->pause_until_ms) {
    Error failure = wake->failure;
    done(context, &failure);
    return;
  }
  Waiter *waiter = mem_new(1, sizeof *waiter);
  *waiter = (Waiter){.done = done, .context = context};
  TAILQ_INSERT_TAIL(&wake->waiters, waiter, link);
  (void)snprintf(wake->principal, sizeof wake->principal, "%s", principal);
  start_next(wakes);
}

void wakes_forget_failure(Wakes *wakes, const char *endpoint) {
  Wake *wake = find(wakes, endpoint);
  if (wake == NULL)
    return;
  wake->failures = 0;
  wake->pause_until_ms = 0;
  if (!wake->is_running && TAILQ_EMPTY(&wake->waiters))
    wake_free(wake);
}
