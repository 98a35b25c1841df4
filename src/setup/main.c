/* bough-setup: `up`, `down` and `pool-create`, run by bough. Progress goes to stderr, one JSON
 * object with the result to stdout. */
#include "setup/setup.h"

#include "core/io.h"
#include "core/lock.h"
#include "core/size.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCK_TIMEOUT_MS = 180 * 1000 };

/* The command line
 * ---------------------------------------------------------------------------------- */

typedef enum OptionKind { TEXT, BYTES, PORT, SWITCH } OptionKind;

static const struct OptionRow {
  const char *name;
  OptionKind kind;
  size_t offset;
} option_rows[] = {
    {"postgres", TEXT, offsetof(SetupOptions, postgres)},
    {"path", TEXT, offsetof(SetupOptions, path)},
    {"device", TEXT, offsetof(SetupOptions, device)},
    {"image", TEXT, offsetof(SetupOptions, image)},
    {"size", BYTES, offsetof(SetupOptions, size)},
    {"pool-size", BYTES, offsetof(SetupOptions, pool_size)},
    {"http-port", PORT, offsetof(SetupOptions, http_port)},
    {"port", PORT, offsetof(SetupOptions, port)},
    {"quota", SWITCH, offsetof(SetupOptions, quota)},
    {"keep-computes", SWITCH, offsetof(SetupOptions, keep_computes)},
    {"quiet", SWITCH, offsetof(SetupOptions, quiet)},
};

static bool set_option(SetupOptions *options, const struct OptionRow *row, const char *value,
                       Error *err) {
  char *field = (char *)options + row->offset;
  int64_t port = 0;
  switch (row->kind) {
  case TEXT:
    *(const char **)(void *)field = value;
    return true;
  case BYTES:
    return size_parse(value, (int64_t *)(void *)field, err);
  case PORT:
    if (!str_equal(value, "0") && (!size_parse(value, &port, NULL) || port > 65535))
      return error_set(err, ERROR_USAGE, "--%s \"%.80s\" is no port", row->name, value);
    *(int *)(void *)field = (int)port;
    return true;
  case SWITCH:
    *(bool *)(void *)field = true;
    return true;
  }
  return false;
}

static bool parse_options(int argc, char **argv, SetupOptions *ret, Error *err) {
  struct option options[ARRAY_LENGTH(option_rows) + 1] = {0};
  for (size_t at = 0; at < ARRAY_LENGTH(option_rows); at++)
    options[at] =
        (struct option){.name = option_rows[at].name,
                        .has_arg = option_rows[at].kind == SWITCH ? no_argument : required_argument,
                        .val = (int)at};
  *ret = (SetupOptions){.http_port = -1, .port = -1};
  opterr = 0;
  for (int at; (at = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (at == '?')
      return error_set(err, ERROR_USAGE, "unknown flag %.80s", argv[optind - 1]);
    if (!set_option(ret, &option_rows[at], optarg, err))
      return false;
  }
  return true;
}

/* Steps
 * --------------------------------------------------------------------------------------------- */

void setup_say(const Setup *setup, const char *format, ...) {
  if (setup->options.quiet)
    return;
  char text[512];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  (void)fprintf(stderr, "bough: %s\n", text);
}

PRINTF(2, 3) static void add_note(Setup *setup, const char *format, ...) {
  char text[1200];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  json_t *note = json_string(text); /* NULL when it isn't UTF-8 */
  (void)json_array_append_new(setup->notes,
                              note != NULL ? note : json_string("a note is unreadable"));
}

static bool lock_home(const Setup *setup, int *ret, Error *err) {
  AUTO(str_free) char *path = path_join(setup->root, "setup.lock");
  return lock_take(path, LOCK_EXCLUSIVE, LOCK_TIMEOUT_MS, ret, err) ||
         error_prefix(err, "another `bough up` or `bough down` is at work");
}

/* Everything but the pool; *ret_lock keeps others out until it is closed. */
static bool prepare(Setup *setup, int *ret_lock, Error *err) {
  if (!config_load(setup, err) || !setup_accounts(setup, err))
    return false;
  setup->run = home_run_directory(setup->root, setup->control.uid);
  json_free(STEAL(setup->config));
  if (!setup_layout(setup, err) || !lock_home(setup, ret_lock, err) || !config_load(setup, err))
    return false;
  config_describe(setup);
  return setup_postgres(setup, err);
}

static bool has_pool(const Setup *setup) {
  return json_is_object(json_object_get(setup->config, "pool"));
}

/* A pool that can't be mounted now keeps nothing else from starting: status and doctor tell of it,
 * and what needs it is refused. */
static void mount_pool(Setup *setup) {
  Error failure = ERROR_INIT;
  if (setup_pool_mount(setup, &failure))
    return;
  add_note(setup, "%s", failure.message);
  if (failure.hint[0] != '\0')
    add_note(setup, "%s", failure.hint);
}

static bool run_up(Setup *setup, json_t **ret, Error *err) {
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!prepare(setup, &lock, err))
    return false;
  bool was_running = service_boughd_runs(setup);
  bool had_pool = has_pool(setup);
  if (had_pool && setup->options.pool_size > 0)
    add_note(setup, "there is a pool already: --pool-size has no effect");
  if (had_pool)
    mount_pool(setup);
  else if (!setup_pool_make(setup, err))
    return false;
  if (was_running && setup->is_changed)
    add_note(setup, "new settings come into force after `bough down` and `bough up`");
  if (!config_save(setup, err) ||
      !(units_apply(setup) ? units_start(setup, err) : service_start(setup, err)))
    return false;
  *ret =
      json_pack("{s:s, s:s}", "home", setup->root, "mode", setup->system_mode ? "system" : "user");
  return true;
}

