/* Gives out the jobs that come again, by a table. */
#include "daemon/periodic.h"

#include "core/log.h"
#include "core/str.h"
#include "daemon/route.h"

enum { SELDOM_SECONDS = 60 }; /* what comes more seldom comes once after a start, too */

static const struct {
  const char *job;
  unsigned seconds;
} jobs[] = {
    {"expire", 2},     {"webhook", 1},  {"schedule", 5}, {"promote", 2},
    {"git-keep", 600}, {"ci-look", 2},  {"ci", 1}, /* as many runs at once as there are rows */
    {"ci", 1},         {"ci-queue", 1}, {"queue", 1},
};

typedef struct Turn {
  size_t job;
  bool running;
  bool more;
} Turn;

struct Periodic {
  Dispatcher *dispatcher;
  unsigned ticks;
  Turn turns[ARRAY_LENGTH(jobs)];
};

static void on_done(void *context, const json_t *result, const Error *failure) {
  Turn *turn = context;
  size_t at = 0;
  const json_t *event = NULL;
  turn->running = false;
  turn->more = json_bool_or(result, "more", false);
  if (failure != NULL)
    log_error(failure, "%s", jobs[turn->job].job);
  json_array_foreach(json_object_get(result, "events"), at, event) {
    log_warning("%s", json_string_value(event));
  }
}

void periodic_tick(Periodic *periodic) {
  periodic->ticks++;
  for (size_t at = 0; at < ARRAY_LENGTH(jobs); at++) {
    Turn *turn = &periodic->turns[at];
    if (turn->running || (!turn->more && periodic->ticks % jobs[at].seconds != 0))
      continue;
    turn->running = true;
    dispatcher_submit(periodic->dispatcher, route_job(jobs[at].job), json_object(), NULL, 0, NULL,
                      on_done, turn);
  }
}

Periodic *periodic_new(Dispatcher *dispatcher) {
  Periodic *periodic = mem_new(1, sizeof *periodic);
  periodic->dispatcher = dispatcher;
  for (size_t at = 0; at < ARRAY_LENGTH(jobs); at++)
    periodic->turns[at] = (Turn){.job = at, .more = jobs[at].seconds > SELDOM_SECONDS};
  return periodic;
}

void periodic_free(Periodic *periodic) {
  mem_free(periodic);
}
