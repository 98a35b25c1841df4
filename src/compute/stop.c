/* Stops a server, whatever it takes. */
#include "compute/compute.h"

#include "compute/leftovers.h"
#include "compute/proc.h"
#include "core/io.h"
#include "core/process.h"

#include <signal.h>

enum { HARDER_MS = 5 * 1000 };

typedef struct StopStep {
  int signal;
  const char *what;
} StopStep;

/* From kind to hard; an immediate stop begins with the second. SIGQUIT lets the postmaster end its
 * own processes, SIGKILL leaves that to leftovers_kill. */
static const StopStep steps[] = {
    {SIGINT, "ends sessions, writes a checkpoint"},
    {SIGQUIT, "ends sessions; the next start recovers"},
    {SIGKILL, "the same without its help"},
};

static bool end_process(const ComputeProcess *process, StopMode mode, int timeout_ms, Error *err) {
  int limit = timeout_ms;
  for (size_t at = mode == STOP_FAST ? 0 : 1; at < ARRAY_LENGTH(steps); at++) {
    Error late = ERROR_INIT;
    if (!process_signal(process->pid, process->start_time, steps[at].signal, err))
      return false;
    if (process_wait_gone(process->pid, process->start_time, limit, &late))
      return true;
    limit = HARDER_MS;
  }
  return error_set(err, ERROR_TIMEOUT, "process %d can't be ended", (int)process->pid);
}

/* The one that postmaster.pid names, or, where that file was lost, the one that the caller knows.
 */
static bool find_target(const ComputeSpec *spec, const ComputeProcess *known, ComputeProcess *ret,
                        Error *err) {
  ProcFile data;
  if (!compute_find(spec->data, ret, err))
    return false;
  if (ret->pid == 0 && known != NULL && known->pid > 0 && proc_file(spec->data, &data, NULL) &&
      process_start_time(known->pid) == known->start_time && proc_is_postgres_in(known->pid, &data))
    *ret = *known;
  return true;
}

bool compute_stop(const ComputeSpec *spec, const ComputeProcess *process, StopMode mode,
                  int timeout_ms, Error *err) {
  ComputeProcess target = {0};
  if (!io_is_directory(spec->data))
    return true;
  if (!find_target(spec, process, &target, err) ||
      (target.pid > 0 && !end_process(&target, mode, timeout_ms, err)))
    return false;
  if (!leftovers_kill(spec->data, err) || !leftovers_clear(spec->data, err))
    return false;
  Error ignored =
      ERROR_INIT; /* the next start clears it, or another volume's server has it by now */
  if (spec->socket_directory != NULL)
    (void)!leftovers_clear_socket(spec->socket_directory, &ignored);
  return true;
}

bool compute_check_stopped(const char *data, Error *err) {
  ComputeProcess running = {0};
  if (!io_is_directory(data))
    return true;
  if (!compute_find(data, &running, err))
    return false;
  if (running.pid > 0)
    return error_set(err, ERROR_BRANCH_BUSY, "postgres runs on it (process %d)", (int)running.pid);
  return leftovers_kill(data, err) && leftovers_clear(data, err);
}
