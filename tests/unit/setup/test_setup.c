/* Set-up in throw-away directories: owners and modes, settings, half-made pools, systemd units. */
#include "setup/setup.h"

#include "core/io.h"
#include "core/process.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { OTHER_CONTROL = 54321, OTHER_COMPUTE = 54322 };

/* setup_say of main.c: tests need no progress. */
void setup_say(const Setup *setup, const char *format, ...) {
}

typedef struct Fixture {
  char directory[64];
  Setup setup;
} Fixture;

static void fixture_init(Fixture *fixture, bool system_mode) {
  *fixture = (Fixture){.directory = "/tmp/bough-setup-XXXXXX"};
  assert_non_null(mkdtemp(fixture->directory));
  assert_int_equal(chmod(fixture->directory, 0755), 0);
  Setup *setup = &fixture->setup;
  *setup = (Setup){.system_mode = system_mode, .options = {.http_port = -1, .quiet = true}};
  setup->root = path_join(fixture->directory, "home");
  setup->run = path_join(setup->root, "run");
  setup->config = json_object();
  setup->notes = json_array();
  Account own = {.name = "own", .uid = geteuid(), .gid = getegid()};
  setup->control = setup->compute = setup->command = own;
  if (system_mode) {
    setup->control = (Account){"control", OTHER_CONTROL, OTHER_CONTROL};
    setup->compute = (Account){"compute", OTHER_COMPUTE, OTHER_COMPUTE};
  }
}

static void fixture_release(Fixture *fixture) {
  Setup *setup = &fixture->setup;
  AUTO(str_free) char *pool = path_join(setup->root, "pool");
  (void)umount2(pool, MNT_DETACH);
  str_free(setup->root);
  str_free(setup->run);
  json_free(setup->config);
  json_free(setup->notes);
  (void)!io_remove_tree(fixture->directory, NULL);
}

static void need_root(void) {
  if (geteuid() != 0) {
    print_message("[  SKIPPED ] needs root\n");
    skip();
  }
}

static void check_entry(const Setup *setup, const char *name, uid_t uid, gid_t gid, mode_t mode) {
  AUTO(str_free) char *path = path_join(setup->root, name);
  struct stat status;
  assert_int_equal(lstat(path, &status), 0);
  if (status.st_uid != uid || status.st_gid != gid || (status.st_mode & 07777) != mode)
    fail_msg("%s: %u:%u %o", name, status.st_uid, status.st_gid, status.st_mode & 07777);
}

/* Layout
 * -------------------------------------------------------------------------------------------- */

static void test_owners_and_modes_under_root(void **state) {
  need_root();
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, true);
  Setup *setup = &fixture.setup;
  assert_true(setup_layout(setup, &err));
  AUTO(str_free) char *agent = path_join(setup->root, "agent");
  assert_int_equal(chmod(agent, 0777), 0);
  assert_true(setup_layout(setup, &err)); /* puts right what was changed */
  check_entry(setup, "", 0, OTHER_CONTROL, 01775);
  check_entry(setup, "logs", 0, OTHER_CONTROL, 01775);
  check_entry(setup, "agent", OTHER_COMPUTE, OTHER_COMPUTE, 0750);
  check_entry(setup, "run", OTHER_COMPUTE, OTHER_COMPUTE, 0750);
  check_entry(setup, "run/catalog", OTHER_CONTROL, OTHER_CONTROL, 0700);
  check_entry(setup, "wal", OTHER_COMPUTE, OTHER_COMPUTE, 0700);
  check_entry(setup, "compute", OTHER_COMPUTE, OTHER_COMPUTE, 0700);
  check_entry(setup, "locks", OTHER_CONTROL, OTHER_CONTROL, 0700);
  check_entry(setup, "spool", OTHER_CONTROL, OTHER_CONTROL, 0700);
}

static void test_user_mode_keeps_others_out(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  assert_true(setup_layout(&fixture.setup, &err));
  check_entry(&fixture.setup, "run", geteuid(), getegid(), 0700);
  check_entry(&fixture.setup, "locks", geteuid(), getegid(), 0700);
}

static void test_a_link_is_not_followed(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  Setup *setup = &fixture.setup;
  AUTO(str_free) char *victim = path_join(fixture.directory, "victim");
  AUTO(str_free) char *link = path_join(setup->root, "locks");
  assert_int_equal(mkdir(victim, 0755), 0);
  assert_int_equal(mkdir(setup->root, 0755), 0);
  assert_int_equal(symlink(victim, link), 0);
  assert_false(setup_layout(setup, &err));
  struct stat status;
  assert_int_equal(stat(victim, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0755);
}

static void test_a_place_that_accounts_can_not_enter_is_refused(void **state) {
  need_root();
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, true);
  assert_int_equal(chmod(fixture.directory, 0700), 0);
  assert_false(setup_layout(&fixture.setup, &err));
  assert_non_null(strstr(err.message, "can't enter"));
}

