/* Real servers: start, find, stop, kill, what is left, what they can't do. */
#include "compute/compute.h"

#include "compute/leftovers.h"
#include "compute/server.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/name.h"
#include "core/process.h"
#include "core/str.h"
#include "harness/account.h"
#include "pg/platform.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { READY_MS = 30000, STOP_MS = 20000 };

static const char programs[] = "/usr/lib/postgresql/15/bin";

/* One cluster that each test starts and stops. */
static struct {
  char root[64];
  char *data, *wal, *directory, *sockets, *secret;
  Home home;
  ComputeSpec spec;
} site;

static void require(bool ok, const Error *err) {
  if (!ok)
    fail_msg("%s", err->message);
}

static void run_initdb(void) {
  AUTO(str_free) char *program = path_join(programs, "initdb");
  const char *const argv[] = {program,       "-D",        site.data,
                              "-X",          site.wal,    "-U",
                              PLATFORM_ROLE, "-A",        "peer",
                              "-E",          "UTF8",      "--locale=C.UTF-8",
                              "-k",          "--no-sync", "--no-instructions",
                              NULL};
  Error err = ERROR_INIT;
  ProcessOptions options = PROCESS_OPTIONS;
  require(process_check(argv, &options, &err), &err);
}

static int set_up(void **state) {
  Error err = ERROR_INIT;
  (void)snprintf(site.root, sizeof site.root, "/tmp/bough-server-XXXXXX");
  assert_non_null(mkdtemp(site.root));
  AUTO(str_free) char *computes = path_join(site.root, "compute");
  site.data = path_join(site.root, "data");
  site.wal = path_join(site.root, "wal");
  site.directory = path_join(computes, "vol-aaaaaaaaaaaa");
  site.sockets = path_join(site.root, "ep-a");
  site.secret = path_join(site.root, "another-volumes-file");
  run_initdb();
  require(io_write_file(site.secret, "secret\n", 7, 0600, &err), &err);
  site.home = (Home){.postgres_bin = (char *)programs, .login_role = "bough_u_test"};
  (void)snprintf(site.home.control.name, sizeof site.home.control.name, "%s", account_name());
  (void)snprintf(site.home.owner_name, sizeof site.home.owner_name, "%s", account_name());
  site.spec = (ComputeSpec){.data = site.data,
                            .wal = site.wal,
                            .directory = site.directory,
                            .socket_directory = site.sockets,
                            .size = size_class_find("small"),
                            .oom_score_adj = 500};
  return 0;
}

static int tear_down(void **state) {
  Error err = ERROR_INIT;
  require(compute_stop(&site.spec, NULL, STOP_IMMEDIATE, STOP_MS, &err), &err);
  require(io_remove_tree(site.root, &err), &err);
  str_free(site.data);
  str_free(site.wal);
  str_free(site.directory);
  str_free(site.sockets);
  str_free(site.secret);
  return 0;
}

/* Each test begins and ends with a stopped server, also when it fails. */
static int stop_whatever_runs(void **state) {
  Error err = ERROR_INIT;
  return compute_stop(&site.spec, NULL, STOP_IMMEDIATE, STOP_MS, &err) ? 0 : -1;
}

static ComputeProcess start(const ComputeSpec *spec) {
  ComputeProcess process = {0};
  Error err = ERROR_INIT;
  require(compute_start(&site.home, spec, &process, &err), &err);
  assert_true(process.pid > 0 && process.start_time > 0);
  return process;
}

static Conn *connect_to(const char *sockets) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  require(platform_open(sockets, "postgres", READY_MS, &conn, &err), &err);
  return conn;
}

static char *query(Conn *conn, const char *sql) {
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  require(conn_exec(conn, sql, &rows, &err), &err);
  return str_dup(rows_count(rows) > 0 ? rows_get(rows, 0, 0) : "");
}

static void expect(Conn *conn, const char *sql, const char *value) {
  AUTO(str_free) char *answer = query(conn, sql);
  assert_string_equal(answer, value);
}

static ComputeProcess find(void) {
  ComputeProcess process = {0};
  Error err = ERROR_INIT;
  require(compute_find(site.data, &process, &err), &err);
  return process;
}

static bool has_file(const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  return io_exists(path);
}

