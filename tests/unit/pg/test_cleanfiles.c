/* The cleaning of copied data directories: every row of the table, links that lead elsewhere, and
 * servers that start on what is left. */
#include "pg/cleanfiles.c" /* for the table */

#include "core/process.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* root/data is to be cleaned; root/outside is somebody else's. */
typedef struct Fixture {
  char root[32];
  char *data, *outside, *secret;
} Fixture;

static int set_up(void **state) {
  Fixture *fixture = mem_new(1, sizeof *fixture);
  *state = fixture;
  Error err = ERROR_INIT;
  (void)snprintf(fixture->root, sizeof fixture->root, "/tmp/bough-test-XXXXXX");
  assert_non_null(mkdtemp(fixture->root));
  fixture->data = path_join(fixture->root, "data");
  fixture->outside = path_join(fixture->root, "outside");
  fixture->secret = path_join(fixture->outside, "file");
  assert_true(io_make_directories(fixture->data, 0700, &err));
  assert_true(io_make_directories(fixture->outside, 0700, &err));
  assert_true(io_write_file(fixture->secret, "x", 1, 0600, &err));
  return 0;
}

static int tear_down(void **state) {
  Fixture *fixture = *state;
  Error err = ERROR_INIT;
  bool removed = io_remove_tree(fixture->root, &err);
  str_free(fixture->data);
  str_free(fixture->outside);
  str_free(fixture->secret);
  mem_free(fixture);
  return removed ? 0 : -1;
}

static void write_file(const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  Error err = ERROR_INIT;
  assert_true(io_write_file(path, "x", 1, 0600, &err));
}

static void make_directory(const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  assert_int_equal(mkdir(path, 0700), 0);
}

static void make_link(const char *target, const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  assert_int_equal(symlink(target, path), 0);
}

/* Whether there is anything of that name, a link that leads nowhere too. */
static bool exists(const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  struct stat status;
  return lstat(path, &status) == 0;
}

static size_t count_entries(const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  AUTO_RELEASE(dir_release) DIR *stream = NULL;
  Error err = ERROR_INIT;
  assert_true(dir_open_at(AT_FDCWD, path, &stream, &err));
  assert_non_null(stream);
  size_t count = 0;
  for (const char *entry = ""; entry != NULL; count += entry != NULL)
    assert_true(dir_next(stream, &entry, &err));
  return count;
}

static void clean(const char *data) {
  Error err = ERROR_INIT;
  if (!clean_files(data, &err))
    fail_msg("%s", err.message);
}

/* A name that the row's pattern matches. */
static char *example_of(const Item *item) {
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  for (const char *at = item->pattern; *at != '\0'; at++)
    buffer_add(&name, *at == '*' ? "v" : at, 1);
  return buffer_steal(&name);
}

static void make_example(const Fixture *fixture, const Item *item, const char *name) {
  if (item->kind != ITEM_EMPTY && item->kind != ITEM_LINKS) {
    write_file(fixture->data, name);
    return;
  }
  AUTO(str_free) char *path = path_join(fixture->data, name);
  AUTO(str_free) char *below = path_join(path, "directory");
  make_directory(fixture->data, name);
  make_directory(path, "directory");
  make_link(fixture->outside, path, "link");
  write_file(below, "file");
}

static void test_every_row(void **state) {
  Fixture *fixture = *state;
  for (size_t at = 0; at < ARRAY_LENGTH(items); at++) {
    AUTO(str_free) char *name = example_of(&items[at]);
    make_example(fixture, &items[at], name);
    assert_ptr_equal(find_item(name), &items[at]); /* no earlier row takes its place */
  }
  clean(fixture->data);
  for (size_t at = 0; at < ARRAY_LENGTH(items); at++) {
    AUTO(str_free) char *name = example_of(&items[at]);
    ItemKind kind = items[at].kind;
    assert_int_equal(exists(fixture->data, name), kind != ITEM_REMOVE && kind != ITEM_FILE);
    if (kind == ITEM_EMPTY || kind == ITEM_LINKS)
      assert_int_equal(count_entries(fixture->data, name), kind == ITEM_LINKS ? 1 : 0);
  }
  assert_true(io_exists(fixture->secret));
  clean(fixture->data); /* again, with nothing to do */
}