static void test_somebody_elses_run_directory_is_refused(void **state) {
  need_root();
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, true);
  Setup *setup = &fixture.setup;
  str_free(setup->run);
  setup->run = path_join(fixture.directory, "elsewhere");
  assert_int_equal(mkdir(setup->run, 0755), 0);
  assert_int_equal(chown(setup->run, 60000, 60000), 0);
  assert_false(setup_layout(setup, &err));
  assert_int_equal(err.code, ERROR_FORBIDDEN);
}

/* Settings
 * ------------------------------------------------------------------------------------------ */

static void test_settings_are_written_when_they_change(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  Setup *setup = &fixture.setup;
  (void)snprintf(setup->owner_name, sizeof setup->owner_name, "somebody");
  assert_true(setup_layout(setup, &err));
  config_describe(setup);
  config_set(setup, "postgres_bin", json_string("/usr/lib/postgresql/15/bin"));
  assert_true(setup->is_changed && config_save(setup, &err) && !setup->is_changed);

  AUTO(home_free) Home *home = NULL;
  assert_true(home_open(setup->root, &home, &err));
  assert_false(home->system_mode);
  assert_string_equal(home->owner_name, "somebody");

  json_free(setup->config);
  setup->config = NULL;
  assert_true(config_load(setup, &err));
  (void)snprintf(setup->owner_name, sizeof setup->owner_name, "another");
  config_describe(setup);
  assert_false(setup->is_changed); /* the first owner stays */
  setup->options.http_port = 6431;
  config_describe(setup);
  assert_true(setup->is_changed);
}

static void test_root_and_user_do_not_share_an_installation(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  Setup *setup = &fixture.setup;
  assert_true(setup_layout(setup, &err));
  config_describe(setup);
  assert_true(config_save(setup, &err));
  json_free(setup->config);
  setup->config = NULL;
  setup->system_mode = true;
  assert_false(config_load(setup, &err));
  assert_int_equal(err.code, ERROR_FORBIDDEN);
}

/* PostgreSQL
 * ---------------------------------------------------------------------------------------- */

static void write_program(const char *directory, const char *name, const char *text) {
  AUTO(str_free) char *path = path_join(directory, name);
  assert_true(io_write_file(path, text, strlen(text), 0755, NULL));
}

static void test_postgres_is_what_it_says(void **state) {
  static const struct {
    const char *version;
    ErrorCode code;
  } cases[] = {{"postgres (PostgreSQL) 15.20 (Debian)", ERROR_NONE},
               {"postgres (PostgreSQL) 12.1", ERROR_UNSUPPORTED},
               {"postgres (PostgreSQL) 18.0", ERROR_UNSUPPORTED},
               {"something else", ERROR_UNSUPPORTED}};
  static const char *const others[] = {"initdb", "psql", "pg_dump", "pg_basebackup"};
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    AUTO_RELEASE(fixture_release) Fixture fixture;
    Error err = ERROR_INIT;
    fixture_init(&fixture, false);
    AUTO(str_free) char *text = str_format("#!/bin/sh\necho '%s'\n", cases[at].version);
    write_program(fixture.directory, "postgres", text);
    for (size_t other = 0; other < ARRAY_LENGTH(others); other++)
      write_program(fixture.directory, others[other], "#!/bin/sh\n");
    fixture.setup.options.postgres = fixture.directory;
    if (setup_postgres(&fixture.setup, &err) != (cases[at].code == ERROR_NONE) ||
        err.code != cases[at].code)
      fail_msg("%s: %s", cases[at].version, err.message);
  }
}

static void test_an_incomplete_postgres_is_refused(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  write_program(fixture.directory, "postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 15.20'\n");
  fixture.setup.options.postgres = fixture.directory;
  assert_false(setup_postgres(&fixture.setup, &err));
  assert_non_null(strstr(err.message, "there is no initdb"));
}

/* Pools
 * --------------------------------------------------------------------------------------------- */

static void private_mounts(void) {
  need_root();
  assert_int_equal(unshare(CLONE_NEWNS), 0);
  assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void test_a_killed_set_up_is_cleared_away(void **state) {
  private_mounts();
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, true);
  Setup *setup = &fixture.setup;
  setup->options.pool_size = 256 << 20;
  assert_true(setup_layout(setup, &err));
  config_describe(setup);
  AUTO(str_free) char *image = path_join(setup->root, "pool.img");
  AUTO(str_free) char *intent = path_join(setup->root, "pool.making");
  AUTO(str_free) char *note = str_format("{\"kind\":\"image\",\"path\":\"%s\"}", image);
  assert_true(io_write_file(intent, note, strlen(note), 0600, NULL));
  assert_true(io_write_file(image, "half", 4, 0600, NULL));
  if (!setup_pool_make(setup, &err))
    fail_msg("%s", err.message);
  assert_false(io_exists(intent));
  const json_t *pool = json_object_get(setup->config, "pool");
  assert_string_equal(json_string_or(pool, "driver", ""), "btrfs");
  assert_string_equal(json_string_or(pool, "source", ""), image);
  assert_true(setup_pool_mount(setup, &err)); /* mounted already */
  AUTO(str_free) char *mount_point = path_join(setup->root, "pool");
  assert_int_equal(umount2(mount_point, 0), 0);
  assert_true(setup_pool_mount(setup, &err)); /* as after a reboot */
}

