/* Times one command from its start to its end, or to the first row that can be read afterwards:
 *   bench-clock [-q SQL] [-u CONNINFO] -- COMMAND ARGUMENT...
 * With -q it then connects to CONNINFO, or to .result.url of the JSON object that the command
 * printed, as soon as a server answers there, and runs SQL. Prints the milliseconds and, where the
 * command told them, .result.duration_ms; "-" where not. */
#include "core/clock.h"
#include "core/io.h"
#include "core/json.h"
#include "core/str.h"

#include <libpq-fe.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 120000, OUTPUT_LIMIT = 1 << 20 };

extern char **environ;

typedef struct Arguments {
  const char *sql;
  const char *url;
  char **command;
} Arguments;

static bool read_arguments(int argc, char **argv, Arguments *ret) {
  for (int option; (option = getopt(argc, argv, "+q:u:")) != -1;) {
    if (option == 'q')
      ret->sql = optarg;
    else if (option == 'u')
      ret->url = optarg;
    else
      return false;
  }
  ret->command = argv + optind;
  return ret->command[0] != NULL;
}

/* Runs the command with its stdout in a file in memory; its exit status. */
static int run(char **command, int output) {
  posix_spawn_file_actions_t actions;
  (void)posix_spawn_file_actions_init(&actions);
  (void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = 0;
  int status = -1;
  if (posix_spawnp(&pid, command[0], &actions, NULL, command, environ) == 0)
    (void)waitpid(pid, &status, 0);
  (void)posix_spawn_file_actions_destroy(&actions);
  return status;
}

/* The object that the command printed, NULL if it printed none. Owned by the caller. */
static json_t *read_output(int output) {
  off_t length = lseek(output, 0, SEEK_END);
  if (length <= 0 || length > OUTPUT_LIMIT)
    return NULL;
  AUTO(str_free) char *text = mem_new((size_t)length, 1);
  json_t *value = NULL;
  if (!io_pread(output, text, (size_t)length, 0, NULL) ||
      !json_parse(text, (size_t)length, &value, NULL))
    return NULL;
  return value;
}

/* Asks again until the server is up, as every client has to. */
static bool read_first_row(const char *url, const char *sql) {
  int64_t patience = clock_monotonic_ms() + PATIENCE_MS;
  PGconn *conn = PQconnectdb(url);
  while (PQstatus(conn) != CONNECTION_OK && clock_monotonic_ms() < patience) {
    PQfinish(conn);
    clock_sleep_ms(1);
    conn = PQconnectdb(url);
  }
  PGresult *rows = PQexec(conn, sql);
  bool done = PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) > 0;
  if (!done)
    (void)fprintf(stderr, "bench-clock: %s", PQerrorMessage(conn));
  PQclear(rows);
  PQfinish(conn);
  return done;
}

int main(int argc, char **argv) {
  Arguments arguments = {0};
  if (!read_arguments(argc, argv, &arguments)) {
    (void)fputs("usage: bench-clock [-q SQL] [-u CONNINFO] -- COMMAND ARGUMENT...\n", stderr);
    return 1;
  }
  AUTO_RELEASE(fd_release) int output = memfd_create("output", MFD_CLOEXEC);
  int64_t start = clock_monotonic_us();
  int status = run(arguments.command, output);
  AUTO(json_free) json_t *printed = read_output(output);
  const json_t *result = json_object_get(printed, "result");
  const char *url =
      arguments.url != NULL ? arguments.url : json_string_or(result, "socket_url", "");
  bool done = status == 0 && (arguments.sql == NULL || read_first_row(url, arguments.sql));
  int64_t end = clock_monotonic_us();
  const json_t *duration = json_object_get(result, "duration_ms");
  (void)printf("%.2f ", (double)(end - start) / 1000.0);
  if (json_is_number(duration))
    (void)printf("%.2f\n", json_number_value(duration));
  else
    (void)puts("-");
  return done ? 0 : 1;
}
