/* bough-agent as a whole: the real program, a files pool, real servers, as an account without
 * rights. */
#include "compute/compute.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/program.h"
#include "core/rpc.h"
#include "core/str.h"
#include "harness/account.h"
#include "harness/cluster.h"
#include "pg/platform.h"
#include "storage/storage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOT_VOLUME "vol-aaaaaaaaaaaa"
#define FORK_VOLUME "vol-bbbbbbbbbbbb"
#define NEXT_VOLUME "vol-cccccccccccc"
#define COPY_VOLUME "vol-dddddddddddd"
#define KILLED_VOLUME "vol-eeeeeeeeeeee"
#define ROOT_ENDPOINT "ep-aaaaaaaaaaaa"
#define FORK_ENDPOINT "ep-bbbbbbbbbbbb"
#define NEXT_ENDPOINT "ep-cccccccccccc"
#define COPY_ENDPOINT "ep-dddddddddddd"

enum { READY_MS = 30000, AGENT_MS = 20000 };

static struct {
  char root[64];
  pid_t agent;
  int connection;
} site = {.connection = -1};

static void require(bool ok, const Error *err) {
  if (!ok)
    fail_msg("%s: %s", error_info(err->code)->code, err->message);
}

static char *below(const char *name) {
  return path_join(site.root, name);
}

static json_t *account_json(void) {
  return json_pack("{s:s, s:i, s:i}", "name", account_name(), "uid", (int)geteuid(), "gid",
                   (int)getegid());
}

static void write_config(const char *driver, const char *pool) {
  AUTO(json_free)
  json_t *config =
      json_pack("{s:s, s:o, s:o, s:o, s:{s:i, s:s}, s:s, s:{s:s, s:s}}", "mode", "user", "control",
                account_json(), "compute", account_json(), "command", account_json(), "owner",
                "uid", (int)geteuid(), "name", account_name(), "postgres_bin", cluster_programs(),
                "pool", "driver", driver, "path", pool);
  AUTO(str_free) char *text = json_text(config);
  AUTO(str_free) char *path = below("config.json");
  Error err = ERROR_INIT;
  require(io_write_file(path, text, strlen(text), 0644, &err), &err);
}

static void make_home(void) {
  static const char *const directories[] = {"pool", "wal", "compute", "run", "agent"};
  Error err = ERROR_INIT;
  const char *driver = NULL;
  AUTO(str_free) char *made = NULL;
  (void)snprintf(site.root, sizeof site.root, "/tmp/bough-agent-XXXXXX");
  assert_non_null(mkdtemp(site.root));
  AUTO(str_free) char *pool = below("pool");
  for (size_t at = 0; at < ARRAY_LENGTH(directories); at++) {
    AUTO(str_free) char *path = below(directories[at]);
    assert_int_equal(mkdir(path, 0700), 0);
  }
  PoolPlan plan = {.path = pool, .owner_uid = geteuid(), .owner_gid = getegid()};
  require(pool_format(&plan, &driver, &made, &err), &err);
  write_config(driver, made);
}

