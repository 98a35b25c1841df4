/* psql as a child whose input is fed by a thread: the dump is cut up on the way (script.h). */
#include "branch/psql.h"

#include "branch/script.h"
#include "compute/compute.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "pg/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
  LOAD_LIMIT_MS = 24 * 3600 * 1000, /* a script that sleeps forever ends at some time */
  VERSION_LIMIT_MS = 10 * 1000,
  PROGRESS_MS = 250,
  KEY_SIZE = ID_SIZE,
};

/* ---- the restricted mode ---- */

/* Minor versions that brought \restrict (August 2025) to each major one. */
static const struct {
  int major, minor;
} first_restricted[] = {{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}, {18, 0}};

static bool is_restrictable(int major, int minor) {
  for (size_t at = 0; at < ARRAY_LENGTH(first_restricted); at++)
    if (first_restricted[at].major == major)
      return minor >= first_restricted[at].minor;
  return major > 18;
}

bool psql_check(const Home *home, Error *err) {
  AUTO(str_free) char *path = path_join(home->postgres_bin, "psql");
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = VERSION_LIMIT_MS;
  int major = 0;
  int minor = 0;
  if (!process_run((const char *const[]){path, "--version", NULL}, &options, &result, err))
    return false;
  if (sscanf(result.output, "psql (PostgreSQL) %d.%d", &major, &minor) >= 1 &&
      is_restrictable(major, minor))
    return true;
  (void)error_set(err, ERROR_UNSUPPORTED, "psql %d.%d has no restricted mode to load a dump in",
                  major, minor);
  return error_hint(err, "install PostgreSQL's present minor release (15.14 or later)");
}

/* ---- feeding ---- */

typedef struct Feeder {
  const Import *import;
  ScriptReader *reader;
  int output; /* psql's input, closed at the end */
  const char *text;
  int64_t total;
  char *next; /* the database that the rest is for; NULL: there is no rest */
  Error error;
} Feeder;

/* False when psql ended before its input: not the feeder's failure. */
static bool write_all(int fd, const char *bytes, size_t length, Error *err) {
  while (length > 0) {
    ssize_t count = write(fd, bytes, length);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "psql doesn't read its input any more");
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool feed_part(Feeder *feeder, Error *err) {
  int64_t reported = clock_monotonic_ms();
  for (;;) {
    ScriptPart part;
    if (!script_read(feeder->reader, &part, err))
      return false;
    if (part.event == SCRIPT_CONNECT)
      feeder->next = str_dup(part.database);
    if (part.event != SCRIPT_BYTES)
      return true;
    if (!write_all(feeder->output, part.bytes, part.length, err))
      return false;
    if (clock_monotonic_ms() - reported >= PROGRESS_MS) {
      reported = clock_monotonic_ms();
      import_progress(feeder->import, feeder->text, script_bytes(feeder->reader), feeder->total);
    }
  }
}

static void *feed(void *context) {
  Feeder *feeder = context;
  sigset_t pipe_signal; /* psql's end shows as EPIPE */
  (void)sigemptyset(&pipe_signal);
  (void)sigaddset(&pipe_signal, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
  (void)!feed_part(feeder, &feeder->error); /* looked at by the main thread */
  fd_release(&feeder->output);
  return NULL;
}

/* ---- psql ---- */

static bool confine_psql(void *context) {
  int level = 0;
  return confine(context, &level, NULL);
}

static void take_output(void *context, const char *bytes, size_t length) {
  verdict_feed(context, bytes, length);
}

static bool start_psql(const Import *import, const char *database, int input, VerdictReport *report,
                       ProcessResult *ret, Error *err) {
  char key[KEY_SIZE];
  id_new("k", key);
  key[1] = 'k'; /* letters and digits only */
  AUTO(str_free) char *path = path_join(import->context->home->postgres_bin, "psql");
  AUTO(str_free) char *restrict_command = str_format("\\restrict %s", key);
  AUTO(str_free) char *port = str_format("%d", PLATFORM_PORT);
  AUTO(str_free) char *database_variable = str_format("PGDATABASE=%s", database);
  Confinement confinement = {.writable = (const char *const[]){NULL},
                             .executable = (const char *const[]){path, NULL}};
  ProcessOptions options = PROCESS_OPTIONS;
  /* a name on the command line could be taken for a connection string; in the environment it can't
   */
  options.environment = (const char *const[]){"LANG=C.UTF-8",           "TZ=UTC",
                                              "PGAPPNAME=bough import", "PGSSLMODE=disable",
                                              "PGGSSENCMODE=disable",   "PGCLIENTENCODING=UTF8",
                                              database_variable,        NULL};
  options.input = input;
  options.timeout_ms = LOAD_LIMIT_MS;
  options.prepare = confine_psql;
  options.context = &confinement;
  options.on_output = take_output;
  options.output_context = report;
  return process_run((const char *const[]){path, "--no-psqlrc", "--quiet", "--no-password",
                                           "--echo-errors", "--output=/dev/null",
                                           "--set=VERBOSITY=verbose", "--set=ON_ERROR_ROLLBACK=on",
                                           "--host", import->socket_directory, "--port", port,
                                           "--username", IMPORT_ROLE, "--command", restrict_command,
                                           "--file=-", NULL},
                     &options, ret, err);
}

/* 3 is ON_ERROR_STOP, which no script can set; others are a server or a psql that is gone. */
static bool check_status(const ProcessResult *result, const VerdictReport *report, Error *err) {
  if (result->status == 0)
    return true;
  const Buffer *examples = &report->examples[VERDICT_FAILED];
  return error_set(err, ERROR_IMPORT_FAILED, "psql ended with status %d: %.600s", result->status,
                   examples->length > 0 ? examples->text : "without a word");
}

static bool run_part(Feeder *feeder, const char *database, VerdictReport *report, Error *err) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not make a pipe");
  int input = ends[0];
  feeder->output = ends[1];
  pthread_t thread;
  int failure = pthread_create(&thread, NULL, feed, feeder);
  if (failure != 0) {
    fd_release(&feeder->output);
    fd_release(&input);
    return error_set_errno(err, failure, "could not start a thread");
  }
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  bool ran = start_psql(feeder->import, database, input, report, &result, err);
  fd_release(&input); /* the feeder would wait forever for a reader that has gone */
  (void)pthread_join(thread, NULL);
  verdict_finish(report);
  if (!ran || !check_status(&result, report, err))
    return false;
  if (feeder->error.code == ERROR_NONE)
    return true;
  *err = feeder->error;
  return false;
}

bool psql_run(Import *import, const char *database, int fd, int64_t total, const char *text,
              VerdictReport *report, Error *err) {
  AUTO(script_reader_free) ScriptReader *reader = script_reader_new(fd);
  AUTO(str_free) char *present = str_dup(database);
  while (present != NULL) {
    Feeder feeder = {.import = import, .reader = reader, .text = text, .total = total};
    report->line_offset = script_lines(reader);
    report->database = present;
    bool ok =
        import_make_extensions(import, present, err) && run_part(&feeder, present, report, err);
    str_free(present);
    present = STEAL(feeder.next);
    if (!ok)
      return false;
  }
  return true;
}
