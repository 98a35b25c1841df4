/* What a compute costs: bytes written and memory, from /proc. */
#include "compute/compute.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROC_LIMIT = 64 * 1024, PROC_PATH_SIZE = 64, KILOBYTE = 1024, UNKNOWN = -1 };

/* The number behind "key:" in /proc/PID/name; UNKNOWN when it isn't there. */
static int64_t read_value(pid_t pid, const char *name, const char *key) {
  char path[PROC_PATH_SIZE];
  AUTO(str_free) char *text = NULL;
  (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  if (!io_read_file(path, PROC_LIMIT, &text, NULL, NULL))
    return UNKNOWN;
  char *rest = text;
  for (const char *line = NULL; (line = strsep(&rest, "\n")) != NULL;)
    if (str_starts(line, key))
      return strtoll(line + strlen(key), NULL, 10);
  return UNKNOWN;
}

/* memory_kb may be NULL. */
static void add_process(pid_t pid, int64_t *written, int64_t *memory_kb) {
  int64_t bytes = read_value(pid, "io", "write_bytes:");
  *written +=
      bytes > 0 ? bytes : 0; /* a child may have ended meanwhile: then its parent has its bytes */
  if (memory_kb == NULL)
    return;
  int64_t kilobytes = read_value(pid, "smaps_rollup", "Pss:");
  *memory_kb += kilobytes > 0 ? kilobytes : 0;
}

static bool add_children(pid_t pid, int64_t *written, int64_t *memory_kb) {
  char path[PROC_PATH_SIZE];
  AUTO(str_free) char *text = NULL;
  (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
  if (!io_read_file(path, PROC_LIMIT, &text, NULL, NULL))
    return false;
  char *rest = text;
  for (const char *child = NULL; (child = strsep(&rest, " ")) != NULL;)
    if (child[0] != '\0')
      add_process((pid_t)strtol(child, NULL, 10), written, memory_kb);
  return true;
}

void compute_measure(const ComputeProcess *process, int64_t *ret_written, int64_t *ret_memory) {
  int64_t written = 0;
  int64_t memory_kb = 0;
  int64_t *sum = ret_memory != NULL ? &memory_kb : NULL;
  *ret_written = UNKNOWN;
  if (ret_memory != NULL)
    *ret_memory = UNKNOWN;
  /* the kernel adds a child's figures to its parent's when that reaps it, so nothing is missing */
  if (read_value(process->pid, "io", "write_bytes:") == UNKNOWN ||
      !add_children(process->pid, &written, sum))
    return;
  add_process(process->pid, &written, sum);
  if (process_start_time(process->pid) != process->start_time)
    return;
  *ret_written = written;
  if (ret_memory != NULL)
    *ret_memory = memory_kb * KILOBYTE;
}