static void start_agent(void) {
  AUTO(str_free) char *program = NULL;
  AUTO(str_free) char *log_path = below("agent.log");
  Error err = ERROR_INIT;
  require(program_path("bough-agent", &program, &err), &err);
  AUTO_RELEASE(fd_release)
  int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char *const argv[] = {program, "--home", site.root, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.output = log;
  require(process_spawn(argv, &options, false, &site.agent, &err), &err);
}

static int connect_agent(void) {
  AUTO(str_free) char *path = below("agent/agent.sock");
  int connection = -1;
  Error err = ERROR_INIT;
  for (int64_t end = clock_monotonic_ms() + AGENT_MS; clock_monotonic_ms() < end;) {
    if (rpc_connect(path, &connection, &err))
      return connection;
    clock_sleep_ms(10);
  }
  fail_msg("%s", err.message);
  return -1;
}

static void end_agent(int signal_number) {
  int status = 0;
  if (site.agent > 0) {
    assert_int_equal(kill(site.agent, signal_number), 0);
    assert_int_equal(waitpid(site.agent, &status, 0), site.agent);
  }
  site.agent = 0;
  fd_release(&site.connection);
}

static bool try_call(int connection, const char *method, json_t *params, json_t **ret, Error *err) {
  AUTO(json_free) json_t *owned = params;
  return rpc_call(connection, method, owned, NULL, NULL, ret, err);
}

/* The answer, owned. */
static json_t *call(const char *method, json_t *params) {
  json_t *answer = NULL;
  Error err = ERROR_INIT;
  if (!try_call(site.connection, method, params, &answer, &err))
    fail_msg("%s: %s: %s", method, error_info(err.code)->code, err.message);
  return answer;
}

static void run(const char *method, json_t *params) {
  json_free(call(method, params));
}

static void expect_error(const char *method, json_t *params, ErrorCode code) {
  Error err = ERROR_INIT;
  if (try_call(site.connection, method, params, NULL, &err))
    fail_msg("%s succeeded", method);
  if (err.code != code)
    fail_msg("%s: %s: %s", method, error_info(err.code)->code, err.message);
}

static json_t *volume_params(const char *volume) {
  return json_pack("{s:s}", "volume", volume);
}

static json_t *start_params(const char *volume, const char *endpoint, bool first) {
  return json_pack("{s:s, s:s, s:s, s:b, s:i}", "volume", volume, "endpoint", endpoint, "size",
                   "small", "first_start", first, "oom_score_adj", 300);
}

static pid_t start_compute(const char *volume, const char *endpoint, bool first) {
  AUTO(json_free) json_t *answer = call("compute.start", start_params(volume, endpoint, first));
  return (pid_t)json_integer_or(answer, "pid", 0);
}

static void stop_compute(const char *volume, const char *endpoint, bool immediate) {
  run("compute.stop", json_pack("{s:s, s:s, s:b, s:i}", "volume", volume, "endpoint", endpoint,
                                "immediate", immediate, "timeout_ms", READY_MS));
}

static Conn *open_branch(const char *endpoint) {
  AUTO(str_free) char *sockets = str_format("%s/run/%s", site.root, endpoint);
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  require(platform_open(sockets, "postgres", READY_MS, &conn, &err), &err);
  return conn;
}

static char *query_column(Conn *conn, const char *sql, size_t column) {
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  require(conn_exec(conn, sql, &rows, &err), &err);
  const char *value = rows_count(rows) > 0 ? rows_get(rows, 0, column) : "";
  return str_dup(value != NULL ? value : "");
}

static void expect(Conn *conn, const char *sql, const char *value) {
  AUTO(str_free) char *answer = query_column(conn, sql, 0);
  assert_string_equal(answer, value);
}

static int set_up(void **state) {
  make_home();
  start_agent();
  site.connection = connect_agent();
  return 0;
}

/* By hand, since a failed test may have left no agent. */
static void stop_all_servers(void) {
  static const char *const volumes[] = {ROOT_VOLUME, FORK_VOLUME, NEXT_VOLUME, COPY_VOLUME};
  for (size_t at = 0; at < ARRAY_LENGTH(volumes); at++) {
    AUTO(str_free) char *data = str_format("%s/pool/volumes/%s/data", site.root, volumes[at]);
    ComputeSpec spec = {.data = data};
    Error err = ERROR_INIT;
    if (!compute_stop(&spec, NULL, STOP_IMMEDIATE, 1000, &err))
      print_message("%s\n", err.message);
  }
}

static int tear_down(void **state) {
  Error err = ERROR_INIT;
  end_agent(SIGKILL);
  stop_all_servers();
  require(io_remove_tree(site.root, &err), &err);
  return 0;
}

static void test_greeting(void **state) {
  AUTO(json_free) json_t *answer = call("hello", json_object());
  AUTO(json_free) json_t *again = call("ping", json_object());
  AUTO(json_free) json_t *pool = call("pool.status", json_object());
  assert_int_equal(json_integer_or(answer, "pid", 0), site.agent);
  assert_int_equal(json_integer_or(answer, "landlock", -1), confine_level());
  assert_true(json_equal(answer, again));
  assert_true(json_integer_or(pool, "available", 0) > 0);
  AUTO(str_free) char *pid_path = below("agent/agent.pid");
  AUTO(str_free) char *socket_path = below("agent/agent.sock");
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  struct stat status;
  require(io_read_file(pid_path, 1024, &text, NULL, &err), &err);
  AUTO(json_free) json_t *file = NULL;
  require(json_parse(text, strlen(text), &file, &err), &err);
  assert_int_equal(json_integer_or(file, "pid", 0), site.agent);
  assert_int_equal(json_integer_or(file, "start_time", 0), process_start_time(site.agent));
  assert_int_equal(stat(socket_path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0660);
}

static void test_bad_parameters(void **state) {
  expect_error("volume.create", json_object(), ERROR_USAGE);
  expect_error("volume.create", volume_params("../../etc"), ERROR_INVALID_NAME);
  expect_error("volume.create", volume_params("vol-aaaaaaaaaaaa/x"), ERROR_INVALID_NAME);
  expect_error("volume.delete", volume_params("ep-aaaaaaaaaaaa"), ERROR_INVALID_NAME);
  expect_error("compute.start", start_params(ROOT_VOLUME, "../x", true), ERROR_INVALID_NAME);
  expect_error("host.clear", json_object(), ERROR_USAGE);
  expect_error("no.such.method", json_object(), ERROR_INTERNAL);
  expect_error("compute.start",
               json_pack("{s:s, s:s, s:s}", "volume", ROOT_VOLUME, "endpoint", ROOT_ENDPOINT,
                         "size", "gigantic"),
               ERROR_USAGE);
}

static void test_root(void **state) {
  run("volume.create", volume_params(ROOT_VOLUME));
  run("cluster.init", volume_params(ROOT_VOLUME));
  AUTO(str_free) char *link = str_format("%s/pool/volumes/%s/data/pg_wal", site.root, ROOT_VOLUME);
  char target[64] = {0};
  assert_true(readlink(link, target, sizeof target - 1) > 0);
  assert_string_equal(target, "../wal");
  AUTO(json_free) json_t *control = call("volume.control", volume_params(ROOT_VOLUME));
  assert_string_equal(json_string_or(control, "state", ""), "shut down");
  assert_true(json_bool_or(control, "checksums", false));
  assert_int_equal(json_integer_or(control, "major", 0), 15);
  pid_t pid = start_compute(ROOT_VOLUME, ROOT_ENDPOINT, true);
  AUTO(conn_free) Conn *conn = open_branch(ROOT_ENDPOINT);
  expect(conn, "SHOW autovacuum", "off");
  expect(conn, "CREATE TABLE public.t AS SELECT 1 AS x", "");
  run("compute.configure", start_params(ROOT_VOLUME, ROOT_ENDPOINT, false));
  AUTO(json_free) json_t *found = call("compute.find", volume_params(ROOT_VOLUME));
  assert_int_equal(json_integer_or(found, "pid", 0), pid);
  AUTO(json_free) json_t *measured = call("compute.measure", json_incref(found));
  assert_true(json_integer_or(measured, "memory", 0) > 0);
  AUTO(json_free)
  json_t *log = call("compute.log", json_pack("{s:s, s:i}", "volume", ROOT_VOLUME, "bytes", 2000));
  assert_non_null(strstr(json_string_or(log, "text", ""), "ready to accept connections"));
  AUTO(json_free) json_t *usage = call("volume.usage", volume_params(ROOT_VOLUME));
  assert_true(json_integer_or(usage, "logical", 0) > 1024 * 1024);
}

/* The files driver copies one file after the other: the source is in backup mode meanwhile. */
static void fork_in_backup_mode(Conn *conn, const char *source, const char *volume) {
  AUTO(str_free)
  char *start = query_column(conn, "SELECT pg_catalog.pg_backup_start('t', true)", 0);
  run("volume.fork", json_pack("{s:s, s:s}", "source", source, "volume", volume));
  expect(conn, "INSERT INTO public.t VALUES (2)", "");
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  require(
      conn_exec(conn, "SELECT lsn, labelfile FROM pg_catalog.pg_backup_stop(false)", &rows, &err),
      &err);
  AUTO(json_free)
  json_t *result = call("volume.complete",
                        json_pack("{s:s, s:s, s:s, s:s}", "source", source, "volume", volume, "end",
                                  rows_get(rows, 0, 0), "label", rows_get(rows, 0, 1)));
  assert_string_equal(json_string_or(result, "redo", ""), start);
  Lsn stop = 0;
  Lsn end = 0;
  require(lsn_parse(rows_get(rows, 0, 0), &stop, &err), &err);
  require(lsn_parse(json_string_or(result, "end", ""), &end, &err), &err);
  assert_true(end >= stop);
}

static void expect_rows(const char *endpoint, const char *count) {
  AUTO(conn_free) Conn *conn = open_branch(endpoint);
  expect(conn, "SELECT pg_catalog.count(*) FROM public.t", count);
}

static void test_fork(void **state) {
  AUTO(conn_free) Conn *conn = open_branch(ROOT_ENDPOINT);
  fork_in_backup_mode(conn, ROOT_VOLUME, FORK_VOLUME);
  /* from a fork that never ran: its label has to come along */
  run("volume.fork", json_pack("{s:s, s:s}", "source", FORK_VOLUME, "volume", NEXT_VOLUME));
  run("volume.complete", json_pack("{s:s, s:s}", "source", FORK_VOLUME, "volume", NEXT_VOLUME));
  expect(conn, "INSERT INTO public.t VALUES (3)", "");
  (void)start_compute(FORK_VOLUME, FORK_ENDPOINT, true);
  (void)start_compute(NEXT_VOLUME, NEXT_ENDPOINT, true);
  expect_rows(ROOT_ENDPOINT, "3");
  expect_rows(FORK_ENDPOINT, "2");
  expect_rows(NEXT_ENDPOINT, "2");
}

static void test_fork_of_stopped(void **state) {
  stop_compute(NEXT_VOLUME, NEXT_ENDPOINT, false);
  run("volume.delete", volume_params(NEXT_VOLUME));
  stop_compute(FORK_VOLUME, FORK_ENDPOINT, false);
  run("volume.fork", json_pack("{s:s, s:s}", "source", FORK_VOLUME, "volume", NEXT_VOLUME));
  AUTO(json_free)
  json_t *result = call("volume.complete",
                        json_pack("{s:s, s:s}", "source", FORK_VOLUME, "volume", NEXT_VOLUME));
  assert_int_equal(json_integer_or(result, "unlogged", -1), 0);
  (void)start_compute(NEXT_VOLUME, NEXT_ENDPOINT, true);
  expect_rows(NEXT_ENDPOINT, "2");
}

/* The servers don't depend on the agent, nor does the next one on the first. */
static void test_restart_of_the_agent(void **state) {
  AUTO(json_free) json_t *before = call("compute.find", volume_params(ROOT_VOLUME));
  end_agent(SIGTERM);
  AUTO(str_free) char *socket_path = below("agent/agent.sock");
  assert_false(io_exists(socket_path));
  start_agent();
  site.connection = connect_agent();
  AUTO(json_free) json_t *after = call("compute.find", volume_params(ROOT_VOLUME));
  assert_true(json_equal(before, after));
  end_agent(SIGKILL);
  start_agent();
  clock_sleep_ms(300); /* the stale socket would refuse */
  site.connection = connect_agent();
  AUTO(json_free) json_t *last = call("compute.find", volume_params(ROOT_VOLUME));
  assert_true(json_equal(before, last));
}

/* A second agent would not know of the first one's sessions. */
static void test_only_one_agent(void **state) {
  pid_t first = site.agent;
  start_agent();
  pid_t second = site.agent;
  site.agent = first;
  int status = 0;
  assert_int_equal(waitpid(second, &status, 0), second);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
  run("ping", json_object());
}

static void test_hello_ends_older_sessions(void **state) {
  AUTO(json_free)
  json_t *message =
      json_pack("{s:s, s:{s:s, s:s, s:s}}", "method", "cluster.single", "params", "volume",
                FORK_VOLUME, "database", "postgres", "sql", "SELECT pg_catalog.pg_sleep(100);\n\n");
  Error err = ERROR_INIT;
  AUTO_RELEASE(fd_release) int idle = connect_agent();
  AUTO_RELEASE(fd_release) int busy = connect_agent();
  require(try_call(idle, "ping", json_object(), NULL, &err), &err);
  require(frame_write(busy, message, NULL, 0, &err), &err);
  AUTO(str_free) char *data = str_format("%s/pool/volumes/%s/data", site.root, FORK_VOLUME);
  AUTO(str_free) char *pid_file = path_join(data, "postmaster.pid");
  for (int64_t end = clock_monotonic_ms() + READY_MS; !io_exists(pid_file); clock_sleep_ms(10))
    assert_true(clock_monotonic_ms() < end);
  AUTO_RELEASE(fd_release) int fresh = connect_agent();
  require(try_call(fresh, "hello", json_object(), NULL, &err), &err);
  assert_false(try_call(idle, "ping", json_object(), NULL, &err));
  assert_int_equal(err.code, ERROR_AGENT_DOWN);
  Frame frame = {0};
  bool ended = false;
  assert_true(!frame_read(busy, &frame, &ended, &err) || ended);
  require(try_call(fresh, "ping", json_object(), NULL, &err), &err);
  fd_release(&site.connection);
  site.connection = fresh;
  fresh = -1;
  /* the lone server that the busy one ran is gone too: nothing holds its volume */
  AUTO(json_free)
  json_t *output =
      call("cluster.single", json_pack("{s:s, s:s, s:s}", "volume", FORK_VOLUME, "database",
                                       "postgres", "sql", "SELECT 7;\n\n"));
  assert_non_null(strstr(json_string_or(output, "output", ""), "7"));
}

/* A session asked to end by the agent's SIGTERM answers the call at hand first. */
static void test_sigterm_lets_calls_finish(void **state) {
  AUTO(json_free)
  json_t *message =
      json_pack("{s:s, s:{s:s, s:s, s:s}}", "method", "cluster.single", "params", "volume",
                FORK_VOLUME, "database", "postgres", "sql", "SELECT pg_catalog.pg_sleep(1);\n\n");
  Error err = ERROR_INIT;
  AUTO_RELEASE(fd_release) int busy = connect_agent();
  require(frame_write(busy, message, NULL, 0, &err), &err);
  clock_sleep_ms(300);
  end_agent(SIGTERM);
  AUTO_RELEASE(frame_release) Frame frame = {0};
  bool ended = true;
  require(frame_read(busy, &frame, &ended, &err), &err);
  assert_false(ended);
  assert_non_null(json_object_get(frame.message, "result"));
  start_agent();
  site.connection = connect_agent();
}

static void count_progress(void *context, const json_t *progress) {
  int *count = context;
  assert_true(json_integer_or(progress, "done", -1) >= 0);
  assert_true(json_integer_or(progress, "total", 0) > 0);
  *count += 1;
}

/* The source's own hba file: copies need the password. */
static void ask_for_password(Cluster *cluster, const char *password) {
  static const char rules[] = "local all all trust\nlocal replication all scram-sha-256\n";
  AUTO(str_free) char *path = path_join(cluster->data, "pg_hba.conf");
  AUTO(str_free) char *sql = str_format("ALTER ROLE postgres PASSWORD '%s'", password);
  Error err = ERROR_INIT;
  require(io_write_file(path, rules, strlen(rules), 0600, &err), &err);
  str_free(cluster_sql(cluster, "postgres", sql));
  str_free(cluster_sql(cluster, "postgres", "SELECT pg_reload_conf()"));
  str_free(cluster_sql(cluster, "postgres", "CREATE TABLE t AS SELECT generate_series(1, 5) AS x"));
}

static void test_basebackup(void **state) {
  AUTO(cluster_free) Cluster *source = cluster_new(NULL);
  cluster_start(source, NULL);
  ask_for_password(source, "a:b\\c");
  AUTO(str_free)
  char *conninfo = str_format("host=%s user=postgres dbname=postgres", source->root);
  AUTO(str_free) char *with_password = str_format("%s password=x", conninfo);
  run("volume.create", volume_params(COPY_VOLUME));
  expect_error("cluster.basebackup",
               json_pack("{s:s, s:s}", "volume", COPY_VOLUME, "conninfo", with_password),
               ERROR_PASSWORD_IN_CONNINFO);
  expect_error("cluster.basebackup",
               json_pack("{s:s, s:s, s:s}", "volume", COPY_VOLUME, "conninfo", conninfo, "password",
                         "wrong"),
               ERROR_TOOL_FAILED);
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s, s:s}", "volume", COPY_VOLUME, "conninfo", conninfo,
                             "password", "a:b\\c");
  int reports = 0;
  Error err = ERROR_INIT;
  require(
      rpc_call(site.connection, "cluster.basebackup", params, count_progress, &reports, NULL, &err),
      &err);
  assert_true(reports > 0);
  cluster_stop(source);
}

