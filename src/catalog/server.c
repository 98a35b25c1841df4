/* Finds, clears away and stops the postgres of the catalog's cluster. */
#include "catalog/server.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PID_FILE_LIMIT = 8192,
  ORPHAN_MS = 2000, /* they notice their postmaster's death by themselves, after their statement */
  FAST_MS = 30000,  /* its checkpoint is small */
  IMMEDIATE_MS = 10000,
};

/* Every process of a server has its data directory as working directory. */
static bool works_in(pid_t pid, const struct stat *directory) {
  char path[64];
  struct stat current;
  (void)snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
  if (stat(path, &current) != 0 || current.st_dev != directory->st_dev ||
      current.st_ino != directory->st_ino)
    return false;
  char program[4096];
  (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
  ssize_t length = readlink(path, program, sizeof program - 1);
  if (length <= 0)
    return false;
  program[length] = '\0';
  const char *name = strrchr(program, '/');
  return name != NULL && str_starts(name, "/postgres"); /* perhaps "postgres (deleted)" by now */
}

static bool stat_directory(const char *path, struct stat *ret, Error *err) {
  return stat(path, ret) == 0 || error_set_errno(err, errno, "could not look at \"%s\"", path);
}

/* The number in the file's first line, 0 if there is none. */
static bool read_pid_file(const char *path, pid_t *ret, Error *err) {
  *ret = 0;
  if (!io_exists(path))
    return true;
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_read_file(path, PID_FILE_LIMIT, &text, &length, err))
    return false;
  long number = strtol(text, NULL, 10);
  *ret = number > 0 && number <= INT32_MAX ? (pid_t)number : 0;
  return true;
}

bool server_find(const char *data_directory, Server *ret, Error *err) {
  AUTO(str_free) char *path = path_join(data_directory, "postmaster.pid");
  struct stat directory;
  Server server = {0};
  if (!stat_directory(data_directory, &directory, err) || !read_pid_file(path, &server.pid, err))
    return false;
  server.start_time = server.pid != 0 ? process_start_time(server.pid) : 0;
  bool runs = server.start_time != 0 && works_in(server.pid, &directory);
  *ret = runs ? server : (Server){0};
  return true;
}

/* One process of a server in that directory; pid 0: there is none. */
static bool find_orphan(const struct stat *directory, Server *ret, Error *err) {
  DIR *processes = opendir("/proc");
  if (processes == NULL)
    return error_set_errno(err, errno, "could not read /proc");
  *ret = (Server){0};
  for (struct dirent *entry = readdir(processes); entry != NULL && ret->pid == 0;
       entry = readdir(processes)) {
    pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
    if (pid <= 0)
      continue;
    uint64_t start_time = process_start_time(pid);
    if (start_time != 0 && works_in(pid, directory))
      *ret = (Server){pid, start_time};
  }
  (void)closedir(processes);
  return true;
}

/* Waits, then kills. */
static bool end_process(const Server *server, int patience_ms, Error *err) {
  Error late = ERROR_INIT;
  if (process_wait_gone(server->pid, server->start_time, patience_ms, &late))
    return true;
  return process_signal(server->pid, server->start_time, SIGKILL, err) &&
         process_wait_gone(server->pid, server->start_time, IMMEDIATE_MS, err);
}

bool server_end_orphans(const char *directory, Error *err) {
  struct stat entry;
  if (!io_exists(directory))
    return true;
  if (!stat_directory(directory, &entry, err))
    return false;
  for (;;) {
    Server orphan = {0};
    if (!find_orphan(&entry, &orphan, err))
      return false;
    if (orphan.pid == 0)
      return true;
    if (!end_process(&orphan, ORPHAN_MS, err))
      return false;
  }
}

bool server_clear(const char *data_directory, const char *socket_directory, Error *err) {
  AUTO(str_free) char *pid_file = path_join(data_directory, "postmaster.pid");
  AUTO(str_free) char *socket_lock = path_join(socket_directory, ".s.PGSQL.5432.lock");
  return server_end_orphans(data_directory, err) && io_remove_file(pid_file, err) &&
         io_remove_file(socket_lock, err);
}

bool server_stop(const char *data_directory, Error *err) {
  Server server = {0};
  if (!io_exists(data_directory))
    return true;
  if (!server_find(data_directory, &server, err))
    return false;
  if (server.pid == 0)
    return true;
  Error late = ERROR_INIT;
  if (!process_signal(server.pid, server.start_time, SIGINT, err))
    return false;
  if (process_wait_gone(server.pid, server.start_time, FAST_MS, &late))
    return true;
  return process_signal(server.pid, server.start_time, SIGQUIT, err) &&
         end_process(&server, IMMEDIATE_MS, err);
}
