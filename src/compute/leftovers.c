/* Clears what a killed server left: orphaned processes, postmaster.pid, shared memory, its socket.
 */
#include "compute/leftovers.h"

#include "compute/postmaster_pid.h"
#include "compute/proc.h"
#include "compute/server.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

enum {
  KILL_LIMIT_MS = 10 * 1000, /* a process in the middle of a write ends after it */
  KILL_AGAIN_MS = 5,
  MARK_SIZE_LIMIT = 4096, /* the segment is a mark with a header, not the server's memory */
};

bool leftovers_kill(const char *data, Error *err) {
  int64_t deadline = clock_monotonic_ms() + KILL_LIMIT_MS;
  ProcFile directory;
  bool held = false;
  size_t count = 0;
  if (!proc_file(data, &directory, err))
    return false;
  for (;;) {
    if (!server_holds(data, &held, err))
      return false;
    if (!held)
      return true;
    if (!proc_signal_all(&directory, SIGKILL, &count, err))
      return false;
    if (clock_monotonic_ms() >= deadline)
      return error_set(err, ERROR_BRANCH_BUSY, "processes of \"%s\" don't end (%zu)", data, count);
    clock_sleep_ms(KILL_AGAIN_MS);
  }
}

/* The file may say anything: what goes is only a small segment of our own account with that key,
 * which nobody is attached to. A segment that is gone is as good. */
static void remove_memory(const PostmasterPid *file) {
  struct shmid_ds segment;
  if (!file->has_memory || shmctl(file->memory_id, IPC_STAT, &segment) != 0)
    return;
  if (segment.shm_perm.uid == geteuid() && segment.shm_nattch == 0 &&
      segment.shm_segsz <= MARK_SIZE_LIMIT &&
      (int64_t)(uint32_t)segment.shm_perm.__key == file->memory_key)
    (void)shmctl(file->memory_id, IPC_RMID, NULL);
}

bool leftovers_clear(const char *data, Error *err) {
  AUTO(str_free) char *path = path_join(data, "postmaster.pid");
  PostmasterPid file;
  if (!postmaster_pid_read(path, &file, err))
    return false;
  remove_memory(&file);
  return io_remove_file(path, err);
}

/* Whether the process that a socket's lock file names is a server on the data directory that it
 * names. */
static bool lives(const PostmasterPid *file) {
  ProcFile directory;
  return file->pid > 0 && proc_file(file->data, &directory, NULL) &&
         proc_is_postgres_in(file->pid, &directory);
}

bool leftovers_clear_socket(const char *socket_directory, Error *err) {
  AUTO(str_free) char *socket = path_join(socket_directory, ".s.PGSQL.5432");
  AUTO(str_free) char *lock = str_format("%s.lock", socket);
  PostmasterPid file;
  if (!postmaster_pid_read(lock, &file, err))
    return false;
  if (lives(&file))
    return error_set(err, ERROR_BRANCH_BUSY, "another server uses \"%s\"", socket_directory);
  return io_remove_file(socket, err) && io_remove_file(lock, err);
}
