/* The postgres of the catalog's cluster as a process. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

typedef struct Server {
  pid_t pid; /* 0: none runs */
  uint64_t start_time;
} Server;

/* The postmaster on data_directory, from its postmaster.pid; that the pid still is a postgres
 * working there is checked. */
CHECKED bool server_find(const char *data_directory, Server *ret, Error *err);

/* Where server_find finds none: ends the orphaned processes of a killed postmaster, then removes
 * its lock files. After a reboot the number in them often is one of Bough's own processes, and
 * PostgreSQL would refuse to start. Both directories are the catalog's alone. */
CHECKED bool server_clear(const char *data_directory, const char *socket_directory, Error *err);

/* Ends every postgres that works in directory, which may be missing: those that don't notice by
 * themselves that what started them is gone are killed. */
CHECKED bool server_end_orphans(const char *directory, Error *err);

/* Fast, then immediate, then by force. */
CHECKED bool server_stop(const char *data_directory, Error *err);
