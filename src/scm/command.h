/* Commands that users declare (tests, post-checks): run by bough-runner under the command account,
 * in a directory of their own, confined to it and to the system's programs, within a time limit.
 *
 * A command is a line for /bin/sh that comes from the policy in force, never from a proposed
 * commit. What it starts ends with it, and so does the directory: also when the caller is killed,
 * since both hang on the connection. */
#pragma once

#include "branch/context.h"
#include "core/process.h"

typedef struct DeclaredCommand {
  const char *line;
  const char *const *environment; /* more of "K=V", NULL-terminated; may be NULL */
  int archive;   /* descriptor of a tar file that the directory is filled from; -1: it is empty */
  int timeout_s; /* 1 to a day */
  ProcessOutput *on_output; /* sees stdout and stderr as they come; may be NULL */
  /* Asked every other second: whether anybody still wants it; else CANCELLED. May be NULL. */
  bool (*is_wanted)(void *context);
  void *context; /* of both */
} DeclaredCommand;

typedef struct CommandOutcome {
  int status; /* exit status, or 128 + signal */
  double duration_ms;
  char tail[1024]; /* the end of what it said, as valid UTF-8 */
} CommandOutcome;

/* A status other than 0 is no failure here. TIMEOUT when the limit is over; RUNNER_DOWN when
 * bough-runner doesn't answer. */
CHECKED bool command_run(Context *context, const DeclaredCommand *command, CommandOutcome *ret,
                         Error *err);

/* Appends what a command needs to reach a branch over the port as principal with token: PGHOST,
 * PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGSSLMODE, DATABASE_URL (without a password), to an
 * array that has room for COMMAND_CONNECTION further texts; owned by the caller. */
enum { COMMAND_CONNECTION = 7 };
size_t command_connection(const Context *context, const char *principal, const char *token,
                          const char *database, const char *branch, char **ret);
