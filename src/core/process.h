/* Programs that Bough runs: always by an argument vector, never through a shell, with an
 * environment that is given in full. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

/* Runs in the child after the descriptors are set and right before exec: limits, confinement. Must
 * not allocate more than it needs. False makes the child exit with 126. */
typedef bool ProcessPrepare(void *context);

/* Sees the captured output as it comes, in pieces that end anywhere. */
typedef void ProcessOutput(void *context, const char *bytes, size_t length);

typedef struct ProcessOptions {
  const char *const
      *environment;         /* NULL-terminated "K=V"; NULL: PATH, LANG=C.UTF-8 and TZ=UTC only */
  const char *directory;    /* NULL: / */
  int input;                /* descriptor for stdin; -1: /dev/null */
  int output;               /* descriptor for stdout and stderr; -1: captured */
  int errors;               /* descriptor for stderr alone; 0: with stdout */
  int timeout_ms;           /* 0: none; then the process group is killed */
  ProcessPrepare *prepare;  /* may be NULL */
  void *context;            /* of prepare */
  ProcessOutput *on_output; /* may be NULL; of process_run and process_check */
  void *output_context;
} ProcessOptions;

#define PROCESS_OPTIONS ((ProcessOptions){.input = -1, .output = -1})

typedef struct ProcessResult {
  int status;   /* exit status, or 128 + signal */
  char *output; /* stdout and stderr as they came, at most 256 kB of their end; owned */
} ProcessResult;
void process_result_release(ProcessResult *result);

/* Runs argv[0] (a path, or searched in PATH) to its end; it's killed when the calling thread ends
 * before. False when it couldn't be run or ran out of time (ERROR_TIMEOUT); a status other than 0
 * is no failure here. */
CHECKED bool process_run(const char *const *argv, const ProcessOptions *options, ProcessResult *ret,
                         Error *err);

/* The same, where any status but 0 is ERROR_TOOL_FAILED with the end of the output. */
CHECKED bool process_check(const char *const *argv, const ProcessOptions *options, Error *err);

/* Starts argv in a session of its own and doesn't wait. With detach its parent will be init (or the
 * nearest subreaper), so nobody has to reap it, and it outlives whoever started it; without it's
 * killed when the calling thread ends. output must be given. */
CHECKED bool process_spawn(const char *const *argv, const ProcessOptions *options, bool detach,
                           pid_t *ret, Error *err);

/* A process is the same one as before if pid and start time agree. Field 22 of /proc/PID/stat, in
 * clock ticks since boot; 0 when there is no such process (a zombie counts as none). */
uint64_t process_start_time(pid_t pid);

/* Adds fd to select/epoll: readable when the process ends. -1 when it's gone. Close-on-exec. */
int process_open_pidfd(pid_t pid);
/* Sends a signal to that very process, if it still is the one with that start time. */
CHECKED bool process_signal(pid_t pid, uint64_t start_time, int signal, Error *err);
/* Waits for the end of any process; false with ERROR_TIMEOUT. */
CHECKED bool process_wait_gone(pid_t pid, uint64_t start_time, int timeout_ms, Error *err);
