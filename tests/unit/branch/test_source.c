/* Looking at a database to import: connection strings that are refused, and what is found out. */
#include "branch/source.c" /* the checks of its parts */

#include "core/io.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static Cluster *cluster;
static Home home = {.root = (char *)"/srv/bough", .run = (char *)"/srv/bough/run"};

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    return 0;
  }
  home.postgres_bin = (char *)cluster_programs();
  cluster = cluster_new(NULL);
  cluster_start(cluster, (const char *const[]){"wal_level=replica", NULL});
  cluster_exec(cluster, "postgres",
               "CREATE ROLE \"odd\"\"\\ one\" SUPERUSER; CREATE ROLE poor LOGIN");
  cluster_exec(cluster, "postgres", "CREATE DATABASE shop");
  cluster_exec(cluster, "shop", "CREATE EXTENSION hstore; CREATE TABLE secret (a int)");
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

static void refused(const char *conninfo, ErrorCode wanted) {
  AUTO(source_free) Source *source = NULL;
  Error err = ERROR_INIT;
  if (source_open(&home, conninfo, NULL, "tester", &source, &err))
    fail_msg("%s was taken", conninfo);
  if (err.code != wanted)
    fail_msg("%s: %s", conninfo, err.message);
}

static void what_could_deceive_the_server_is_refused(void **state) {
  refused("host='", ERROR_USAGE);
  refused("host=h password=geheim", ERROR_PASSWORD_IN_CONNINFO);
  refused("postgresql://u:geheim@h/d", ERROR_PASSWORD_IN_CONNINFO);
  refused("host=h passfile=/etc/shadow", ERROR_USAGE);
  refused("host=h sslkey=/etc/shadow", ERROR_USAGE);
  refused("host=h sslrootcert=/etc/shadow", ERROR_USAGE);
  refused("host=h service=x", ERROR_USAGE);
  refused("host=h requirepeer=x", ERROR_USAGE);
  refused("host=h replication=true", ERROR_USAGE);
  refused("host=/srv/bough/run/ep-x", ERROR_USAGE);
  refused("host=h,/srv/bough/run/ep-x", ERROR_USAGE);
  refused("host=@abstract", ERROR_USAGE);
  refused("host=/nowhere/at/all", ERROR_SOURCE_UNREACHABLE);
}

/* A link that leads to our sockets is no way around. */
static void links_to_our_sockets_are_refused(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(str_free) char *run = path_join(cluster->root, "run");
  AUTO(str_free) char *link = path_join(cluster->root, "link");
  AUTO(str_free) char *conninfo = str_format("host=%s", link);
  Home ours = {.root = cluster->root, .run = run, .postgres_bin = home.postgres_bin};
  assert_int_equal(mkdir(run, 0700), 0);
  assert_int_equal(symlink(run, link), 0);
  AUTO(source_free) Source *source = NULL;
  Error err = ERROR_INIT;
  assert_false(source_open(&ours, conninfo, NULL, "tester", &source, &err));
  assert_int_equal(err.code, ERROR_USAGE);
}

static Source *open_source(const char *user) {
  AUTO(str_free)
  char *conninfo = str_format("host=%s user=%s dbname=postgres", cluster->root, user);
  Source *source = NULL;
  Error err = ERROR_INIT;
  if (!source_open(&home, conninfo, NULL, "tester", &source, &err))
    fail_msg("%s", err.message);
  return source;
}

static void a_source_is_known(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(source_free) Source *source = open_source("postgres");
  AUTO(str_free) char *superusers = source_superusers(source);
  assert_string_equal(superusers, "{\"postgres\",\"odd\\\"\\\\ one\"}");
  assert_true(source->size > 1000000);
  assert_string_equal(json_string_or(source->facts, "bootstrap", ""), "postgres");
}

static void connection_strings_are_quoted(void **state) {
  Source source = {.settings = json_pack("{s:s, s:s}", "host", "it's \\ here", "dbname", "x")};
  AUTO(str_free) char *given = source_conninfo(&source, NULL);
  AUTO(str_free) char *other = source_conninfo(&source, "a' user='b");
  AUTO(json_free) json_t *parsed = NULL;
  Error err = ERROR_INIT;
  assert_true(conninfo_parse(other, &parsed, &err));
  assert_string_equal(json_string_or(parsed, "host", ""), "it's \\ here");
  assert_string_equal(json_string_or(parsed, "dbname", ""), "a' user='b");
  assert_null(json_object_get(parsed, "user"));
  assert_non_null(strstr(given, "dbname='x'"));
  json_free(source.settings);
}

