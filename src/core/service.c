/* Arguments, log and exit status of a service. */
#include "core/service.h"

#include "core/log.h"
#include "core/str.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

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
