/* Runs a load in threads, each with a session of its own, and looks who waits. */
#include "migrate/load.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "migrate/sql.h"
#include "pg/platform.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
  SESSIONS = 4,
  CONNECT_MS = 10 * 1000,
  WARM_UP_MS = 3000,
  LOOK_MS = 10,
  FAILURES_LIMIT = 1000, /* a load that does nothing but fail isn't one */
};

enum { /* columns of waits.sql */
       WAITER,
       BLOCKER,
       MODE,
       RELATION,
       STATEMENT,
       BLOCKER_STATEMENT,
       WAITED,
       WAITER_MIGRATES,
       BLOCKER_MIGRATES,
};

typedef struct Worker {
  Load *load;
  Conn *conn;
  char *backend; /* its process id on the server */
  pthread_t thread;
  bool has_thread;
  atomic_long runs;
  long failures;
  double slowest_ms;
  Error failure; /* the first one */
} Worker;

struct Load {
  const char *sql;
  Worker workers[SESSIONS];
  Conn *watch; /* the platform's */
  pthread_t watcher;
  bool has_watcher;
  atomic_bool is_over;
  json_t *waits; /* by what they are: see wait_key */
};

/* ---- sessions ---- */

/* A migration may lock it out, and what it finds changed may make it fail: both are told. */
static void run_once(Worker *worker) {
  int64_t started = clock_monotonic_us();
  Error failure = ERROR_INIT;
  bool ok = conn_exec(worker->conn, worker->load->sql, NULL, &failure);
  double milliseconds = (double)(clock_monotonic_us() - started) / 1000.0;
  if (atomic_load(&worker->load->is_over))
    return; /* it was ended from outside, or is of no interest any more */
  worker->slowest_ms = milliseconds > worker->slowest_ms ? milliseconds : worker->slowest_ms;
  if (!ok && worker->failures++ == 0)
    worker->failure = failure;
  if (!ok && conn_is_alive(worker->conn))
    (void)!conn_exec(worker->conn, "ROLLBACK", NULL, NULL); /* should it have begun one */
  atomic_fetch_add(&worker->runs, 1);
}

static void *run_load(void *context) {
  Worker *worker = context;
  while (!atomic_load(&worker->load->is_over) && worker->failures < FAILURES_LIMIT &&
         conn_is_alive(worker->conn))
    run_once(worker);
  return NULL;
}

/* ---- who waits ---- */

/* Sessions of the load call themselves what the migration's does; the server's own have no name. */
static const char *who(const Load *load, const char *backend, bool migrates) {
  for (size_t at = 0; at < SESSIONS; at++)
    if (load->workers[at].backend != NULL && str_equal(load->workers[at].backend, backend))
      return "load";
  return migrates ? "migration" : "other";
}

static const char *text_of(const Rows *rows, size_t row, int column) {
  const char *text = rows_get(rows, row, (size_t)column);
  return text != NULL ? text : "";
}

static void note_wait(Load *load, const Rows *rows, size_t row) {
  const char *waiter =
      who(load, text_of(rows, row, WAITER), rows_get_bool(rows, row, WAITER_MIGRATES));
  const char *blocker =
      who(load, text_of(rows, row, BLOCKER), rows_get_bool(rows, row, BLOCKER_MIGRATES));
  int64_t waited = rows_get_integer(rows, row, WAITED);
  AUTO(str_free)
  char *key = str_format("%s %s %s %s %s", waiter, blocker, text_of(rows, row, MODE),
                         text_of(rows, row, RELATION), text_of(rows, row, STATEMENT));
  json_t *known = json_object_get(load->waits, key);
  if (known != NULL && json_integer_or(known, "waited_ms", 0) >= waited)
    return;
  json_t *wait =
      json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "waiter", waiter, "blocker", blocker, "mode",
                text_of(rows, row, MODE), "relation", json_line(text_of(rows, row, RELATION)),
                "statement", json_line(text_of(rows, row, STATEMENT)), "blocker_statement",
                json_line(text_of(rows, row, BLOCKER_STATEMENT)), "waited_ms", (json_int_t)waited);
  (void)json_object_set_new(load->waits, key, wait); /* a key that isn't UTF-8 is left out */
}

/* Looked at every few milliseconds: what waits for less may be missed. */
static void *watch(void *context) {
  Load *load = context;
  while (!atomic_load(&load->is_over)) {
    AUTO(rows_free) Rows *rows = NULL;
    Error ignored = ERROR_INIT;
    if (!conn_query(load->watch, migrate_sql("waits.sql"), 0, NULL, &rows, &ignored))
      return NULL;
    for (size_t row = 0; row < rows_count(rows); row++)
      note_wait(load, rows, row);
    clock_sleep_ms(LOOK_MS);
  }
  return NULL;
}

