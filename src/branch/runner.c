/* Looks for bough-runner. */
#include "branch/runner.h"

#include "core/io.h"
#include "core/json.h"
#include "core/process.h"
#include "core/str.h"

#include <limits.h>

enum { NOTE_LIMIT = 4096 };

bool runner_is_up(const Home *home) {
  AUTO(str_free) char *path = home_path(home, "runner/runner.pid");
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *note = NULL;
  size_t length = 0;
  int64_t pid = 0;
  int64_t start_time = 0;
  Error ignored = ERROR_INIT; /* no file, no process */
  return io_read_file(path, NOTE_LIMIT, &text, &length, &ignored) &&
         json_parse(text, length, &note, &ignored) &&
         json_get_integer(note, "pid", &pid, &ignored) &&
         json_get_integer(note, "start_time", &start_time, &ignored) && pid > 1 && pid < INT_MAX &&
         start_time > 0 && process_start_time((pid_t)pid) == (uint64_t)start_time;
}