/* Waits until the source has so many connections of a base backup. */
static void wait_for_senders(Cluster *source, const char *count) {
  for (int64_t end = clock_monotonic_ms() + READY_MS;; clock_sleep_ms(5)) {
    AUTO(str_free)
    char *present = cluster_sql(source, "postgres", "SELECT count(*) FROM pg_stat_replication");
    if (str_equal(present, count))
      return;
    assert_true(clock_monotonic_ms() < end);
  }
}

/* The program and its other half, which streams the log and isn't bound to its parent's life. */
static void test_hello_ends_both_halves_of_a_backup(void **state) {
  AUTO(cluster_free) Cluster *source = cluster_new(NULL);
  cluster_start(source, NULL);
  cluster_exec(source, "postgres",
               "CREATE TABLE big AS SELECT repeat('x', 1900) FROM generate_series(1, 80000)");
  AUTO(str_free) char *conninfo = str_format("host=%s user=postgres", source->root);
  AUTO(json_free)
  json_t *message = json_pack("{s:s, s:{s:s, s:s}}", "method", "cluster.basebackup", "params",
                              "volume", KILLED_VOLUME, "conninfo", conninfo);
  Error err = ERROR_INIT;
  AUTO_RELEASE(fd_release) int busy = connect_agent();
  AUTO_RELEASE(fd_release) int fresh = connect_agent();
  require(try_call(busy, "volume.create", volume_params(KILLED_VOLUME), NULL, &err), &err);
  require(frame_write(busy, message, NULL, 0, &err), &err);
  wait_for_senders(source, "2");
  require(try_call(fresh, "hello", json_object(), NULL, &err), &err);
  wait_for_senders(source, "0");
  fd_release(&site.connection);
  site.connection = fresh;
  fresh = -1;
  run("volume.delete", volume_params(KILLED_VOLUME));
}

