/* Has bough-runner run a declared command. */
#include "scm/command.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "core/str.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
  CHUNK = 256 * 1024,
  ANSWER_MARGIN_S = 60, /* beyond the command's own limit: for unpacking and clearing away */
  ASK_MS = 2000,
  DAY_S = 24 * 60 * 60,
  PORT_DEFAULT = 6432,
};

static bool runner_down(const Error *failure, Error *err) {
  (void)error_set(err, ERROR_RUNNER_DOWN, "bough-runner doesn't answer: %.300s", failure->message);
  return error_hint(err, "run `bough up`");
}

static json_t *describe(const DeclaredCommand *command) {
  json_t *environment = json_array();
  const char *const *entry = command->environment;
  for (; entry != NULL && *entry != NULL; entry++)
    (void)json_array_append_new(environment, json_string(*entry));
  return json_pack("{s:s, s:{s:s, s:o, s:i, s:b}}", "method", "run", "params", "command",
                   command->line, "environment", environment, "timeout_s", command->timeout_s,
                   "archive", command->archive >= 0);
}

/* An empty chunk ends it. */
static bool send_archive(int fd, int archive, Error *err) {
  AUTO(str_free) char *chunk = mem_new(CHUNK, 1);
  AUTO(json_free) json_t *message = json_pack("{s:s}", "method", "archive");
  off_t offset = 0;
  for (;;) {
    ssize_t count = pread(archive, chunk, CHUNK, offset);
    if (count < 0)
      return error_set(err, ERROR_IO, "could not read the archive of the commit");
    if (!frame_write(fd, message, chunk, (size_t)count, err))
      return false;
    if (count == 0)
      return true;
    offset += count;
  }
}

/* Where a line is cut, no half character is left. */
static void set_tail(CommandOutcome *outcome, const Buffer *output) {
  const char *text = output->text != NULL ? output->text : "";
  size_t length = output->length;
  size_t most = sizeof outcome->tail - 1;
  const char *start = text + (length > most ? length - most : 0);
  size_t kept = 0;
  for (; *start != '\0' && ((unsigned char)*start & 0xC0) == 0x80;)
    start++;
  AUTO(json_free) json_t *line = json_string(start);
  for (; start[kept] != '\0' && kept < most; kept++)
    outcome->tail[kept] = line != NULL || (unsigned char)start[kept] < 0x80 ? start[kept] : '?';
  outcome->tail[kept] = '\0';
}

typedef struct Talk {
  const DeclaredCommand *command;
  Buffer output; /* the end of it */
  CommandOutcome outcome;
} Talk;

static void talk_release(Talk *talk) {
  buffer_release(&talk->output);
}

static void take_output(Talk *talk, const Frame *frame) {
  const size_t most = 2 * sizeof talk->outcome.tail;
  buffer_add(&talk->output, frame->blob, frame->blob_length);
  if (talk->output.length > most) {
    size_t drop = talk->output.length - most;
    memmove(talk->output.text, talk->output.text + drop, most + 1);
    talk->output.length = most;
  }
  if (talk->command->on_output != NULL)
    talk->command->on_output(talk->command->context, frame->blob, frame->blob_length);
}

/* Until there is something to read, the time is over, or nobody wants it any more. */
static bool wait_readable(int fd, const DeclaredCommand *command, int64_t deadline, Error *err) {
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  while (clock_monotonic_ms() < deadline) {
    if (poll(&poller, 1, ASK_MS) > 0)
      return true;
    if (command->is_wanted != NULL && !command->is_wanted(command->context))
      return error_set(err, ERROR_CANCELLED, "the command isn't wanted any more");
  }
  return error_set(err, ERROR_TIMEOUT, "bough-runner has not answered in time");
}

static bool read_answers(int fd, Talk *talk, Error *err) {
  int64_t limit_s = talk->command->timeout_s + ANSWER_MARGIN_S;
  int64_t deadline = clock_monotonic_ms() + limit_s * 1000;
  for (;;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = false;
    Error failure = ERROR_INIT;
    if (!wait_readable(fd, talk->command, deadline, err))
      return false;
    if (!frame_read(fd, &frame, &end, &failure))
      return runner_down(&failure, err);
    if (end)
      return error_set(err, ERROR_RUNNER_DOWN, "bough-runner ended in the middle of a command");
    const json_t *error = json_object_get(frame.message, "error");
    const json_t *result = json_object_get(frame.message, "result");
    if (error != NULL) {
      json_to_error(error, err);
      return false;
    }
    if (result == NULL) {
      take_output(talk, &frame);
      continue;
    }
    talk->outcome.status = (int)json_integer_or(result, "status", 126);
    talk->outcome.duration_ms = json_number_or(result, "duration_ms", 0);
    return true;
  }
}

bool command_run(Context *context, const DeclaredCommand *command, CommandOutcome *ret,
                 Error *err) {
  AUTO(str_free) char *path = home_path(context->home, "runner/runner.sock");
  AUTO_RELEASE(fd_release) int fd = -1;
  AUTO_RELEASE(talk_release) Talk talk = {.command = command};
  AUTO(json_free) json_t *message = describe(command);
  Error failure = ERROR_INIT;
  if (message == NULL || command->timeout_s < 1 || command->timeout_s > DAY_S)
    return error_set(err, ERROR_USAGE, "the command or its time limit makes no sense");
  if (!rpc_connect(path, &fd, &failure) || !frame_write(fd, message, NULL, 0, &failure))
    return runner_down(&failure, err);
  if ((command->archive >= 0 && !send_archive(fd, command->archive, err)) ||
      !read_answers(fd, &talk, err))
    return false;
  set_tail(&talk.outcome, &talk.output);
  *ret = talk.outcome;
  return true;
}

size_t command_connection(const Context *context, const char *principal, const char *token,
                          const char *database, const char *branch, char **ret) {
  int64_t port =
      json_integer_or(json_object_get(context->home->config, "proxy"), "port", PORT_DEFAULT);
  size_t count = 0;
  ret[count++] = str_dup("PGHOST=127.0.0.1");
  ret[count++] = str_format("PGPORT=%lld", (long long)port);
  ret[count++] = str_format("PGUSER=%s", principal);
  ret[count++] = str_format("PGDATABASE=%s@%s", database, branch);
  ret[count++] = str_format("PGPASSWORD=%s", token);
  ret[count++] = str_dup("PGSSLMODE=prefer");
  ret[count++] = str_format("DATABASE_URL=postgresql://%s@127.0.0.1:%lld/%s@%s", principal,
                            (long long)port, database, branch);
  return count;
}
