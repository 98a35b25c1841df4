/* Arguments, log, exit status, pid file and environment of a service. */
#include "core/service.h"

#include "core/io.h"
#include "core/log.h"
#include "core/process.h"
#include "core/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int service_main(int argc, char **argv, const char *name, const char *usage,
                 bool (*run)(const char *home, Error *err)) {
  Error err = ERROR_INIT;
  log_start(name);
  if (argc == 2 && str_equal(argv[1], "--version")) {
    (void)printf("%s %s\n", name, BOUGH_VERSION);
    return 0;
  }
  if (argc != 3 || !str_equal(argv[1], "--home")) {
    (void)fputs(usage, stderr);
    return 1;
  }
  (void)umask(0077);
  (void)signal(SIGPIPE, SIG_IGN);
  if (run(argv[2], &err))
    return 0;
  log_error(&err, "%s can't run", name);
  if (err.hint[0] != '\0')
    log_info("hint: %s", err.hint);
  return error_info(err.code)->exit_status;
}

bool service_write_pid(const char *path, mode_t mode, Error *err) {
  AUTO(str_free)
  char *text = str_format("{\"pid\":%d,\"start_time\":%llu}\n", (int)getpid(),
                          (unsigned long long)process_start_time(getpid()));
  return io_write_file(path, text, strlen(text), mode, err);
}

size_t service_pass_environment(const char *const *names, size_t name_count, char **ret) {
  size_t count = 0;
  for (size_t at = 0; at < name_count; at++)
    if (getenv(names[at]) != NULL)
      ret[count++] = str_format("%s=%s", names[at], getenv(names[at]));
  return count;
}