/* What has to be gone, by name: a row that is lost from the table is missed here. */
static void test_what_must_not_leak(void **state) {
  Fixture *fixture = *state;
  static const char *const files[] = {
      "postmaster.pid",   "postmaster.opts",  "postgresql.auto.conf",
      "postgresql.conf",  "pg_hba.conf",      "pg_ident.conf",
      "standby.signal",   "recovery.signal",  "backup_label",
      "tablespace_map",   "backup_label.old", "server.key",
      "server.crt",       "root.crt",         "client.pem",
      "current_logfiles", ".pgpass",          ".psql_history",
      "core.1234",        "logfile",          "backup_manifest",
      "recovery.done"};
  static const char *const emptied[] = {
      "pg_replslot/slot",       "pg_stat/pgstat.stat", "pg_stat/pg_stat_statements.stat",
      "pg_stat_tmp/texts.stat", "log/postgresql.csv",  "pg_log/postgresql.log",
      "pg_dynshmem/mmap.1"};
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++)
    write_file(fixture->data, files[at]);
  Error err = ERROR_INIT;
  for (size_t at = 0; at < ARRAY_LENGTH(emptied); at++) {
    AUTO(str_free) char *directory = str_ndup(emptied[at], strcspn(emptied[at], "/"));
    AUTO(str_free) char *path = path_join(fixture->data, directory);
    assert_true(io_make_directories(path, 0700, &err));
    write_file(fixture->data, emptied[at]);
  }
  clean(fixture->data);
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++)
    assert_false(exists(fixture->data, files[at]));
  for (size_t at = 0; at < ARRAY_LENGTH(emptied); at++)
    assert_false(exists(fixture->data, emptied[at]));
}

static void test_data_stays(void **state) {
  Fixture *fixture = *state;
  static const char *const directories[] = {"base",         "global",        "pg_xact",
                                            "pg_multixact", "pg_twophase",   "pg_logical",
                                            "pg_subtrans",  "some_extension"};
  for (size_t at = 0; at < ARRAY_LENGTH(directories); at++) {
    make_directory(fixture->data, directories[at]);
    AUTO(str_free) char *path = path_join(fixture->data, directories[at]);
    write_file(path, "server.key"); /* the name means something at the top only */
  }
  write_file(fixture->data, "PG_VERSION");
  make_link("../wal", fixture->data, "pg_wal");
  clean(fixture->data);
  for (size_t at = 0; at < ARRAY_LENGTH(directories); at++)
    assert_int_equal(count_entries(fixture->data, directories[at]), 1);
  assert_true(exists(fixture->data, "PG_VERSION"));
  assert_true(exists(fixture->data, "pg_wal"));
}

/* Links are removed, and nothing behind them. */
static void test_links_are_not_followed(void **state) {
  Fixture *fixture = *state;
  static const char *const names[] = {"pg_replslot", "log", "pg_stat_tmp", "pg_tblspc"};
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    make_link(fixture->outside, fixture->data, names[at]);
  make_link(fixture->secret, fixture->data, "postgresql.auto.conf");
  clean(fixture->data);
  assert_true(io_exists(fixture->secret));
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    assert_int_equal(count_entries(fixture->data, names[at]), 0); /* a directory of its own now */
  assert_false(exists(fixture->data, "postgresql.auto.conf"));

  AUTO(str_free) char *link = path_join(fixture->root, "link");
  assert_int_equal(symlink(fixture->outside, link), 0);
  Error err = ERROR_INIT;
  assert_false(clean_files(link, &err));
  assert_true(io_exists(fixture->secret));
}

static void test_tablespaces(void **state) {
  Fixture *fixture = *state;
  bool found = true;
  Error err = ERROR_INIT;
  assert_true(clean_has_tablespaces(fixture->data, &found, &err));
  assert_false(found); /* not even the directory */
  make_directory(fixture->data, "pg_tblspc");
  AUTO(str_free) char *path = path_join(fixture->data, "pg_tblspc");
  make_directory(path, "16384"); /* in place */
  assert_true(clean_has_tablespaces(fixture->data, &found, &err));
  assert_false(found);
  make_link(fixture->outside, path, "16385");
  assert_true(clean_has_tablespaces(fixture->data, &found, &err));
  assert_true(found);
  assert_false(clean_has_tablespaces(fixture->secret, &found, &err));
}

static int64_t unlogged(const char *data, bool reset) {
  int64_t count = -1;
  Error err = ERROR_INIT;
  if (!clean_unlogged(data, reset, &count, &err))
    fail_msg("%s", err.message);
  return count;
}

