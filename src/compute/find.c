/* Finds the postmaster that runs on a data directory. */
#include "compute/compute.h"
#include "compute/postmaster_pid.h"
#include "compute/proc.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

/* The file's own start time isn't used: it is of the wall clock, which may jump. That the pid
 * didn't pass to another process is told by its program and working directory, and by the kernel's
 * start time, which is read before and after them. */
static ComputeProcess identify(pid_t pid, const ProcFile *data) {
  uint64_t start_time = process_start_time(pid);
  bool same =
      start_time != 0 && proc_is_postgres_in(pid, data) && process_start_time(pid) == start_time;
  return same ? (ComputeProcess){.pid = pid, .start_time = start_time} : (ComputeProcess){0};
}

bool compute_find(const char *data, ComputeProcess *ret, Error *err) {
  AUTO(str_free) char *path = path_join(data, "postmaster.pid");
  PostmasterPid file;
  ProcFile directory;
  if (!io_is_directory(data)) {
    *ret = (ComputeProcess){0};
    return true;
  }
  if (!postmaster_pid_read(path, &file, err) || !proc_file(data, &directory, err))
    return false;
  *ret = file.pid > 0 ? identify(file.pid, &directory) : (ComputeProcess){0};
  return true;
}
