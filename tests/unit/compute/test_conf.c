/* The arguments and files of a compute. */
#include "compute/conf.h"

#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Home home = {
    .control = {.name = "bough"},
    .owner_name = "Jo \"n",
    .login_role = "bough_u_jo",
    .postgres_bin = (char *)"/usr/lib/postgresql/15/bin",
};

static ComputeSpec small_spec(void) {
  return (ComputeSpec){.data = "/pool/data",
                       .wal = "/wal",
                       .directory = "/compute/vol-a",
                       .socket_directory = "/run/with space, and comma/ep-a",
                       .size = size_class_find("small")};
}

static const Control plain = {.max_connections = 10, .wal_level = 1, .wal_segment_size = 16 << 20};

/* The value of a setting among the arguments, borrowed; NULL when it isn't there. */
static const char *argument(char **arguments, const char *name) {
  size_t length = strlen(name);
  for (size_t at = 0; arguments[at] != NULL; at++)
    if (str_starts(arguments[at], name) && arguments[at][length] == '=' &&
        str_equal(arguments[at - 1], "-c"))
      return arguments[at] + length + 1;
  return NULL;
}

static void test_what_must_hold(void **state) {
  ComputeSpec spec = small_spec();
  AUTO(conf_arguments_free) char **arguments = NULL;
  Error err = ERROR_INIT;
  assert_true(conf_arguments(&home, &spec, &plain, &arguments, &err));
  assert_string_equal(arguments[0], "/usr/lib/postgresql/15/bin/postgres");
  assert_string_equal(argument(arguments, "fsync"), "on");
  assert_string_equal(argument(arguments, "full_page_writes"), "on");
  assert_string_equal(argument(arguments, "wal_level"), "replica");
  assert_string_equal(argument(arguments, "listen_addresses"), "");
  assert_string_equal(argument(arguments, "unix_socket_directories"),
                      "\"/run/with space, and comma/ep-a\"");
  assert_string_equal(argument(arguments, "hba_file"), "/compute/vol-a/pg_hba.conf");
}

/* Recovery refuses less than the source had, and nobody wants less than the size class. */
static void test_floors(void **state) {
  ComputeSpec spec = small_spec();
  Control control = {.max_connections = 500,
                     .max_worker_processes = 20,
                     .max_wal_senders = 30,
                     .max_prepared_transactions = 7,
                     .max_locks_per_transaction = 128,
                     .wal_level = 2,
                     .wal_segment_size = 256 << 20};
  AUTO(conf_arguments_free) char **high = NULL;
  AUTO(conf_arguments_free) char **low = NULL;
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  assert_true(conf_arguments(&home, &spec, &control, &high, &err));
  assert_string_equal(argument(high, "max_connections"), "500");
  assert_string_equal(argument(high, "max_worker_processes"), "20");
  assert_string_equal(argument(high, "max_wal_senders"), "30");
  assert_string_equal(argument(high, "max_prepared_transactions"), "7");
  assert_string_equal(argument(high, "max_locks_per_transaction"), "128");
  assert_string_equal(argument(high, "wal_level"), "logical");
  assert_true(conf_arguments(&home, &spec, &plain, &low, &err));
  assert_string_equal(argument(low, "max_connections"), "100");
  assert_string_equal(argument(low, "max_worker_processes"), "8");
  assert_true(conf_settings_text(&spec, &control, &text, &err));
  assert_non_null(strstr(text, "min_wal_size = '512MB'"));
}

static void test_first_start(void **state) {
  ComputeSpec spec = small_spec();
  AUTO(conf_arguments_free) char **first = NULL;
  AUTO(conf_arguments_free) char **later = NULL;
  AUTO(str_free) char *first_text = NULL;
  AUTO(str_free) char *later_text = NULL;
  Error err = ERROR_INIT;
  spec.preload = "pgaudit, pg_stat_statements";
  assert_true(conf_arguments(&home, &spec, &plain, &later, &err));
  assert_true(conf_settings_text(&spec, &plain, &later_text, &err));
  spec.first_start = true;
  assert_true(conf_arguments(&home, &spec, &plain, &first, &err));
  assert_true(conf_settings_text(&spec, &plain, &first_text, &err));
  assert_string_equal(argument(first, "shared_preload_libraries"), "");
  assert_string_equal(argument(first, "max_logical_replication_workers"), "0");
  assert_non_null(strstr(first_text, "autovacuum = 'off'"));
  assert_string_equal(argument(later, "shared_preload_libraries"), "pgaudit, pg_stat_statements");
  assert_string_equal(argument(later, "max_logical_replication_workers"), "4");
  assert_non_null(strstr(later_text, "autovacuum = 'on'"));
}

static void test_preload_takes_names_only(void **state) {
  ComputeSpec spec = small_spec();
  char **arguments = NULL;
  Error err = ERROR_INIT;
  spec.preload = "/tmp/evil.so";
  assert_false(conf_arguments(&home, &spec, &plain, &arguments, &err));
  assert_int_equal(err.code, ERROR_USAGE);
}

