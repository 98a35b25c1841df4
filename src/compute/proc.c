/* Reads /proc to tell which processes belong to which data directory. */
#include "compute/proc.h"

#include "core/process.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROC_PATH_SIZE = 64 };

bool proc_file(const char *path, ProcFile *ret, Error *err) {
  struct stat status;
  if (stat(path, &status) != 0)
    return error_set_errno(err, errno, "could not look at \"%s\"", path);
  *ret = (ProcFile){.device = status.st_dev, .inode = status.st_ino};
  return true;
}

/* The target of /proc/PID/name; empty when it can't be read. */
static void read_link(pid_t pid, const char *name, char ret[PATH_MAX]) {
  char path[PROC_PATH_SIZE];
  (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  ssize_t length = readlink(path, ret, PATH_MAX - 1);
  ret[length > 0 ? length : 0] = '\0';
}

/* A program that was replaced by an upgrade has " (deleted)" behind its name. */
static bool runs_postgres(pid_t pid) {
  char program[PATH_MAX];
  read_link(pid, "exe", program);
  return str_ends(program, "/postgres") || str_ends(program, "/postgres (deleted)");
}

static bool is_own(pid_t pid) {
  char path[PROC_PATH_SIZE];
  struct stat status;
  (void)snprintf(path, sizeof path, "/proc/%d", (int)pid);
  return stat(path, &status) == 0 && status.st_uid == geteuid();
}

bool proc_is_postgres_in(pid_t pid, const ProcFile *directory) {
  char path[PROC_PATH_SIZE];
  ProcFile working;
  (void)snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
  return is_own(pid) && runs_postgres(pid) && proc_file(path, &working, NULL) &&
         working.device == directory->device && working.inode == directory->inode;
}

/* The process that a name in /proc stands for, pid 0 when it is none. */
static ComputeProcess named_process(const char *name) {
  char *end = NULL;
  long pid = strtol(name, &end, 10);
  if (end == name || *end != '\0' || pid <= 0 || pid > INT_MAX)
    return (ComputeProcess){0};
  return (ComputeProcess){.pid = (pid_t)pid, .start_time = process_start_time((pid_t)pid)};
}

bool proc_each_postgres(ProcVisit *visit, void *context, Error *err) {
  DIR *processes = opendir("/proc");
  if (processes == NULL)
    return error_set_errno(err, errno, "could not list processes");
  for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
    ComputeProcess process = named_process(entry->d_name);
    if (process.start_time == 0 || !is_own(process.pid) || !runs_postgres(process.pid))
      continue;
    char directory[PATH_MAX];
    read_link(process.pid, "cwd", directory);
    visit(context, &process, directory);
  }
  (void)closedir(processes);
  return true;
}

typedef struct SignalAll {
  const ProcFile *directory;
  int signal;
  size_t count;
} SignalAll;

static void signal_one(void *context, const ComputeProcess *process, const char *directory) {
  SignalAll *all = context;
  if (!proc_is_postgres_in(process->pid, all->directory))
    return;
  Error ignored = ERROR_INIT; /* it ended meanwhile, or it is counted and met again */
  (void)!process_signal(process->pid, process->start_time, all->signal, &ignored);
  all->count++;
}

bool proc_signal_all(const ProcFile *directory, int signal, size_t *ret_count, Error *err) {
  SignalAll all = {.directory = directory, .signal = signal};
  if (!proc_each_postgres(signal_one, &all, err))
    return false;
  *ret_count = all.count;
  return true;
}