static bool run_pool_create(Setup *setup, json_t **ret, Error *err) {
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!prepare(setup, &lock, err))
    return false;
  if (has_pool(setup)) {
    const json_t *pool = json_object_get(setup->config, "pool");
    return error_set(err, ERROR_POOL_EXISTS, "there is a pool in \"%s\" already",
                     json_string_or(pool, "path", "?"));
  }
  if (!setup_pool_make(setup, err))
    return false;
  *ret = json_deep_copy(json_object_get(setup->config, "pool"));
  return true;
}

/* By its API, which stops the computes first; one that can't answer, by a signal. */
static bool stop_boughd(Setup *setup, Error *err) {
  Error unanswered = ERROR_INIT;
  bool was_stopped = false;
  if (shut_boughd_down(setup, &unanswered))
    return true;
  add_note(setup, "boughd did not answer (%s) and was ended by a signal: computes go on",
           unanswered.message);
  return service_stop_boughd(setup, &was_stopped, err);
}

static bool run_down(Setup *setup, json_t **ret, Error *err) {
  AUTO_RELEASE(fd_release) int lock = -1;
  bool had_agent = false;
  bool had_runner = false;
  AUTO(str_free) char *config = path_join(setup->root, "config.json");
  if (!io_exists(config)) {
    (void)error_set(err, ERROR_NOTHING_TO_DO, "there is no Bough in \"%s\"", setup->root);
    return error_hint(err, "run `bough up`, or set BOUGH_HOME");
  }
  if (!config_load(setup, err) || !lock_home(setup, &lock, err))
    return false;
  bool had_boughd = service_boughd_runs(setup);
  if (had_boughd && !stop_boughd(setup, err))
    return false;
  if ((units_apply(setup) && !units_stop(err)) || !service_stop_runner(setup, &had_runner, err) ||
      !service_stop_agent(setup, &had_agent, err))
    return false;
  if (!had_boughd && had_agent && !setup->options.keep_computes)
    add_note(setup,
             "boughd didn't run: computes that were left running go on; `bough up` finds them");
  *ret = json_pack("{s:b}", "stopped", had_boughd || had_agent);
  return true;
}

static const struct {
  const char *name;
  bool (*run)(Setup *setup, json_t **ret, Error *err);
} verbs[] = {{"up", run_up}, {"down", run_down}, {"pool-create", run_pool_create}};

/* --------------------------------------------------------------------------------------------------
 */

static void setup_release(Setup *setup) {
  str_free(setup->root);
  str_free(setup->run);
  json_free(setup->config);
  json_free(setup->notes);
}

static bool check_proc(Error *err) {
  if (io_exists("/proc/self/exe"))
    return true;
  (void)error_set(err, ERROR_UNSUPPORTED, "/proc is not mounted");
  return error_hint(err, "mount -t proc proc /proc");
}

static bool run(int argc, char **argv, json_t **ret, Error *err) {
  AUTO_RELEASE(setup_release)
  Setup setup = {.system_mode = geteuid() == 0, .notes = json_array()};
  const char *verb = argc > 1 ? argv[1] : "";
  if (!check_proc(err) || !parse_options(argc - 1, argv + 1, &setup.options, err))
    return false;
  (void)umask(0022);
  setup.root = home_default_root();
  for (size_t at = 0; at < ARRAY_LENGTH(verbs); at++) {
    if (!str_equal(verbs[at].name, verb))
      continue;
    if (!verbs[at].run(&setup, ret, err))
      return false;
    (void)json_object_set(*ret, "notes", setup.notes);
    return true;
  }
  return error_set(err, ERROR_USAGE, "bough-setup is run by bough; see `bough up --help`");
}

int main(int argc, char **argv) {
  Error err = ERROR_INIT;
  AUTO(json_free) json_t *result = NULL;
  bool ok = run(argc, argv, &result, &err);
  AUTO(json_free)
  json_t *answer = ok ? json_pack("{s:b, s:O}", "ok", 1, "result", result)
                      : json_pack("{s:b, s:o}", "ok", 0, "error", json_from_error(&err));
  AUTO(str_free) char *text = json_text(answer);
  (void)puts(text);
  return ok ? 0 : error_info(err.code)->exit_status;
}
