/* What /proc tells about processes of this account. */
#pragma once

#include "compute/compute.h"

typedef struct ProcFile { /* a directory or program, told apart by what it is, not by its name */
  dev_t device;
  ino_t inode;
} ProcFile;

CHECKED bool proc_file(const char *path, ProcFile *ret, Error *err);

/* Whether pid runs a program called postgres (also one that an upgrade replaced meanwhile) with
 * that working directory: where every server process of a cluster has its data directory. */
bool proc_is_postgres_in(pid_t pid, const ProcFile *directory);

/* Calls visit for every process that runs a program called postgres under this account, with its
 * working directory ("... (deleted)" where that is gone). */
typedef void ProcVisit(void *context, const ComputeProcess *process, const char *directory);
CHECKED bool proc_each_postgres(ProcVisit *visit, void *context, Error *err);

/* Sends a signal to every such process in directory; *ret_count: how many there
 * were. */
CHECKED bool proc_signal_all(const ProcFile *directory, int signal, size_t *ret_count, Error *err);
