/* Runs statements with a lone server process, for what must happen before any session can. */
#include "compute/compute.h"

#include "compute/conf.h"
#include "compute/server.h"
#include "core/io.h"
#include "core/name.h"
#include "core/process.h"
#include "core/str.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LIMIT_MS = 60 * 60 * 1000, SQL_LIMIT = 4 * 1024 * 1024, MESSAGE_LIMIT = 600 };

static const char *const failures[] = {"ERROR:  ", "FATAL:  ", "PANIC:  "};

/* The statements as a file without a name: a pipe could fill up. */
static bool make_input(const char *sql, int *ret, Error *err) {
  if (strlen(sql) > SQL_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "statements of more than %d bytes", SQL_LIMIT);
  AUTO_RELEASE(fd_release) int fd = memfd_create("bough-sql", MFD_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not pass the statements");
  if (!io_write(fd, sql, strlen(sql), err) || !io_write(fd, "\n\n", 2, err))
    return false;
  if (lseek(fd, 0, SEEK_SET) != 0)
    return error_set_errno(err, errno, "could not pass the statements");
  *ret = fd;
  fd = -1;
  return true;
}

/* The server's log lines stand among the values that it prints, which may hold anything: only lines
 * behind a prefix that nobody can know are its own. */
static const char *find_failure(const char *output, const char *prefix) {
  for (const char *line = strstr(output, prefix); line != NULL; line = strstr(line + 1, prefix))
    for (size_t at = 0; at < ARRAY_LENGTH(failures); at++)
      if (str_starts(line + strlen(prefix), failures[at]))
        return line + strlen(prefix) + strlen(failures[at]);
  return NULL;
}

static bool check_output(const ProcessResult *result, const char *prefix, Error *err) {
  const char *failure = find_failure(result->output, prefix);
  if (failure != NULL)
    return error_set(err, ERROR_SQL, "%.*s", (int)strcspn(failure, "\n"), failure);
  if (result->status == 0)
    return true;
  size_t length = strlen(result->output);
  return error_set(err, ERROR_TOOL_FAILED, "postgres --single ended with status %d: %s",
                   result->status,
                   result->output + (length > MESSAGE_LIMIT ? length - MESSAGE_LIMIT : 0));
}

static bool run(const ComputeSpec *spec, char **arguments, int input, ProcessResult *ret,
                Error *err) {
  ServerPrepare prepare = {
      .data = spec->data,
      .confinement = {.writable = (const char *const[]){spec->data, spec->wal, NULL},
                      .executable = (const char *const[]){arguments[0], NULL}},
  };
  ProcessOptions options = PROCESS_OPTIONS;
  options.input = input;
  options.timeout_ms = LIMIT_MS;
  options.directory = spec->data;
  options.prepare = server_prepare;
  options.context = &prepare;
  return process_run((const char *const *)arguments, &options, ret, err);
}

bool compute_single(const Home *home, const ComputeSpec *spec, const char *database,
                    const char *sql, char **ret, Error *err) {
  char token[ID_SIZE];
  Control control;
  AUTO_RELEASE(fd_release) int input = -1;
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  if (database[0] == '-')
    return error_set(err, ERROR_INVALID_NAME, "a database named \"%s\" can't be opened", database);
  id_new("log", token);
  AUTO(str_free) char *prefix = str_format("%s ", token);
  if (!compute_check_stopped(spec->data, err) || !control_read(spec->data, &control, err) ||
      !make_input(sql, &input, err))
    return false;
  AUTO(conf_arguments_free)
  char **arguments = conf_single_arguments(home, spec, &control, database, prefix);
  if (!run(spec, arguments, input, &result, err) || !check_output(&result, prefix, err))
    return false;
  *ret = STEAL(result.output);
  return true;
}