/* SysV segments of this account, by the kernel's list. */
static size_t count_segments(void) {
  FILE *list = fopen("/proc/sysvipc/shm", "re");
  assert_non_null(list);
  size_t count = 0;
  char line[512];
  while (fgets(line, sizeof line, list) != NULL) {
    unsigned uid = 0;
    if (sscanf(line, "%*d %*d %*o %*u %*d %*d %*u %u", &uid) == 1 && uid == geteuid()) // NOLINT
      count++;
  }
  (void)fclose(list);
  return count;
}

static void test_start_find_stop(void **state) {
  Error err = ERROR_INIT;
  size_t segments = count_segments();
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  expect(conn, "SHOW fsync", "on");
  expect(conn, "SHOW wal_level", "replica");
  expect(conn, "SHOW listen_addresses", "");
  expect(conn, "SHOW dynamic_shared_memory_type", "mmap");
  expect(conn, "SHOW data_checksums", "on");
  expect(conn,
         "SELECT pg_catalog.count(*) FROM pg_catalog.pg_file_settings WHERE error IS NOT NULL",
         "0");
  expect(conn,
         "SELECT pg_catalog.count(*) FROM pg_catalog.pg_hba_file_rules WHERE error IS NOT NULL",
         "0");
  expect(
      conn,
      "SELECT pg_catalog.count(*) FROM pg_catalog.pg_ident_file_mappings WHERE error IS NOT NULL",
      "0");
  ComputeProcess found = find();
  assert_int_equal(found.pid, process.pid);
  assert_int_equal(found.start_time, process.start_time);
  ComputeProcess again = start(&site.spec);
  assert_int_equal(again.pid, process.pid);
  require(compute_stop(&site.spec, &process, STOP_FAST, STOP_MS, &err), &err);
  assert_int_equal(process_start_time(process.pid), 0);
  assert_int_equal(find().pid, 0);
  assert_false(has_file(site.data, "postmaster.pid"));
  assert_false(has_file(site.sockets, ".s.PGSQL.5432"));
  assert_int_equal(count_segments(), segments);
  Control control;
  require(control_read(site.data, &control, &err), &err);
  assert_int_equal(control.state, CONTROL_SHUTDOWNED);
  require(compute_stop(&site.spec, &process, STOP_FAST, STOP_MS, &err), &err);
}

static int oom_score(pid_t pid) {
  AUTO(str_free) char *path = str_format("/proc/%d/oom_score_adj", (int)pid);
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  require(io_read_file(path, 64, &text, NULL, &err), &err);
  return atoi(text); // NOLINT
}

static void test_limits(void **state) {
  ComputeProcess process = start(&site.spec);
  AUTO(str_free) char *path = str_format("/proc/%d/limits", (int)process.pid);
  AUTO(str_free) char *limits = NULL;
  Error err = ERROR_INIT;
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  require(io_read_file(path, 65536, &limits, NULL, &err), &err);
  assert_int_equal(oom_score(process.pid), 500);
  assert_non_null(strstr(limits, "Max core file size        0 "));
}

static pid_t backend_pid(Conn *conn) {
  AUTO(str_free) char *text = query(conn, "SELECT pg_catalog.pg_backend_pid()");
  return (pid_t)atoi(text); // NOLINT
}

/* A backend that can't notice its postmaster's death keeps the memory in use: postgres itself would
 * refuse to start. */
static void test_killed_with_orphan(void **state) {
  Error err = ERROR_INIT;
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  expect(conn, "CREATE TABLE public.kept AS SELECT 7 AS x", "");
  pid_t orphan = backend_pid(conn);
  uint64_t orphan_start = process_start_time(orphan);
  assert_int_equal(kill(orphan, SIGSTOP), 0);
  assert_int_equal(kill(process.pid, SIGKILL), 0);
  require(process_wait_gone(process.pid, process.start_time, STOP_MS, &err), &err);
  assert_int_equal(find().pid, 0);
  assert_int_equal(process_start_time(orphan), orphan_start);
  ComputeProcess next = start(&site.spec);
  assert_true(next.pid != process.pid);
  AUTO(conn_free) Conn *fresh = connect_to(site.sockets);
  expect(fresh, "SELECT x FROM public.kept", "7");
  expect(fresh, "DROP TABLE public.kept", "");
  assert_int_equal(process_start_time(orphan), 0);
}

