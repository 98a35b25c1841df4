/* postmaster.pid, and a socket's .lock file, which begins alike. Written by PostgreSQL, but in a
 * directory where strangers' code may have written too: nothing in it is believed before it is
 * checked. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

enum { POSTMASTER_PID_LIMIT = 8192 };

typedef struct PostmasterPid {
  pid_t pid; /* of the postmaster; a lone server process (--single) has it negative there, here
                positive */
  char data[4096];    /* line 2; empty when cut off */
  bool has_memory;    /* the segment below is given */
  int64_t memory_key; /* of the SysV segment that marks the directory as in use */
  int memory_id;
  bool is_ready; /* it says that it takes connections */
} PostmasterPid;

/* False when not even a process is named. Pure; fuzzed. */
bool postmaster_pid_decode(const char *text, size_t length, PostmasterPid *ret);

/* Reads such a file: a regular file of this account, not a link. A missing one gives pid 0, as does
 * one that makes no sense. */
CHECKED bool postmaster_pid_read(const char *path, PostmasterPid *ret, Error *err);
