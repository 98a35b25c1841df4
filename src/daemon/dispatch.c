/* Hands jobs to worker processes. */
#include "daemon/dispatch.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/rpc.h"
#include "core/str.h"
#include "daemon/frame_in.h"
#include "daemon/worker.h"

#include <event2/bufferevent.h>
#include <signal.h>
#include <string.h>
#include <sys/queue.h>

enum {
  WORKER_LIMIT = 20,
  QUICK_WORKERS = 4, /* of these, that only quick jobs are given to */
  LONG_LIMIT = 8,    /* workers that long jobs may hold at once */
  IDLE_WORKERS = 3,  /* kept; further ones end when they had nothing to do for a while */
  IDLE_MS = 15 * 1000,
  CULL_SECONDS = 5,
  QUEUE_LIMIT = 2000,
  FRAME_LIMIT = 2 * RPC_LIMIT, /* text and bytes */
};

struct Job {
  TAILQ_ENTRY(Job) link;
  const Route *route;
  json_t *message;
  char *blob;
  size_t blob_length;
  JobProgress *on_progress;
  JobDone *on_done;
  void *context;
};

typedef struct Worker {
  TAILQ_ENTRY(Worker) link;
  Dispatcher *dispatcher;
  pid_t pid;
  struct bufferevent *pipe;
  struct event *deadline;
  Job *job;           /* NULL: idle */
  int64_t idle_since; /* monotonic, ms */
} Worker;

struct Dispatcher {
  struct event_base *base;
  const Home *home;
  DispatchHooks hooks;
  struct event *cull;
  bool ready;
  TAILQ_HEAD(, Job) queue;
  TAILQ_HEAD(, Worker) workers;
  size_t queued, worker_count, long_count, slow_count;
};

static void pump(Dispatcher *dispatcher);

static void job_free(Job *job) {
  json_free(job->message);
  mem_free(job->blob);
  mem_free(job);
}

static bool is_long(const Job *job) {
  return (job->route->flags & ROUTE_LONG) != 0;
}

static bool is_quick(const Job *job) {
  return (job->route->flags & ROUTE_QUICK) != 0;
}

static void finish_job(Worker *worker, const json_t *result, const Error *failure) {
  Job *job = worker->job;
  worker->job = NULL;
  (void)event_del(worker->deadline);
  if (is_long(job))
    worker->dispatcher->long_count--;
  if (!is_quick(job))
    worker->dispatcher->slow_count--;
  job->on_done(job->context, result, failure);
  job_free(job);
}

static void worker_free(Worker *worker) {
  Dispatcher *dispatcher = worker->dispatcher;
  TAILQ_REMOVE(&dispatcher->workers, worker, link);
  dispatcher->worker_count--;
  bufferevent_free(worker->pipe);
  event_free(worker->deadline);
  mem_free(worker);
}

static void worker_lost(Worker *worker, ErrorCode code, const char *text) {
  Dispatcher *dispatcher = worker->dispatcher;
  bool had_job = worker->job != NULL;
  (void)kill(worker->pid, SIGKILL);
  if (had_job) {
    Error failure = ERROR_INIT;
    (void)error_set(&failure, code, "%s", text);
    (void)error_hint(&failure, "what was half done is being put right; see `bough operation list`");
    finish_job(worker, NULL, &failure);
  }
  worker_free(worker);
  if (had_job)
    dispatcher->hooks.lost(dispatcher->hooks.context, true);
  pump(dispatcher);
}

static void on_deadline(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  worker_lost(context, ERROR_TIMEOUT, "the operation took too long and was ended");
}

static void on_message(Worker *worker, const json_t *message) {
  Dispatcher *dispatcher = worker->dispatcher;
  const json_t *progress = json_object_get(message, "progress");
  const json_t *now = json_object_get(message, "now");
  if (worker->job == NULL)
    return;
  if (now != NULL) {
    dispatcher->hooks.push(dispatcher->hooks.context, now);
    return;
  }
  if (progress != NULL) {
    if (worker->job->on_progress != NULL)
      worker->job->on_progress(worker->job->context, progress);
    return;
  }
  size_t at = 0;
  const json_t *process = NULL;
  json_array_foreach(json_object_get(message, "watch"), at, process) {
    dispatcher->hooks.watch(dispatcher->hooks.context, process);
  }
  json_array_foreach(json_object_get(message, "push"), at, process) {
    dispatcher->hooks.push(dispatcher->hooks.context, process);
  }
  const json_t *error = json_object_get(message, "error");
  Error failure = ERROR_INIT;
  if (error != NULL)
    json_to_error(error, &failure);
  finish_job(worker, json_object_get(message, "result"), error != NULL ? &failure : NULL);
  if (json_bool_or(message, "leaves", false)) {
    worker_free(worker); /* it ends when its pipe closes */
    dispatcher->hooks.lost(dispatcher->hooks.context, false);
    pump(dispatcher);
    return;
  }
  worker->idle_since = clock_monotonic_ms();
  pump(dispatcher);
}