static void test_unlogged_by_name(void **state) {
  Fixture *fixture = *state;
  make_directory(fixture->data, "base");
  AUTO(str_free) char *base = path_join(fixture->data, "base");
  AUTO(str_free) char *database = path_join(base, "5");
  make_directory(base, "5");
  static const struct {
    const char *name;
    bool stays;
  } rows[] = {{"16384_init", true},       {"16384", true},      {"16384.1", false},
              {"16384.12", false},        {"16384_fsm", false}, {"16384_vm", false},
              {"16384_fsm.1", false},     {"1638", true},       {"163840", true},
              {"16384x", true},           {"16384_foo", true},  {"16384.", true},
              {"16384.1x", true},         {"16385_vm", true},   {"t3_16384", true},
              {"99999999999_init", true}, {"PG_VERSION", true}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    write_file(database, rows[at].name);
  make_link(fixture->outside, base, "6"); /* a database that is none */
  write_file(fixture->outside, "7_init");
  assert_int_equal(unlogged(fixture->data, false), 1);
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    assert_true(exists(database, rows[at].name));
  assert_int_equal(unlogged(fixture->data, true), 1);
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (exists(database, rows[at].name) != rows[at].stays)
      fail_msg("%s", rows[at].name);
  assert_false(exists(fixture->outside, "7"));
  assert_int_equal(unlogged(fixture->data, true), 1);
}

static void require_cluster(void) {
  const char *reason = cluster_skip_reason();
  if (reason == NULL)
    return;
  print_message("skipped: %s\n", reason);
  skip();
}

static void assert_sql(Cluster *cluster, const char *sql, const char *expected) {
  AUTO(str_free) char *found = cluster_sql(cluster, "postgres", sql);
  assert_string_equal(found, expected);
}

/* A server's settings, as a compute would be given them: outside the data directory. */
static void start_on_own_settings(Cluster *cluster) {
  AUTO(str_free) char *conf = path_join(cluster->root, "own.conf");
  AUTO(str_free) char *hba = path_join(cluster->root, "own_hba.conf");
  Error err = ERROR_INIT;
  static const char rule[] = "local all all trust\n";
  assert_true(io_write_file(conf, "", 0, 0644, &err));
  assert_true(io_write_file(hba, rule, strlen(rule), 0644, &err));
  AUTO(str_free) char *config_file = str_format("config_file=%s", conf);
  AUTO(str_free) char *hba_file = str_format("hba_file=%s", hba);
  AUTO(str_free) char *ident_file = str_format("ident_file=%s", conf);
  const char *settings[] = {config_file, hba_file, ident_file, NULL};
  cluster_start(cluster, settings);
}

/* Unlogged relations of every kind on a cleanly stopped server, the slot and settings of a source.
 */
static void test_server_starts_cleaned(void **state) {
  require_cluster();
  AUTO(cluster_free) Cluster *cluster = cluster_new(NULL);
  cluster_start(cluster, NULL);
  assert_sql(cluster,
             "create table kept as select generate_series(1, 1000) as x;"
             "create unlogged table lost (id int generated always as identity primary key, t text);"
             "create index on lost using gin (string_to_array(t, ' '));"
             "insert into lost (t) select repeat('word ', x) from generate_series(1, 2000) x;"
             "select 1 from pg_create_physical_replication_slot('slot', true)",
             "1");
  assert_sql(cluster, "alter system set primary_conninfo = 'password=secret'", "");
  assert_sql(cluster, "vacuum lost", ""); /* makes the other forks */
  cluster_stop(cluster);
  int64_t count = unlogged(cluster->data, true);
  assert_true(count >= 5); /* table, two indexes, toast table and its index */
  clean(cluster->data);
  assert_false(exists(cluster->data, "postgresql.auto.conf"));
  cluster_take(cluster);
  start_on_own_settings(cluster);
  assert_sql(cluster, "select count(*) from kept", "1000");
  assert_sql(cluster, "select count(*) from lost", "0");
  assert_sql(cluster, "insert into lost (t) values ('a b') returning t", "a b");
  assert_sql(cluster, "set enable_seqscan = off; select count(*) from lost where id > 0", "1");
  assert_sql(cluster, "select count(*) from pg_replication_slots", "0");
  assert_sql(cluster, "show primary_conninfo", "");
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(test_every_row),
      FIXTURE_TEST(test_what_must_not_leak),
      FIXTURE_TEST(test_data_stays),
      FIXTURE_TEST(test_links_are_not_followed),
      FIXTURE_TEST(test_tablespaces),
      FIXTURE_TEST(test_unlogged_by_name),
      cmocka_unit_test(test_server_starts_cleaned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
