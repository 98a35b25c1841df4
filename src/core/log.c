/* Log lines with the time in UTC. */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_SIZE = 1024 };

static const char *program_name = "bough";

void log_start(const char *program) {
  program_name = program;
}

static void write_line(const char *level, const char *text, const Error *err) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  struct tm parts;
  (void)gmtime_r(&now.tv_sec, &parts);
  char when[32];
  (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
  char line[TEXT_SIZE + sizeof err->message +
            256]; /* never cut: the end of the line is at its end */
  int length = snprintf(line, sizeof line, "%s.%03ldZ %s[%d] %s: %s%s%s\n", when,
                        now.tv_nsec / 1000000, program_name, (int)getpid(), level, text,
                        err != NULL ? ": " : "", err != NULL ? err->message : "");
  if (length > 0)
    (void)!write(STDERR_FILENO, line, (size_t)length);
}

#define WRITE_FORMATTED(level, err)                                                                \
  do {                                                                                             \
    char text[TEXT_SIZE];                                                                          \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    (void)vsnprintf(text, sizeof text, format, args);                                              \
    va_end(args);                                                                                  \
    write_line(level, text, err);                                                                  \
  } while (0)

void log_info(const char *format, ...) {
  WRITE_FORMATTED("info", NULL);
}

void log_warning(const char *format, ...) {
  WRITE_FORMATTED("warning", NULL);
}

void log_error(const Error *err, const char *format, ...) {
  WRITE_FORMATTED("error", err);
}