/* A copy has no role for the platform, and perhaps no checksums: both before its first server. */
static void test_copy_is_made_a_branch(void **state) {
  run("cluster.single", json_pack("{s:s, s:s, s:s}", "volume", COPY_VOLUME, "database", "postgres",
                                  "sql", "CREATE ROLE bough_platform SUPERUSER LOGIN;\n\n"));
  AUTO(json_free) json_t *first = call("cluster.checksums", volume_params(COPY_VOLUME));
  AUTO(json_free) json_t *second = call("cluster.checksums", volume_params(COPY_VOLUME));
  assert_true(json_bool_or(first, "enabled", false));
  assert_false(json_bool_or(second, "enabled", true));
  (void)start_compute(COPY_VOLUME, COPY_ENDPOINT, true);
  expect_rows(COPY_ENDPOINT, "5");
  expect_error("cluster.checksums", volume_params(COPY_VOLUME), ERROR_BRANCH_BUSY);
}

static void test_leftovers(void **state) {
  AUTO(str_free) char *stray = below("compute/vol-zzzzzzzzzzzz");
  AUTO(str_free) char *other = below("compute/notes");
  assert_int_equal(mkdir(stray, 0700), 0);
  assert_int_equal(mkdir(other, 0700), 0);
  AUTO(json_free)
  json_t *known =
      json_pack("{s:[s, s, s], s:[s, s, s, s]}", "volumes", ROOT_VOLUME, FORK_VOLUME, NEXT_VOLUME,
                "endpoints", ROOT_ENDPOINT, FORK_ENDPOINT, NEXT_ENDPOINT, COPY_ENDPOINT);
  AUTO(json_free) json_t *found = call("host.leftovers", json_incref(known));
  const json_t *processes = json_object_get(found, "processes");
  assert_true(json_array_size(processes) > 0); /* the copy's, which wasn't listed */
  assert_string_equal(json_string_or(json_array_get(processes, 0), "volume", ""), COPY_VOLUME);
  assert_int_equal(json_array_size(json_object_get(found, "directories")), 2);
  run("compute.stop", json_pack("{s:s, s:s}", "volume", COPY_VOLUME, "endpoint", COPY_ENDPOINT));
  run("host.clear", json_incref(known));
  assert_false(io_exists(stray));
  assert_true(io_exists(other));
  AUTO(json_free) json_t *rest = call("host.leftovers", json_incref(known));
  assert_int_equal(json_array_size(json_object_get(rest, "processes")), 0);
  assert_int_equal(json_array_size(json_object_get(rest, "directories")), 0);
}