/* ---- beginning and ending ---- */

static bool connect_worker(Target *target, Load *load, Worker *worker, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  worker->load = load;
  if (!target_connect(target, SESSION_ORDINARY, 0, &worker->conn, err) ||
      !conn_exec(worker->conn, "SELECT pg_catalog.pg_backend_pid()", &rows, err))
    return false;
  worker->backend = str_dup(rows_get(rows, 0, 0));
  return true;
}

static bool connect_all(Target *target, Load *load, Error *err) {
  AUTO(str_free) char *directory = path_join(target->context->home->run, target->endpoint.id);
  for (size_t at = 0; at < SESSIONS; at++)
    if (!connect_worker(target, load, &load->workers[at], err))
      return false;
  return platform_open(directory, target->database, CONNECT_MS, &load->watch, err);
}

static bool start_threads(Load *load, Error *err) {
  load->has_watcher = pthread_create(&load->watcher, NULL, watch, load) == 0;
  bool ok = load->has_watcher;
  for (size_t at = 0; ok && at < SESSIONS; at++) {
    Worker *worker = &load->workers[at];
    worker->has_thread = pthread_create(&worker->thread, NULL, run_load, worker) == 0;
    ok = worker->has_thread;
  }
  return ok || error_set(err, ERROR_INTERNAL, "could not start a thread");
}

static bool is_warm(const Load *load) {
  for (size_t at = 0; at < SESSIONS; at++)
    if (atomic_load(&load->workers[at].runs) == 0)
      return false;
  return true;
}

bool load_begin(Target *target, const char *sql, Load **ret, Error *err) {
  AUTO(load_free) Load *load = mem_new(1, sizeof *load);
  load->sql = sql;
  load->waits = json_object();
  if (!connect_all(target, load, err) || !start_threads(load, err))
    return error_prefix(err, "the load");
  int64_t deadline = clock_monotonic_ms() + WARM_UP_MS;
  while (!is_warm(load) && clock_monotonic_ms() < deadline)
    clock_sleep_ms(LOOK_MS);
  *ret = STEAL(load);
  return true;
}

/* The watcher first: its session then ends what the others are at. */
static void stop(Load *load) {
  atomic_store(&load->is_over, true);
  if (load->has_watcher)
    (void)pthread_join(load->watcher, NULL);
  for (size_t at = 0; at < SESSIONS; at++) {
    Worker *worker = &load->workers[at];
    const char *backend = worker->backend;
    if (!worker->has_thread)
      continue;
    (void)!conn_query(load->watch, "SELECT pg_catalog.pg_terminate_backend($1::pg_catalog.int4)", 1,
                      &backend, NULL, NULL); /* one that is gone already has ended, too */
    (void)pthread_join(worker->thread, NULL);
    worker->has_thread = false;
  }
  load->has_watcher = false;
}

void load_end(Load *load, json_t *report) {
  long runs = 0;
  long failures = 0;
  double slowest = 0;
  stop(load);
  for (size_t at = 0; at < SESSIONS; at++) {
    const Worker *worker = &load->workers[at];
    runs += atomic_load(&worker->runs);
    failures += worker->failures;
    slowest = worker->slowest_ms > slowest ? worker->slowest_ms : slowest;
    if (worker->failures > 0)
      (void)json_object_set_new(report, "failure", json_line(worker->failure.message));
  }
  json_t *waits = json_array();
  const char *key = NULL;
  json_t *wait = NULL;
  json_object_foreach(load->waits, key, wait) {
    (void)json_array_append(waits, wait);
  }
  (void)json_object_set_new(report, "sessions", json_integer(SESSIONS));
  (void)json_object_set_new(report, "runs", json_integer(runs));
  (void)json_object_set_new(report, "failures", json_integer(failures));
  (void)json_object_set_new(report, "slowest_ms", json_real(slowest));
  (void)json_object_set_new(report, "waits", waits);
}

void load_free(Load *load) {
  if (load == NULL)
    return;
  stop(load);
  for (size_t at = 0; at < SESSIONS; at++) {
    conn_free(load->workers[at].conn);
    str_free(load->workers[at].backend);
  }
  conn_free(load->watch);
  json_free(load->waits);
  mem_free(load);
}
