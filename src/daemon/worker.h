/* A worker process: answers one request at a time with blocking code. */
#pragma once

#include "core/home.h"

#include <sys/types.h>

/* Serves frames on descriptor 0 until boughd (parent) closes it or dies. Returns the exit status.
 */
int worker_main(const char *home_root, int parent);

/* Starts such a process; *ret_pipe is boughd's end. It dies with boughd, or ends when that is
 * closed. */
CHECKED bool worker_start(const Home *home, pid_t *ret_pid, int *ret_pipe, Error *err);
