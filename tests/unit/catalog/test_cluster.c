/* The catalog's own cluster: made, adopted, killed at every moment, and taken up again. */
#include "catalog/cluster.c" /* static functions */
#include "catalog/owner.c"

#include "harness/account.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

static char root[64];
static Home home;

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason == NULL && !account_drop_root())
    reason = "there is no account to run a server under";
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    exit(77);
  }
  return 0;
}

static int make_home(void **state) {
  (void)snprintf(root, sizeof root, "/tmp/bough-catalog-XXXXXX");
  if (mkdtemp(root) == NULL)
    return -1;
  home = (Home){.root = root,
                .run = path_join(root, "run"),
                .owner_uid = 1234,
                .owner_name = "Ann.Lee",
                .postgres_bin = str_dup(cluster_programs()),
                .config = json_object()};
  home.control.uid = home.compute.uid = geteuid();
  (void)snprintf(home.control.name, sizeof home.control.name, "%s", account_name());
  return 0;
}

static int remove_home(void **state) {
  Error err = ERROR_INIT;
  bool ok = catalog_cluster_stop(&home, &err) && io_remove_tree(root, &err);
  if (!ok)
    print_message("%s\n", err.message);
  str_free(home.run);
  str_free(home.postgres_bin);
  json_free(home.config);
  return ok ? 0 : -1;
}

static pid_t start(char **ret_conninfo) {
  Error err = ERROR_INIT;
  pid_t pid = -1;
  char *conninfo = NULL;
  if (!catalog_cluster_start(&home, &conninfo, &pid, &err))
    fail_msg("%s: %s (%s)", error_info(err.code)->code, err.message, err.hint);
  if (ret_conninfo != NULL)
    *ret_conninfo = STEAL(conninfo);
  str_free(conninfo);
  return pid;
}

static char *ask(const char *conninfo, const char *sql) {
  AUTO(conn_free) Conn *conn = NULL;
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  if (!conn_open_string(conninfo, 5000, &conn, &err) || !conn_exec(conn, sql, &rows, &err))
    fail_msg("%s", err.message);
  return str_dup(rows_count(rows) > 0 ? rows_get(rows, 0, 0) : "");
}

static void check_answer(const char *conninfo, const char *sql, const char *expected) {
  AUTO(str_free) char *answer = ask(conninfo, sql);
  assert_string_equal(answer, expected);
}

static void kill_and_wait(pid_t pid) {
  uint64_t start_time = process_start_time(pid);
  Error err = ERROR_INIT;
  assert_int_equal(kill(pid, SIGKILL), 0);
  assert_true(process_wait_gone(pid, start_time, 10000, &err));
}

static mode_t mode_of(const char *path) {
  struct stat entry;
  assert_int_equal(stat(path, &entry), 0);
  return entry.st_mode & 0777;
}

static void test_first_start(void **state) {
  AUTO(str_free) char *conninfo = NULL;
  pid_t pid = start(&conninfo);
  assert_true(pid > 1);
  check_answer(conninfo, "SHOW data_checksums", "on");
  check_answer(conninfo, "SHOW listen_addresses", "");
  check_answer(conninfo, "SELECT current_database() || ' ' || current_user",
               "system bough_catalog");
  check_answer(conninfo,
               "SELECT name || ' ' || os_uid || ' ' || is_platform FROM lakebase.principals",
               "ann-lee 1234 true");
  AUTO(str_free) char *data = home_path(&home, "catalog");
  AUTO(str_free) char *socket_directory = path_join(home.run, "catalog");
  assert_int_equal(mode_of(data), 0700);
  assert_int_equal(mode_of(socket_directory), 0700);
}

static void test_other_accounts_stay_out(void **state) {
  (void)snprintf(home.control.name, sizeof home.control.name, "somebody-else");
  Error err = ERROR_INIT;
  char *conninfo = NULL;
  pid_t pid = -1;
  assert_false(catalog_cluster_start(&home, &conninfo, &pid, &err));
  assert_non_null(strstr(err.message, "eer authentication failed"));
  (void)snprintf(home.control.name, sizeof home.control.name, "%s", account_name());
}

static void test_second_start_adopts(void **state) {
  AUTO(str_free) char *conninfo = NULL;
  pid_t first = start(&conninfo);
  check_answer(conninfo, "CREATE TABLE public.kept (); SELECT ''", "");
  pid_t second = start(NULL);
  assert_int_equal(first, second);
  check_answer(conninfo, "SELECT count(*) FROM lakebase.principals", "1");
}

static void test_killed_postmaster(void **state) {
  AUTO(str_free) char *conninfo = NULL;
  pid_t first = start(&conninfo);
  check_answer(conninfo,
               "INSERT INTO lakebase.identities VALUES (repeat('a', 64), 'kept')"
               " RETURNING content",
               "kept");
  kill_and_wait(first);
  pid_t second = start(NULL);
  assert_int_not_equal(first, second);
  check_answer(conninfo, "SELECT content FROM lakebase.identities", "kept");
}

