/* One pidfd per compute: it works the same for processes that this boughd started and those it
 * found. */
#include "daemon/supervise.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/name.h"
#include "core/process.h"
#include "core/str.h"

#include <stdio.h>
#include <sys/queue.h>

enum {
  FIRST_DELAY_MS = 250,
  LONGEST_DELAY_MS = 30 * 1000,
  CALM_MS = 5 * 60 * 1000, /* a compute that lived this long begins anew */
};

typedef struct Watched {
  TAILQ_ENTRY(Watched) link;
  Supervisor *supervisor;
  char endpoint[ID_SIZE];
  int pidfd; /* -1: nothing runs, its next turn is being waited for */
  struct event *ended;
  struct event *turn;
  int ends; /* in a row */
  int64_t watched_at;
} Watched;

struct Supervisor {
  struct event_base *base;
  void (*revive)(void *context, const char *endpoint);
  void *context;
  TAILQ_HEAD(, Watched) list;
};

Supervisor *supervisor_new(struct event_base *base,
                           void (*revive)(void *context, const char *endpoint), void *context) {
  Supervisor *supervisor = mem_new(1, sizeof *supervisor);
  supervisor->base = base;
  supervisor->revive = revive;
  supervisor->context = context;
  TAILQ_INIT(&supervisor->list);
  return supervisor;
}

static void stop_watching(Watched *watched) {
  if (watched->ended != NULL)
    event_free(watched->ended);
  watched->ended = NULL;
  fd_release(&watched->pidfd);
}

static void watched_free(Watched *watched) {
  TAILQ_REMOVE(&watched->supervisor->list, watched, link);
  stop_watching(watched);
  event_free(watched->turn);
  mem_free(watched);
}

void supervisor_free(Supervisor *supervisor) {
  if (supervisor == NULL)
    return;
  for (Watched *watched; (watched = TAILQ_FIRST(&supervisor->list)) != NULL;)
    watched_free(watched);
  mem_free(supervisor);
}

/* The first end is answered at once, later ones after 0.25 s, 0.5 s, 1 s ... */
static void schedule(Watched *watched) {
  int64_t delay = 0;
  if (watched->ends > 0) {
    delay = watched->ends < 8 ? (int64_t)FIRST_DELAY_MS << (watched->ends - 1) : LONGEST_DELAY_MS;
    delay = delay < LONGEST_DELAY_MS ? delay : LONGEST_DELAY_MS;
  }
  watched->ends++;
  struct timeval when = {.tv_sec = delay / 1000, .tv_usec = delay % 1000 * 1000};
  (void)event_add(watched->turn, &when);
}

static void on_turn(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Watched *watched = context;
  watched->supervisor->revive(watched->supervisor->context, watched->endpoint);
}

static void on_end(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Watched *watched = context;
  stop_watching(watched);
  if (clock_monotonic_ms() - watched->watched_at > CALM_MS)
    watched->ends = 0;
  schedule(watched);
}

static Watched *find(const Supervisor *supervisor, const char *endpoint) {
  Watched *watched = NULL;
  TAILQ_FOREACH(watched, &supervisor->list, link) {
    if (str_equal(watched->endpoint, endpoint))
      return watched;
  }
  return NULL;
}

static Watched *find_or_add(Supervisor *supervisor, const char *endpoint) {
  Watched *watched = find(supervisor, endpoint);
  if (watched != NULL)
    return watched;
  watched = mem_new(1, sizeof *watched);
  watched->supervisor = supervisor;
  watched->pidfd = -1;
  (void)snprintf(watched->endpoint, sizeof watched->endpoint, "%s", endpoint);
  watched->turn = evtimer_new(supervisor->base, on_turn, watched);
  TAILQ_INSERT_TAIL(&supervisor->list, watched, link);
  return watched;
}

void supervisor_watch(Supervisor *supervisor, const json_t *process) {
  const char *endpoint = json_string_or(process, "endpoint", "");
  pid_t pid = (pid_t)json_integer_or(process, "pid", 0);
  uint64_t start_time = (uint64_t)json_integer_or(process, "start_time", 0);
  if (pid <= 0 || !id_check("ep", endpoint))
    return;
  Watched *watched = find_or_add(supervisor, endpoint);
  stop_watching(watched);
  (void)event_del(watched->turn);
  watched->watched_at = clock_monotonic_ms();
  watched->pidfd = process_open_pidfd(pid);
  if (watched->pidfd < 0 || process_start_time(pid) != start_time) {
    stop_watching(watched);
    schedule(watched);
    return;
  }
  watched->ended = event_new(supervisor->base, watched->pidfd, EV_READ, on_end, watched);
  (void)event_add(watched->ended, NULL);
}

void supervisor_retry(Supervisor *supervisor, const char *endpoint) {
  Watched *watched = find(supervisor, endpoint);
  if (watched != NULL && watched->pidfd < 0)
    schedule(watched);
}

size_t supervisor_count(const Supervisor *supervisor) {
  size_t count = 0;
  const Watched *watched = NULL;
  TAILQ_FOREACH(watched, &supervisor->list, link) {
    count += watched->pidfd >= 0;
  }
  return count;
}