static void test_an_image_that_is_not_ours_stays(void **state) {
  private_mounts();
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, true);
  Setup *setup = &fixture.setup;
  assert_true(setup_layout(setup, &err));
  AUTO(str_free) char *image = path_join(setup->root, "pool.img");
  assert_true(io_write_file(image, "precious", 8, 0600, NULL));
  setup->options.pool_size = 256 << 20;
  for (int attempt = 0; attempt < 2; attempt++) {
    assert_false(setup_pool_make(setup, &err));
    assert_int_equal(err.code, ERROR_POOL_EXISTS);
    AUTO(str_free) char *text = NULL;
    assert_true(io_read_file(image, 100, &text, NULL, NULL));
    assert_string_equal(text, "precious");
  }
}

static void test_a_user_gets_a_directory(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  Setup *setup = &fixture.setup;
  assert_true(setup_layout(setup, &err));
  config_describe(setup);
  if (!setup_pool_make(setup, &err))
    fail_msg("%s", err.message);
  const json_t *pool = json_object_get(setup->config, "pool");
  assert_string_equal(json_string_or(pool, "kind", ""), "path");
  assert_true(setup_pool_mount(setup, &err));
}

/* Units
 * --------------------------------------------------------------------------------------------- */

static void write_units(Fixture *fixture) {
  Setup *setup = &fixture->setup;
  Error err = ERROR_INIT;
  setup->control = setup->compute = setup->command = (Account){.name = "daemon"};
  config_set(setup, "pool",
             json_pack("{s:s, s:s, s:s}", "kind", "image", "path", "/var/lib/bough/pool", "source",
                       "/var/lib/bough/pool.img"));
  if (!units_install(setup, fixture->directory, &err))
    fail_msg("%s", err.message);
}

static void test_units_are_written(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  fixture_init(&fixture, false);
  write_units(&fixture);
  AUTO(str_free) char *path = path_join(fixture.directory, "boughd.service");
  AUTO(str_free) char *text = NULL;
  assert_true(io_read_file(path, 65536, &text, NULL, NULL));
  assert_null(strchr(text, '@'));
  assert_non_null(strstr(text, "\nKillMode=process\n"));
  assert_non_null(strstr(text, "\nRestart=on-failure\n"));
  assert_non_null(strstr(text, "/src/daemon/boughd --home /tmp/bough-setup-"));
}

static void verify(const char *directory) {
  AUTO(str_free) char *agent = path_join(directory, "bough-agent.service");
  AUTO(str_free) char *runner = path_join(directory, "bough-runner.service");
  AUTO(str_free) char *daemon = path_join(directory, "boughd.service");
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  options.timeout_ms = 60000;
  const char *argv[] = {"systemd-analyze", "verify", "--man=no", agent, runner, daemon, NULL};
  if (!process_run(argv, &options, &result, &err))
    fail_msg("%s", err.message);
  if (result.status != 0 || strstr(result.output, directory) != NULL)
    fail_msg("status %d: %s", result.status, result.output);
}

static void test_systemd_takes_the_units(void **state) {
  if (access("/usr/bin/systemd-analyze", X_OK) != 0) {
    print_message("[  SKIPPED ] systemd-analyze is not installed: the units are not verified\n");
    skip();
  }
  AUTO_RELEASE(fixture_release) Fixture fixture;
  fixture_init(&fixture, false);
  write_units(&fixture);
  verify(fixture.directory);
}

static void test_a_unit_can_not_hold_any_path(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture;
  Error err = ERROR_INIT;
  fixture_init(&fixture, false);
  Setup *setup = &fixture.setup;
  str_free(setup->root);
  setup->root = str_dup("/tmp/x\nExecStart=/bin/sh");
  config_set(setup, "pool",
             json_pack("{s:s, s:s, s:s}", "kind", "path", "path", "/x", "source", "/x"));
  assert_false(units_install(setup, fixture.directory, &err));
  assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_owners_and_modes_under_root),
      cmocka_unit_test(test_user_mode_keeps_others_out),
      cmocka_unit_test(test_a_link_is_not_followed),
      cmocka_unit_test(test_a_place_that_accounts_can_not_enter_is_refused),
      cmocka_unit_test(test_somebody_elses_run_directory_is_refused),
      cmocka_unit_test(test_settings_are_written_when_they_change),
      cmocka_unit_test(test_root_and_user_do_not_share_an_installation),
      cmocka_unit_test(test_postgres_is_what_it_says),
      cmocka_unit_test(test_an_incomplete_postgres_is_refused),
      cmocka_unit_test(test_a_user_gets_a_directory),
      cmocka_unit_test(test_units_are_written),
      cmocka_unit_test(test_systemd_takes_the_units),
      cmocka_unit_test(test_a_unit_can_not_hold_any_path),
      /* last: with mounts of its own a process in a chroot doesn't find its program any more */
      cmocka_unit_test(test_a_killed_set_up_is_cleared_away),
      cmocka_unit_test(test_an_image_that_is_not_ours_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