/* A worker costs memory while it waits, and its connections when it is made anew: one that was busy
 * a moment ago is likely to be needed again. */
static void on_cull(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Dispatcher *dispatcher = context;
  int64_t limit = clock_monotonic_ms() - IDLE_MS;
  Worker *worker = TAILQ_FIRST(&dispatcher->workers);
  while (worker != NULL && dispatcher->worker_count > IDLE_WORKERS) {
    Worker *next = TAILQ_NEXT(worker, link);
    if (worker->job == NULL && worker->idle_since < limit)
      worker_free(worker); /* it ends when its pipe closes */
    worker = next;
  }
}

static void on_readable(struct bufferevent *pipe, void *context) {
  Worker *worker = context;
  for (;;) {
    AUTO(json_free) json_t *message = NULL;
    Error failure = ERROR_INIT;
    if (!frame_take(bufferevent_get_input(pipe), FRAME_LIMIT, &message, &failure)) {
      if (failure.code != ERROR_NONE)
        worker_lost(worker, ERROR_INTERNAL, "a worker sent nonsense");
      return;
    }
    bool is_last =
        json_object_get(message, "progress") == NULL && json_object_get(message, "now") == NULL;
    on_message(worker, message);
    if (is_last) /* the worker may be gone by now; it sends nothing before its next job */
      return;
  }
}

static void on_event(struct bufferevent *pipe, short events, void *context) {
  (void)pipe;
  (void)events;
  worker_lost(context, ERROR_INTERNAL, "a worker ended unexpectedly");
}

static Worker *worker_new(Dispatcher *dispatcher) {
  int pipe = -1;
  pid_t pid = 0;
  Error failure = ERROR_INIT;
  if (!worker_start(dispatcher->home, &pid, &pipe, &failure)) {
    log_error(&failure, "could not start a worker");
    return NULL;
  }
  Worker *worker = mem_new(1, sizeof *worker);
  worker->dispatcher = dispatcher;
  worker->pid = pid;
  (void)evutil_make_socket_nonblocking(pipe);
  worker->pipe = bufferevent_socket_new(dispatcher->base, pipe, BEV_OPT_CLOSE_ON_FREE);
  worker->deadline = evtimer_new(dispatcher->base, on_deadline, worker);
  bufferevent_setcb(worker->pipe, on_readable, NULL, on_event, worker);
  (void)bufferevent_enable(worker->pipe, EV_READ | EV_WRITE);
  TAILQ_INSERT_TAIL(&dispatcher->workers, worker, link);
  dispatcher->worker_count++;
  return worker;
}

static Worker *idle_worker(Dispatcher *dispatcher) {
  Worker *worker = NULL;
  TAILQ_FOREACH(worker, &dispatcher->workers, link) {
    if (worker->job == NULL)
      return worker;
  }
  return dispatcher->worker_count < WORKER_LIMIT ? worker_new(dispatcher) : NULL;
}

static bool may_run(const Dispatcher *dispatcher, const Job *job) {
  unsigned flags = job->route->flags;
  bool is_early =
      (flags & (ROUTE_INTERNAL | ROUTE_NO_CATALOG)) != 0 && (flags & ROUTE_WHEN_READY) == 0;
  if (!dispatcher->ready && !is_early)
    return false;
  if (!is_quick(job) && dispatcher->slow_count >= WORKER_LIMIT - QUICK_WORKERS)
    return false;
  return !is_long(job) || dispatcher->long_count < LONG_LIMIT;
}

static Job *next_job(Dispatcher *dispatcher) {
  Job *job = NULL;
  TAILQ_FOREACH(job, &dispatcher->queue, link) {
    if (may_run(dispatcher, job))
      return job;
  }
  return NULL;
}

