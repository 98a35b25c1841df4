/* The loop's side of the workers: a queue, a bounded number of processes, a time limit for each
 * job. */
#pragma once

#include "core/home.h"
#include "core/json.h"
#include "daemon/route.h"

#include <event2/event.h>

typedef struct Dispatcher Dispatcher;
typedef struct Job Job;

/* Told about a job; both are called from the loop. failure NULL: done with result (borrowed). */
typedef void JobProgress(void *context, const json_t *progress);
typedef void JobDone(void *context, const json_t *result, const Error *failure);

/* watch is called with each {endpoint,pid,start_time} that a worker started; push with each
 * {push,params} that a proxy is to be told; lost when a worker ended in the middle of a job
 * (had_job), or is ended behind one that it couldn't bring to its end: what it left can be
 * recovered. */
typedef struct DispatchHooks {
  void (*watch)(void *context, const json_t *process);
  void (*push)(void *context, const json_t *message);
  void (*lost)(void *context, bool had_job);
  void *context;
} DispatchHooks;

Dispatcher *dispatcher_new(struct event_base *base, const Home *home, const DispatchHooks *hooks);
void dispatcher_free(Dispatcher *dispatcher); /* ends the workers */

/* Queues a job. message is stolen: {"project","branch","upload","name","token",
 * "query","body","uid","bearer","daemon"};
 * blob is copied. on_progress may be NULL. A full queue answers BUSY at once. */
void dispatcher_submit(Dispatcher *dispatcher, const Route *route, json_t *message,
                       const char *blob, size_t blob_length, JobProgress *on_progress,
                       JobDone *on_done, void *context);

/* Ends long jobs where they stand: recovery puts right what they left, now or after the next start.
 */
void dispatcher_cancel_long(Dispatcher *dispatcher);

/* Until ready only jobs that start things and routes that need no catalog are run. */
void dispatcher_set_ready(Dispatcher *dispatcher);
/* Jobs that run or wait, and those that run. */
size_t dispatcher_pending(const Dispatcher *dispatcher);
size_t dispatcher_running(const Dispatcher *dispatcher);
size_t dispatcher_workers(const Dispatcher *dispatcher);