static void test_given_settings(void **state) {
  AUTO(json_free)
  json_t *settings = json_pack("{s:s, s:s}", "work_mem", "7MB", "app.note", "it's a \\ path");
  ComputeSpec spec = small_spec();
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  spec.settings = settings;
  assert_true(conf_settings_text(&spec, &plain, &text, &err));
  const char *own = strstr(text, "work_mem = '4MB'");
  const char *given = strstr(text, "work_mem = '7MB'");
  assert_true(own != NULL && given > own); /* the later line counts */
  assert_non_null(strstr(text, "app.note = 'it''s a \\\\ path'\n"));
}

static void test_refused_settings(void **state) {
  static const char *const pairs[][2] = {
      {"fsync", "off"},
      {"FSync", "off"},
      {"hba_file", "/tmp/x"},
      {"work_mem", "1\nfsync='off'"},
      {"a b", "1"},
      {"", "1"},
      {"1a", "1"},
      {"x'y", "1"},
      {"shared_preload_libraries", "x"},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(pairs); at++) {
    AUTO(json_free) json_t *settings = json_pack("{s:s}", pairs[at][0], pairs[at][1]);
    ComputeSpec spec = small_spec();
    char *text = NULL;
    Error err = ERROR_INIT;
    spec.settings = settings;
    assert_false(conf_settings_text(&spec, &plain, &text, &err));
    assert_int_equal(err.code, ERROR_USAGE);
  }
}

static const ComputeSpec no_logins;

static void test_who_may_connect(void **state) {
  Home plain_home = home;
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  (void)snprintf(plain_home.owner_name, sizeof plain_home.owner_name, "jo # n");
  assert_true(conf_ident_text(&plain_home, &no_logins, &text, &err));
  assert_non_null(strstr(text, "bough \"bough\" \"bough_platform\"\n"));
  assert_non_null(strstr(text, "bough \"bough\" \"bough_import\"\n"));
  assert_non_null(strstr(text, "bough \"jo # n\" \"bough_u_jo\"\n"));
  assert_non_null(strstr(text, "bough \"root\" \"bough_u_jo\"\n"));
  assert_null(strstr(text, "\"root\" \"bough_platform\""));
  assert_string_equal(strchr(conf_hba_text(), '\n') + 1, "local all all peer map=bough\n");
}

/* A name that can't be written safely maps nobody. */
static void test_names_that_could_break_out(void **state) {
  static const char *const names[] = {"jo\"n", "/.*", "a\nb", "", "back\\slash"};
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++) {
    Home bad = home;
    char *text = NULL;
    Error err = ERROR_INIT;
    (void)snprintf(bad.owner_name, sizeof bad.owner_name, "%s", names[at]);
    assert_false(conf_ident_text(&bad, &no_logins, &text, &err));
    assert_int_equal(err.code, ERROR_INVALID_NAME);
  }
}

static void test_logins_of_principals(void **state) {
  static const char *const refused[] = {"bough_platform", "bough_owner", "postgres",
                                        "bough_u_\n",     "bough_u_\"",  ""};
  Error err = ERROR_INIT;
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *logins = json_pack("[s, s]", "bough_u_ann", "bough_u_jo");
  ComputeSpec spec = {.logins = logins};
  Home plain_home = home;
  (void)snprintf(plain_home.owner_name, sizeof plain_home.owner_name, "jo");
  assert_true(conf_ident_text(&plain_home, &spec, &text, &err));
  assert_non_null(strstr(text, "bough \"bough\" \"bough_u_ann\"\n"));
  assert_null(strstr(text, "\"root\" \"bough_u_ann\"")); /* by the proxy only */
  for (size_t at = 0; at < ARRAY_LENGTH(refused); at++) {
    AUTO(json_free) json_t *bad = json_pack("[s]", refused[at]);
    char *untouched = NULL;
    spec.logins = bad;
    assert_false(conf_ident_text(&plain_home, &spec, &untouched, &err));
    assert_int_equal(err.code, ERROR_INVALID_NAME);
  }
}

static void test_size_classes(void **state) {
  size_t count = 0;
  const SizeClass *list = size_class_list(&count);
  assert_true(count >= 3);
  for (size_t at = 0; at < count; at++)
    assert_ptr_equal(size_class_find(list[at].name), &list[at]);
  assert_null(size_class_find("gigantic"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_must_hold),
      cmocka_unit_test(test_floors),
      cmocka_unit_test(test_first_start),
      cmocka_unit_test(test_preload_takes_names_only),
      cmocka_unit_test(test_given_settings),
      cmocka_unit_test(test_refused_settings),
      cmocka_unit_test(test_who_may_connect),
      cmocka_unit_test(test_names_that_could_break_out),
      cmocka_unit_test(test_logins_of_principals),
      cmocka_unit_test(test_size_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