static void give(Worker *worker, Job *job) {
  size_t length = 0;
  AUTO(str_free)
  char *bytes = frame_encode(job->message, job->blob, job->blob_length, &length);
  struct timeval limit = {.tv_sec = job->route->limit_seconds};
  worker->job = job;
  if (is_long(job))
    worker->dispatcher->long_count++;
  if (!is_quick(job))
    worker->dispatcher->slow_count++;
  (void)bufferevent_write(worker->pipe, bytes, length);
  (void)event_add(worker->deadline, &limit);
}

static void pump(Dispatcher *dispatcher) {
  for (;;) {
    Job *job = next_job(dispatcher);
    Worker *worker = job != NULL ? idle_worker(dispatcher) : NULL;
    if (worker == NULL)
      return;
    TAILQ_REMOVE(&dispatcher->queue, job, link);
    dispatcher->queued--;
    give(worker, job);
  }
}

Dispatcher *dispatcher_new(struct event_base *base, const Home *home, const DispatchHooks *hooks) {
  Dispatcher *dispatcher = mem_new(1, sizeof *dispatcher);
  dispatcher->base = base;
  dispatcher->home = home;
  dispatcher->hooks = *hooks;
  TAILQ_INIT(&dispatcher->queue);
  TAILQ_INIT(&dispatcher->workers);
  dispatcher->cull = event_new(base, -1, EV_PERSIST, on_cull, dispatcher);
  (void)event_add(dispatcher->cull, &(struct timeval){.tv_sec = CULL_SECONDS});
  return dispatcher;
}

static Worker *long_worker(const Dispatcher *dispatcher) {
  Worker *worker = NULL;
  TAILQ_FOREACH(worker, &dispatcher->workers, link) {
    if (worker->job != NULL && is_long(worker->job))
      return worker;
  }
  return NULL;
}

void dispatcher_cancel_long(Dispatcher *dispatcher) {
  for (Worker *worker; (worker = long_worker(dispatcher)) != NULL;)
    worker_lost(worker, ERROR_CANCELLED, "boughd is told to stop");
}

void dispatcher_free(Dispatcher *dispatcher) {
  if (dispatcher == NULL)
    return;
  event_free(dispatcher->cull);
  for (Worker *worker; (worker = TAILQ_FIRST(&dispatcher->workers)) != NULL;) {
    if (worker->job != NULL)
      job_free(worker->job);
    worker_free(worker);
  }
  for (Job *job; (job = TAILQ_FIRST(&dispatcher->queue)) != NULL;) {
    TAILQ_REMOVE(&dispatcher->queue, job, link);
    job_free(job);
  }
  mem_free(dispatcher);
}

static int route_index(const Route *route) {
  size_t count = 0;
  return (int)(route - route_list(&count));
}

void dispatcher_submit(Dispatcher *dispatcher, const Route *route, json_t *message,
                       const char *blob, size_t blob_length, JobProgress *on_progress,
                       JobDone *on_done, void *context) {
  if (dispatcher->queued >= QUEUE_LIMIT) {
    Error failure = ERROR_INIT;
    (void)error_set(&failure, ERROR_BUSY, "%d requests are waiting already", QUEUE_LIMIT);
    (void)error_hint(&failure, "try again later");
    json_free(message);
    on_done(context, NULL, &failure);
    return;
  }
  Job *job = mem_new(1, sizeof *job);
  *job = (Job){.route = route,
               .message = message,
               .blob_length = blob_length,
               .on_progress = on_progress,
               .on_done = on_done,
               .context = context};
  if (blob_length > 0) {
    job->blob = mem_new(blob_length, 1);
    memcpy(job->blob, blob, blob_length);
  }
  (void)json_object_set_new(message, "route", json_integer(route_index(route)));
  TAILQ_INSERT_TAIL(&dispatcher->queue, job, link);
  dispatcher->queued++;
  pump(dispatcher);
}

void dispatcher_set_ready(Dispatcher *dispatcher) {
  dispatcher->ready = true;
  pump(dispatcher);
}

size_t dispatcher_pending(const Dispatcher *dispatcher) {
  return dispatcher->queued + dispatcher_running(dispatcher);
}

size_t dispatcher_running(const Dispatcher *dispatcher) {
  size_t count = 0;
  const Worker *worker = NULL;
  TAILQ_FOREACH(worker, &dispatcher->workers, link) {
    count += worker->job != NULL;
  }
  return count;
}

size_t dispatcher_workers(const Dispatcher *dispatcher) {
  return dispatcher->worker_count;
}
