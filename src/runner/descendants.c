/* Ends the processes that a command left. */
#include "runner/descendants.h"

#include "core/clock.h"
#include "core/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUND_MS = 2, ROUNDS_MAX = 5000 };

/* Field 4 of /proc/PID/stat; the name before it may hold spaces and parentheses. */
static pid_t parent_of(pid_t pid) {
  char path[64];
  char text[1024];
  (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
  if (count <= 0)
    return 0;
  text[count] = '\0';
  const char *at = strrchr(text, ')');
  return at != NULL && strlen(at) > 4 ? (pid_t)atoi(at + 4) : 0;
}

static void kill_children(pid_t parent) {
  DIR *directory = opendir("/proc");
  if (directory == NULL)
    return;
  for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    pid_t pid = (pid_t)atoi(entry->d_name);
    if (pid > 1 && parent_of(pid) == parent)
      (void)kill(pid, SIGKILL);
  }
  (void)closedir(directory);
}

/* A child can't be another process before it is reaped here, so its number is its own. */
void descendants_end(void) {
  for (int rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    pid_t pid = 0;
    kill_children(getpid());
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
      ;
    if (pid < 0)
      return;
    clock_sleep_ms(ROUND_MS);
  }
}