/* After a reboot the number in postmaster.pid is some other process, often one of the same account.
 */
static void test_reused_pid(void **state) {
  AUTO(str_free) char *conninfo = NULL;
  kill_and_wait(start(&conninfo));
  pid_t other = fork();
  if (other == 0) { /* ends with the test, however that ends */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(60);
    (void)pause();
    _exit(0);
  }
  AUTO(str_free) char *path = home_path(&home, "catalog/postmaster.pid");
  AUTO(str_free) char *text = str_format("%d\n%s/catalog\n1\n5432\n", (int)other, root);
  Error err = ERROR_INIT;
  assert_true(io_write_file(path, text, strlen(text), 0600, &err));
  assert_true(start(NULL) != other);
  check_answer(conninfo, "SELECT 1", "1");
  assert_int_equal(kill(other, 0), 0); /* left alone */
  assert_int_equal(kill(other, SIGKILL), 0);
  assert_int_equal(waitpid(other, NULL, 0), other);
}

/* A backend that is busy outlives its postmaster, and PostgreSQL wouldn't start beside it. */
static void test_orphaned_backend(void **state) {
  AUTO(str_free) char *conninfo = NULL;
  pid_t postmaster = start(&conninfo);
  pid_t client = fork();
  if (client == 0) {
    AUTO(conn_free) Conn *conn = NULL;
    Error err = ERROR_INIT;
    bool ok =
        conn_open_string(conninfo, 5000, &conn, &err) &&
        conn_exec(conn, "DO $$BEGIN PERFORM pg_advisory_lock(1); LOOP END LOOP; END$$", NULL, &err);
    _exit(ok ? 0 : 1);
  }
  for (int tries = 0; tries < 1000; tries++) {
    AUTO(str_free)
    char *busy = ask(conninfo, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
    if (str_equal(busy, "1"))
      break;
    clock_sleep_ms(5);
  }
  kill_and_wait(postmaster);
  assert_true(start(NULL) != postmaster);
  check_answer(conninfo, "SELECT 1", "1");
  assert_int_equal(waitpid(client, NULL, 0), client);
}

static void test_rests_of_a_killed_first_start(void **state) {
  AUTO(str_free) char *unfinished = home_path(&home, "catalog.new-aaaaaaaaaaaa/base/1");
  AUTO(str_free) char *conninfo = NULL;
  Error err = ERROR_INIT;
  assert_true(io_make_directories(unfinished, 0700, &err));
  (void)start(&conninfo);
  AUTO(str_free) char *other = home_path(&home, "catalog.new-aaaaaaaaaaaa");
  assert_false(io_exists(other));
}

static void test_missing_database_and_owner(void **state) {
  AUTO(str_free) char *conninfo = NULL;
  (void)start(&conninfo);
  check_answer(conninfo, "DELETE FROM lakebase.principals", "");
  check_answer(conninfo,
               "INSERT INTO lakebase.principals (principal_id, name, type)"
               " VALUES ('pri-aaaaaaaaaaaa', 'ann-lee', 'human')",
               "");
  (void)start(NULL);
  check_answer(conninfo, "SELECT name FROM lakebase.principals WHERE is_platform", "u-1234");
  Place place = {0};
  place_init(&place, &home);
  AUTO(conn_free) Conn *conn = NULL;
  Error err = ERROR_INIT;
  assert_true(connect_once(&place, "postgres", &conn, &err));
  assert_true(conn_exec(conn, "DROP DATABASE system", NULL, &err));
  place_release(&place);
  (void)start(NULL);
  check_answer(conninfo, "SELECT name FROM lakebase.principals", "ann-lee");
}

/* kill -9 of whoever starts it, at ever later moments: before, during and after initdb, between the
 * rename and the first start, while waiting, while the schema is made. */
static void test_killed_at_every_moment(void **state) {
  static const int moments_ms[] = {1, 20, 80, 200, 400, 600, 800, 1000, 1200, 5, 40, 80, 120};
  for (size_t at = 0; at < ARRAY_LENGTH(moments_ms); at++) {
    pid_t child = fork();
    if (child == 0) {
      Error err = ERROR_INIT;
      char *conninfo = NULL;
      pid_t pid = 0;
      if (catalog_cluster_start(&home, &conninfo, &pid, &err))
        _exit(0);
      print_message("%s (%s)\n", err.message, err.hint);
      _exit(1);
    }
    clock_sleep_ms(moments_ms[at]);
    (void)kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  }
  AUTO(str_free) char *conninfo = NULL;
  (void)start(&conninfo);
  check_answer(conninfo, "SELECT count(*) FROM lakebase.principals", "1");
}

static void test_failure_shows_the_log(void **state) {
  kill_and_wait(start(NULL));
  AUTO(str_free) char *path = home_path(&home, "catalog/postgresql.auto.conf");
  static const char text[] = "shared_buffers = 'a lot'\n";
  Error err = ERROR_INIT;
  char *conninfo = NULL;
  pid_t pid = -1;
  assert_true(io_write_file(path, text, sizeof text - 1, 0600, &err));
  assert_false(catalog_cluster_start(&home, &conninfo, &pid, &err));
  assert_int_equal(err.code, ERROR_CATALOG_DOWN);
  assert_non_null(strstr(err.hint, "shared_buffers"));
}

static void test_stop(void **state) {
  Error err = ERROR_INIT;
  assert_true(catalog_cluster_stop(&home, &err)); /* there is none yet */
  pid_t pid = start(NULL);
  assert_true(catalog_cluster_stop(&home, &err));
  assert_int_equal(process_start_time(pid), 0);
  assert_true(catalog_cluster_stop(&home, &err));
}

static void test_comma_in_the_path(void **state) {
  Error err = ERROR_INIT;
  Place place = {.socket_directory = (char *)"/tmp/a,b/run/catalog"};
  assert_false(make_socket_directory(&home, &place, &err));
  assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

static void test_quotes_and_blanks_in_the_path(void **state) {
  Error err = ERROR_INIT;
  AUTO(str_free) char *inner = path_join(root, "it's a \"place\" \\");
  assert_true(io_make_directories(inner, 0700, &err));
  AUTO(str_free) char *run = path_join(inner, "run");
  Home other = home;
  other.root = inner;
  other.run = run;
  AUTO(str_free) char *conninfo = NULL;
  pid_t pid = -1;
  bool ok = catalog_cluster_start(&other, &conninfo, &pid, &err);
  Error stopped = ERROR_INIT;
  assert_true(catalog_cluster_stop(&other, &stopped));
  if (!ok)
    fail_msg("%s (%s)", err.message, err.hint);
}

static void test_external_catalog(void **state) {
  AUTO(str_free) char *own = NULL;
  AUTO(str_free) char *given = NULL;
  (void)start(&own);
  str_free(ask(own, "CREATE DATABASE outside"));
  AUTO(str_free) char *outside = str_format("%s dbname=outside", own);
  (void)json_object_set_new(home.config, "catalog", json_pack("{s:s}", "conninfo", outside));
  assert_int_equal(start(&given), 0);
  assert_string_equal(given, outside);
  check_answer(outside, "SELECT name FROM lakebase.principals", "ann-lee");
}

static void test_external_catalog_with_password(void **state) {
  (void)json_object_set_new(home.config, "catalog",
                            json_pack("{s:s}", "conninfo", "host=x password=hunter2"));
  Error err = ERROR_INIT;
  char *conninfo = NULL;
  pid_t pid = -1;
  assert_false(catalog_cluster_start(&home, &conninfo, &pid, &err));
  assert_int_equal(err.code, ERROR_PASSWORD_IN_CONNINFO);
  assert_null(strstr(err.message, "hunter2"));
}

static void test_principal_names(void **state) {
  static const struct {
    const char *account;
    const char *expected;
  } cases[] = {{"ann", "ann"}, {"Ann.Lee", "ann-lee"},      {"_apt", "u-apt"},      {"42", "u42"},
               {"", "u"},      {"\xc3\xa9mile", "u--mile"}, {"dom\\ann", "dom-ann"}};
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    char name[NAME_MAX_LENGTH + 1];
    principal_name(cases[at].account, name);
    assert_string_equal(name, cases[at].expected);
    assert_true(name_check("principal", name, NULL));
  }
  char name[NAME_MAX_LENGTH + 1];
  principal_name("0123456789012345678901234567890123456789012345678901234567890123456789", name);
  assert_int_equal(strlen(name), NAME_MAX_LENGTH);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_home, remove_home)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_first_start),
      TEST(test_other_accounts_stay_out),
      TEST(test_second_start_adopts),
      TEST(test_killed_postmaster),
      TEST(test_reused_pid),
      TEST(test_orphaned_backend),
      TEST(test_rests_of_a_killed_first_start),
      TEST(test_missing_database_and_owner),
      TEST(test_killed_at_every_moment),
      TEST(test_failure_shows_the_log),
      TEST(test_stop),
      TEST(test_comma_in_the_path),
      TEST(test_quotes_and_blanks_in_the_path),
      TEST(test_external_catalog),
      TEST(test_external_catalog_with_password),
      cmocka_unit_test(test_principal_names),
  };
  return cmocka_run_group_tests_name("cluster", tests, set_up, NULL);
}