static void test_stop_clears_after_kill(void **state) {
  Error err = ERROR_INIT;
  size_t segments = count_segments();
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  assert_int_equal(count_segments(), segments + 1);
  assert_int_equal(kill(backend_pid(conn), SIGSTOP), 0);
  assert_int_equal(kill(process.pid, SIGKILL), 0);
  require(process_wait_gone(process.pid, process.start_time, STOP_MS, &err), &err);
  require(compute_stop(&site.spec, &process, STOP_FAST, STOP_MS, &err), &err);
  bool held = true;
  require(server_holds(site.data, &held, &err), &err);
  assert_false(held);
  assert_int_equal(count_segments(), segments);
  assert_false(has_file(site.data, "postmaster.pid"));
  assert_false(has_file(site.sockets, ".s.PGSQL.5432"));
}

/* A stopped postmaster answers no kind request: the stop goes on to the next step. */
static void test_stop_of_a_hanging_server(void **state) {
  Error err = ERROR_INIT;
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  assert_int_equal(kill(process.pid, SIGSTOP), 0);
  require(compute_stop(&site.spec, &process, STOP_FAST, 300, &err), &err);
  assert_int_equal(process_start_time(process.pid), 0);
  assert_int_equal(find().pid, 0);
}

/* The lock on the data directory keeps a second server out even where postmaster.pid is lost. */
static void test_no_second_server(void **state) {
  Error err = ERROR_INIT;
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  bool held = false;
  require(server_holds(site.data, &held, &err), &err);
  assert_true(held);
  ServerPrepare prepare = {.data = site.data, .confinement = {0}};
  const char *const argv[] = {"/bin/true", NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  options.prepare = server_prepare;
  options.context = &prepare;
  require(process_run(argv, &options, &result, &err), &err);
  assert_int_equal(result.status, 126);
  assert_non_null(strstr(result.output, "another server runs on"));
  assert_int_equal(find().pid, process.pid);
}

/* A pid in the file that is some other process now. */
static void test_stale_pid_of_a_stranger(void **state) {
  AUTO(str_free) char *path = path_join(site.data, "postmaster.pid");
  AUTO(str_free)
  char *text = str_format("%d\n%s\n1\n5432\n%s\n\n", (int)getpid(), site.data, site.sockets);
  Error err = ERROR_INIT;
  require(io_write_file(path, text, strlen(text), 0600, &err), &err);
  assert_int_equal(find().pid, 0);
  (void)start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  assert_true(conn_is_alive(conn));
}

static void test_first_start_and_configure(void **state) {
  ComputeSpec first = site.spec;
  Error err = ERROR_INIT;
  first.first_start = true;
  first.preload = "pg_stat_statements";
  (void)start(&first);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  expect(conn, "SHOW autovacuum", "off");
  expect(conn, "SHOW shared_preload_libraries", "");
  expect(conn, "SHOW max_logical_replication_workers", "0");
  first.first_start = false;
  require(compute_configure(&site.home, &first, &err), &err);
  AUTO(str_free) char *value = NULL;
  for (int64_t end = clock_monotonic_ms() + READY_MS;
       !str_equal(value, "on") && clock_monotonic_ms() < end; clock_sleep_ms(20)) {
    str_free(value);
    value = query(conn, "SHOW autovacuum");
  }
  assert_string_equal(value, "on");
}

/* What a socket belongs to decides: a living server of another volume keeps it. */
static void test_socket_of_another_server(void **state) {
  Error err = ERROR_INIT;
  (void)start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  assert_false(leftovers_clear_socket(site.sockets, &err));
  assert_int_equal(err.code, ERROR_BRANCH_BUSY);
  assert_true(has_file(site.sockets, ".s.PGSQL.5432"));
}

static void refuse(Conn *conn, const char *sql, const char *message) {
  Error err = ERROR_INIT;
  if (conn_exec(conn, sql, NULL, &err))
    fail_msg("allowed: %s", sql);
  if (strstr(err.message, message) == NULL)
    fail_msg("%s: %s", sql, err.message);
}

static void test_confined(void **state) {
  if (confine_level() == 0) {
    print_message("skipped: this kernel has no Landlock\n");
    skip();
  }
  Error err = ERROR_INIT;
  (void)start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  AUTO(str_free) char *read_file = str_format("SELECT pg_catalog.pg_read_file('%s')", site.secret);
  AUTO(str_free) char *copy_from = str_format("COPY pg_temp.t FROM '%s'", site.secret);
  AUTO(str_free) char *copy_to = str_format("COPY pg_temp.t TO '%s/outside'", site.root);
  AUTO(str_free) char *overwrite = str_format("COPY pg_temp.t TO '%s/pg_hba.conf'", site.directory);
  AUTO(str_free) char *list = str_format("SELECT pg_catalog.pg_ls_dir('%s')", site.root);
  AUTO(str_free) char *own = str_format("COPY pg_temp.t TO '%s/inside'", site.data);
  AUTO(str_free) char *result = path_join(site.data, "inside");
  expect(conn, "CREATE TEMPORARY TABLE t (x text)", "");
  refuse(conn, read_file, "Permission denied");
  refuse(conn, copy_from, "Permission denied");
  refuse(conn, copy_to, "Permission denied");
  refuse(conn, overwrite, "Permission denied");
  refuse(conn, list, "Permission denied");
  refuse(conn, "COPY pg_temp.t FROM PROGRAM 'echo x'", "could not execute command");
  refuse(conn, "COPY pg_temp.t TO PROGRAM 'cat'", "could not execute command");
  refuse(conn, "SELECT pg_catalog.pg_read_file('/proc/self/environ')", "Permission denied");
  expect(conn, own, "");
  require(io_remove_file(result, &err), &err);
  expect(conn, "SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_timezone_names", "t");
  expect(conn, "CREATE EXTENSION pg_trgm", "");
  expect(conn, "DROP EXTENSION pg_trgm", "");
}

/* Parallel queries and temporary files work inside the confinement. */
static void test_confined_work(void **state) {
  (void)start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  expect(conn,
         "CREATE TABLE public.many AS SELECT g, pg_catalog.md5(g::pg_catalog.text) AS h FROM "
         "pg_catalog.generate_series(1, 200000) g",
         "");
  expect(conn,
         "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET "
         "min_parallel_table_scan_size = 0; SET work_mem = '64kB'; SET force_parallel_mode = on; "
         "SELECT pg_catalog.count(DISTINCT h) FROM public.many",
         "200000");
  expect(conn, "DROP TABLE public.many", "");
}

static void test_single(void **state) {
  AUTO(str_free) char *output = NULL;
  AUTO(str_free) char *ignored = NULL;
  Error err = ERROR_INIT;
  require(compute_single(&site.home, &site.spec, "postgres",
                         "CREATE TABLE public.lone (x text);\n\nINSERT INTO public.lone VALUES "
                         "('ERROR:  not really');\n\nSELECT x FROM public.lone;\n\n",
                         &output, &err),
          &err);
  assert_non_null(strstr(output, "ERROR:  not really"));
  assert_false(compute_single(&site.home, &site.spec, "postgres",
                              "SELECT 1/0;\n\nDROP TABLE public.lone;\n\n", &ignored, &err));
  assert_int_equal(err.code, ERROR_SQL);
  assert_string_equal(err.message, "division by zero");
  error_clear(&err);
  assert_false(compute_single(&site.home, &site.spec, "missing", "SELECT 1;\n\n", &ignored, &err));
  assert_int_equal(err.code, ERROR_SQL);
  error_clear(&err);
  (void)start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  expect(conn, "SELECT pg_catalog.count(*) FROM public.lone",
         "1"); /* nothing after the error ran */
  expect(conn, "DROP TABLE public.lone", "");
  assert_false(compute_single(&site.home, &site.spec, "postgres", "SELECT 1;\n\n", &ignored, &err));
  assert_int_equal(err.code, ERROR_BRANCH_BUSY);
}

static void test_check_stopped(void **state) {
  Error err = ERROR_INIT;
  require(compute_check_stopped(site.data, &err), &err);
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  assert_false(compute_check_stopped(site.data, &err));
  assert_int_equal(err.code, ERROR_BRANCH_BUSY);
  assert_int_equal(find().pid, process.pid);
}

static void test_log(void **state) {
  Error err = ERROR_INIT;
  (void)start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  expect(conn, "DO $$ BEGIN RAISE LOG 'marker one \xc3\xa4'; END $$", "");
  AUTO(str_free) char *tail = compute_log_tail(site.directory, 4096);
  assert_non_null(strstr(tail, "marker one \xc3\xa4"));
  require(compute_log_rotate(site.directory, 1 << 20, &err), &err);
  assert_false(has_file(site.directory, "postgres.log.1"));
  require(compute_log_rotate(site.directory, 10, &err), &err);
  assert_true(has_file(site.directory, "postgres.log.1"));
  expect(conn, "DO $$ BEGIN RAISE LOG 'marker two'; END $$", "");
  AUTO(str_free) char *after = compute_log_tail(site.directory, 4096);
  assert_non_null(strstr(after, "marker two"));
  assert_null(strstr(after, "marker one"));
  AUTO(str_free) char *none = compute_log_tail("/nowhere", 100);
  assert_string_equal(none, "");
}

static void test_start_that_fails(void **state) {
  Home broken = site.home;
  ComputeProcess process = {0};
  Error err = ERROR_INIT;
  broken.postgres_bin = (char *)"/nowhere";
  if (compute_start(&broken, &site.spec, &process, &err)) /* it was seen alive for a moment */
    require(process_wait_gone(process.pid, process.start_time, STOP_MS, &err), &err);
  AUTO(str_free) char *tail = compute_log_tail(site.directory, 300);
  assert_non_null(strstr(tail, "/nowhere"));
}

static void test_measure(void **state) {
  int64_t before = 0;
  int64_t after = 0;
  int64_t memory = 0;
  ComputeProcess process = start(&site.spec);
  AUTO(conn_free) Conn *conn = connect_to(site.sockets);
  compute_measure(&process, &before, &memory);
  assert_true(before >= 0);
  assert_true(memory > 1024 * 1024 && memory < 512LL * 1024 * 1024);
  AUTO(conn_free) Conn *writer = connect_to(site.sockets);
  expect(writer,
         "CREATE TABLE public.big AS SELECT pg_catalog.repeat('x', 1000) FROM "
         "pg_catalog.generate_series(1, 20000)",
         "");
  expect(writer, "DROP TABLE public.big", "");
  pid_t backend = backend_pid(writer);
  conn_free(STEAL(writer));
  for (int64_t end = clock_monotonic_ms() + READY_MS; kill(backend, 0) == 0;) {
    assert_true(clock_monotonic_ms() < end); /* until its parent has reaped it */
    clock_sleep_ms(5);
  }
  compute_measure(&process, &after, &memory); /* what an ended session wrote is still counted */
  assert_true(after - before > 10 * 1024 * 1024);
  ComputeProcess other = {.pid = process.pid, .start_time = process.start_time + 1};
  compute_measure(&other, &after, &memory);
  assert_int_equal(after, -1);
  assert_int_equal(memory, -1);
}

int main(void) {
  if (access("/usr/lib/postgresql/15/bin/postgres", X_OK) != 0 || !account_drop_root()) {
    (void)fprintf(stderr, "skipped: PostgreSQL 15 or the account nobody isn't here\n");
    return 77;
  }
#define SERVER_TEST(name)                                                                          \
  cmocka_unit_test_setup_teardown(name, stop_whatever_runs, stop_whatever_runs)
  const struct CMUnitTest tests[] = {
      SERVER_TEST(test_start_find_stop),
      SERVER_TEST(test_limits),
      SERVER_TEST(test_killed_with_orphan),
      SERVER_TEST(test_stop_clears_after_kill),
      SERVER_TEST(test_stop_of_a_hanging_server),
      SERVER_TEST(test_no_second_server),
      SERVER_TEST(test_stale_pid_of_a_stranger),
      SERVER_TEST(test_first_start_and_configure),
      SERVER_TEST(test_socket_of_another_server),
      SERVER_TEST(test_confined),
      SERVER_TEST(test_confined_work),
      SERVER_TEST(test_single),
      SERVER_TEST(test_check_stopped),
      SERVER_TEST(test_log),
      SERVER_TEST(test_start_that_fails),
      SERVER_TEST(test_measure),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