static void expect_obstacle(const Source *source, const char *wanted) {
  AUTO(str_free) char *obstacle = source_basebackup_obstacle(source);
  if (wanted == NULL ? obstacle != NULL : obstacle == NULL || strstr(obstacle, wanted) == NULL)
    fail_msg("\"%s\", not \"%s\"", obstacle != NULL ? obstacle : "none",
             wanted != NULL ? wanted : "none");
}

static void obstacles_to_a_base_backup_are_told(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(source_free) Source *source = open_source("postgres");
  expect_obstacle(source, NULL);
  (void)json_object_set_new(source->facts, "tablespaces", json_pack("[s]", "fast"));
  expect_obstacle(source, "tablespaces");
  (void)json_object_set_new(source->facts, "tablespaces", json_array());
  (void)json_object_set_new(source->facts, "max_wal_senders", json_integer(1));
  expect_obstacle(source, "max_wal_senders");
  (void)json_object_set_new(source->facts, "wal_level", json_string("minimal"));
  expect_obstacle(source, "wal_level");
  (void)json_object_set_new(source->facts, "version",
                            json_string("PostgreSQL 15.1 on riscv64-unknown-linux-gnu, compiled"));
  expect_obstacle(source, "machine");
  source->version = 140000;
  expect_obstacle(source, "14");
  AUTO(source_free) Source *poor = open_source("poor");
  expect_obstacle(poor, "REPLICATION");
}

static void another_sort_order_is_an_obstacle(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(source_free) Source *source = open_source("postgres");
  json_t *database = json_array_get(json_object_get(source->facts, "databases"), 0);
  (void)json_object_set_new(database, "collation_version", json_string("1.0"));
  expect_obstacle(source, "sorted");
  (void)json_object_set_new(database, "collation_version", json_null());
  (void)json_object_set_new(database, "collate", json_string("xx_XX.klingon"));
  expect_obstacle(source, "sorted");
}

static void expect_refused(const Source *source, SourceMethod method, ErrorCode wanted) {
  Error err = ERROR_INIT;
  if (source_check(&home, source, method, &err) != (wanted == ERROR_NONE))
    fail_msg("%s", err.message);
  if (err.code != wanted)
    fail_msg("%s", err.message);
}

static json_t *shop_of(const Source *source) {
  size_t at = 0;
  json_t *database = NULL;
  json_array_foreach(json_object_get(source->facts, "databases"), at, database) {
    if (str_equal(json_string_or(database, "name", ""), "shop"))
      return database;
  }
  return NULL;
}

static void what_is_missing_here_is_found_before(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(source_free) Source *source = open_source("postgres");
  expect_refused(source, SOURCE_BASEBACKUP, ERROR_NONE);
  expect_refused(source, SOURCE_DUMP, ERROR_NONE);
  json_t *shop = shop_of(source);
  assert_true(json_array_size(json_object_get(shop, "libraries")) > 0); /* hstore's */
  (void)json_array_append_new(json_object_get(shop, "libraries"),
                              json_string("$libdir/no_such_thing"));
  expect_refused(source, SOURCE_BASEBACKUP, ERROR_EXTENSION_MISSING);
  expect_refused(source, SOURCE_DUMP, ERROR_NONE);
  (void)json_array_append_new(json_object_get(shop, "extensions"),
                              json_pack("{s:s, s:s}", "name", "no_such", "schema", "public"));
  expect_refused(source, SOURCE_DUMP, ERROR_EXTENSION_MISSING);
}

static void what_cant_be_read_is_found_before(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(source_free) Source *poor = open_source("poor");
  expect_refused(poor, SOURCE_DUMP, ERROR_SOURCE_UNSUPPORTED);
}

static void our_names_are_refused(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(source_free) Source *source = open_source("postgres");
  (void)json_array_append_new(json_object_get(source->facts, "roles"),
                              json_pack("{s:s, s:b}", "name", "bough_owner", "super", 0));
  expect_refused(source, SOURCE_BASEBACKUP, ERROR_SOURCE_UNSUPPORTED);
  expect_refused(source, SOURCE_DUMP, ERROR_SOURCE_UNSUPPORTED);
  (void)json_object_set_new(source->facts, "bootstrap",
                            json_string(PLATFORM_ROLE)); /* one of ours */
  expect_refused(source, SOURCE_BASEBACKUP, ERROR_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_could_deceive_the_server_is_refused),
      cmocka_unit_test(links_to_our_sockets_are_refused),
      cmocka_unit_test(a_source_is_known),
      cmocka_unit_test(connection_strings_are_quoted),
      cmocka_unit_test(obstacles_to_a_base_backup_are_told),
      cmocka_unit_test(another_sort_order_is_an_obstacle),
      cmocka_unit_test(what_is_missing_here_is_found_before),
      cmocka_unit_test(what_cant_be_read_is_found_before),
      cmocka_unit_test(our_names_are_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