static void test_delete(void **state) {
  AUTO(str_free) char *settings = below("compute/" ROOT_VOLUME);
  AUTO(json_free) json_t *process = call("compute.find", volume_params(ROOT_VOLUME));
  assert_true(io_exists(settings));
  run("volume.delete", volume_params(ROOT_VOLUME)); /* its server still runs */
  assert_false(io_exists(settings));
  assert_int_equal(process_start_time((pid_t)json_integer_or(process, "pid", 0)), 0);
  stop_compute(NEXT_VOLUME, NEXT_ENDPOINT, true);
  run("volume.delete", volume_params(NEXT_VOLUME));
  run("volume.delete", volume_params(FORK_VOLUME));
  run("volume.delete", volume_params(COPY_VOLUME));
  run("volume.delete", volume_params(COPY_VOLUME));
  AUTO(json_free) json_t *list = call("volume.list", json_object());
  assert_int_equal(json_array_size(json_object_get(list, "volumes")), 0);
}

int main(void) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL || !account_drop_root()) {
    (void)fprintf(stderr, "skipped: %s\n", reason != NULL ? reason : "no account to become");
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_greeting),
      cmocka_unit_test(test_bad_parameters),
      cmocka_unit_test(test_root),
      cmocka_unit_test(test_fork),
      cmocka_unit_test(test_fork_of_stopped),
      cmocka_unit_test(test_restart_of_the_agent),
      cmocka_unit_test(test_only_one_agent),
      cmocka_unit_test(test_hello_ends_older_sessions),
      cmocka_unit_test(test_sigterm_lets_calls_finish),
      cmocka_unit_test(test_basebackup),
      cmocka_unit_test(test_hello_ends_both_halves_of_a_backup),
      cmocka_unit_test(test_copy_is_made_a_branch),
      cmocka_unit_test(test_leftovers),
      cmocka_unit_test(test_delete),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
