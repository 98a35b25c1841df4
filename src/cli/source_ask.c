/* Runs bough-source: the connection string goes through its stdin, where no list of processes shows
 * it, and one JSON object comes back. */
#include "cli/source.h"
#include "core/io.h"
#include "core/process.h"
#include "core/program.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { CONNINFO_LIMIT = 8 * 1024, TIMEOUT_MS = 60 * 1000 };

/* A pipe that already holds all the text; far less than a pipe takes. */
static bool fill_pipe(const char *text, int *ret, Error *err) {
  int ends[2];
  if (strlen(text) > CONNINFO_LIMIT)
    return error_set(err, ERROR_USAGE, "the connection string is longer than %d bytes",
                     CONNINFO_LIMIT);
  if (pipe2(ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not make a pipe");
  AUTO_RELEASE(fd_release) int reader = ends[0];
  AUTO_RELEASE(fd_release) int writer = ends[1];
  if (!io_write(writer, text, strlen(text), err))
    return false;
  *ret = reader;
  reader = -1;
  return true;
}

bool source_ask(const char *conninfo, json_t **ret, Error *err) {
  AUTO_RELEASE(fd_release) int input = -1;
  AUTO(str_free) char *program = NULL;
  AUTO_RELEASE(process_result_release) ProcessResult output = {0};
  AUTO(json_free) json_t *answer = NULL;
  if (!fill_pipe(conninfo, &input, err) || !program_path("bough-source", &program, err))
    return false;
  ProcessOptions options = PROCESS_OPTIONS;
  options.environment = (const char *const *)environ;
  options.directory = "."; /* files that the string names are found from here */
  options.input = input;
  options.timeout_ms = TIMEOUT_MS;
  if (!process_run((const char *const[]){program, NULL}, &options, &output, err))
    return false;
  if (!json_parse(output.output, strlen(output.output), &answer, NULL))
    return error_set(err, ERROR_TOOL_FAILED, "bough-source ended with status %d", output.status);
  const json_t *error = json_object_get(answer, "error");
  if (error != NULL) {
    json_to_error(error, err);
    return false;
  }
  *ret = json_incref(json_object_get(answer, "result"));
  return true;
}
