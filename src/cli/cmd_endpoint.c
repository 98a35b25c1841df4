/* bough endpoint ..., bough operation ..., bough url, bough psql */
#include "cli/connection.h"
#include "cli/handlers.h"
#include "cli/show.h"
#include "cli/words.h"
#include "core/home.h"
#include "core/io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The caller's password: the token that it came with, or one that the server makes for a caller
 * whom the kernel vouches for. Owned by the caller. */
bool connection_password(Cli *cli, char **ret, Error *err) {
  AUTO(str_free) char *token = NULL;
  AUTO(json_free) json_t *answer = NULL;
  const char *text = NULL;
  if (!cli_token(cli, &token, err))
    return false;
  if (token != NULL && str_starts(token, "bough_")) {
    *ret = STEAL(token);
    return true;
  }
  if (!cli_call(cli, "POST", "/v1/session-token", NULL, &answer, err) ||
      !json_get_string(answer, "token", &text, err))
    return false;
  *ret = str_dup(text);
  return true;
}

static bool get_url(Cli *cli, json_t **ret, Error *err) {
  Buffer path = {0};
  if (str_equal(cli->invocation.arguments[0], "system")) /* the catalog */
    return cli_call(cli, "GET", "/v1/system/url", NULL, ret, err);
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/branches/");
  url_add_encoded(&path, cli->invocation.arguments[0]);
  buffer_add_text(&path, "/url");
  AUTO(str_free) char *text = buffer_steal(&path);
  return cli_call(cli, "GET", text, NULL, ret, err);
}

/* "postgresql://jo@..." becomes "postgresql://jo:PASSWORD@...". */
static bool add_password(Cli *cli, json_t *answer, Error *err) {
  AUTO(str_free) char *password = NULL;
  const char *url = NULL;
  if (!json_bool_or(answer, "proxied", false))
    return true; /* over the socket there is none */
  if (!connection_password(cli, &password, err) || !json_get_string(answer, "url", &url, err))
    return false;
  int user = (int)strcspn(url, "@");
  AUTO(str_free) char *whole = str_format("%.*s:%s%s", user, url, password, url + user);
  (void)json_object_set_new(answer, "url", json_string(whole));
  return true;
}

bool cmd_url_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!get_url(cli, &answer, err) ||
      (invocation_has(&cli->invocation, "with-password") && !add_password(cli, answer, err)))
    return false;
  *ret = STEAL(answer);
  return true;
}

void cmd_url_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_NONE, "%s", show_text(result, "url"));
}

/* psql
 * ---------------------------------------------------------------------------------------------- */

/* The psql that belongs to the servers, if this is their machine; else the one in PATH. */
static char *find_psql(void) {
  AUTO(str_free) char *root = cli_home_root();
  AUTO(home_free) Home *home = NULL;
  Error ignored = ERROR_INIT;
  if (home_open(root, &home, &ignored)) {
    AUTO(str_free) char *path = path_join(home->postgres_bin, "psql");
    if (access(path, X_OK) == 0)
      return STEAL(path);
  }
  return str_dup("psql");
}

/* By the environment, so that the arguments behind "--" can still say otherwise (-d other). */
static void set_connection(const json_t *answer) {
  static const struct {
    const char *variable;
    const char *key;
  } settings[] = {{"PGHOST", "host"}, {"PGUSER", "user"}, {"PGDATABASE", "database"}};
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++)
    (void)setenv(settings[at].variable, json_string_or(answer, settings[at].key, ""), 1);
  char port[24];
  (void)snprintf(port, sizeof port, "%lld", (long long)json_integer_or(answer, "port", 5432));
  (void)setenv("PGPORT", port, 1);
  (void)unsetenv("PGHOSTADDR"); /* these would go before what was just set */
  (void)unsetenv("PGSERVICE");
}

/* The branch is named by an option, which stays when another database is chosen (-d, \\c). */
static bool set_proxy(Cli *cli, const json_t *answer, Error *err) {
  AUTO(str_free) char *password = NULL;
  const char *present = getenv("PGOPTIONS");
  if (!connection_password(cli, &password, err))
    return false;
  const char *endpoint = json_string_or(answer, "endpoint", NULL);
  AUTO(str_free)
  char *options = str_format("-c endpoint=%s%s%s", endpoint != NULL ? endpoint : "",
                             present != NULL ? " " : "", present != NULL ? present : "");
  if (endpoint != NULL) /* the catalog has none */
    (void)setenv("PGOPTIONS", options, 1);
  (void)setenv("PGPASSWORD", password, 1);
  return true;
}

bool cmd_psql_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (cli->output.is_json)
    return error_set(err, ERROR_USAGE, "psql answers in no JSON");
  if (!get_url(cli, &answer, err))
    return false;
  set_connection(answer);
  if (json_bool_or(answer, "proxied", false) && !set_proxy(cli, answer, err))
    return false;
  AUTO(str_free) char *psql = find_psql();
  AUTO_RELEASE(words_release) Words words = {0};
  words_add(&words, str_dup(psql));
  for (char *const *word = cli->invocation.rest; word != NULL && *word != NULL; word++)
    words_add(&words, str_dup(*word));
  (void)execvp(psql, words.words);
  (void)error_set_errno(err, errno, "could not run \"%s\"", psql);
  return error_hint(err, "install postgresql-client");
}

/* Endpoints
 * ----------------------------------------------------------------------------------------- */

void cmd_endpoint_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"BRANCH",   "ENDPOINT", "STATE",  "SESSIONS",
                                       "ACTIVITY", "PID",      "MEMORY", "FAILURES"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *endpoint = NULL;
  json_array_foreach(show_array(result, "endpoints"), at, endpoint) {
    const char *state = show_text(endpoint, "state");
    const json_t *memory = json_object_get(endpoint, "memory_bytes");
    char bytes[HUMAN_SIZE] = "-";
    char pid[HUMAN_SIZE] = "-";
    char failures[HUMAN_SIZE];
    char sessions[HUMAN_SIZE];
    char ago[HUMAN_SIZE + 16];
    if (json_is_integer(memory))
      human_bytes(json_integer_value(memory), bytes);
    if (json_integer_or(endpoint, "pid", 0) > 0)
      (void)snprintf(pid, sizeof pid, "%lld", (long long)json_integer_or(endpoint, "pid", 0));
    (void)snprintf(failures, sizeof failures, "%lld",
                   (long long)json_integer_or(endpoint, "failures", 0));
    table_add(&table, COLOUR_NONE, show_text(endpoint, "branch"));
    table_add(&table, COLOUR_NONE, show_text(endpoint, "id"));
    table_add(&table, output_state_colour(state), state);
    (void)snprintf(sessions, sizeof sessions, "%lld",
                   (long long)json_integer_or(endpoint, "sessions", 0));
    show_ago(show_text(endpoint, "active_at"), ago);
    table_add(&table, COLOUR_NONE, sessions);
    table_add(&table, COLOUR_NONE, ago);
    table_add(&table, COLOUR_NONE, pid);
    table_add(&table, COLOUR_NONE, bytes);
    table_add(&table, COLOUR_NONE, failures);
  }
  table_print(&table, &cli->output);
}

/* The log has many lines; each is cleaned by itself. */
static void show_log(const Cli *cli, const char *log) {
  AUTO(str_free) char *text = str_dup(log);
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n")) != NULL;)
    if (line[0] != '\0' || rest != NULL)
      show_line(cli, COLOUR_DIM, "  %s", line);
}

void cmd_endpoint_show_show(Cli *cli, const json_t *result) {
  const json_t *endpoint = json_object_get(result, "endpoint");
  show_field(cli, "endpoint", show_text(endpoint, "id"));
  show_field(cli, "branch", show_text(endpoint, "branch"));
  show_state_field(cli, "state", show_text(endpoint, "state"));
  show_field(cli, "error", json_string_or(endpoint, "error", NULL));
  const json_t *pid = json_object_get(endpoint, "pid");
  if (json_is_integer(pid)) {
    AUTO(str_free) char *text = str_format("%lld", (long long)json_integer_value(pid));
    show_field(cli, "pid", text);
    show_field(cli, "started", json_string_or(endpoint, "started_at", NULL));
    show_bytes_field(cli, "memory", json_object_get(endpoint, "memory_bytes"));
  }
  AUTO(str_free)
  char *failures = str_format("%lld", (long long)json_integer_or(endpoint, "failures", 0));
  show_field(cli, "failures", failures);
  const char *log = json_string_or(result, "log", NULL);
  if (log == NULL || log[0] == '\0')
    return;
  show_line(cli, COLOUR_NONE, "log:");
  show_log(cli, log);
}

void cmd_endpoint_change_show(Cli *cli, const json_t *result) {
  const json_t *endpoint = json_object_get(result, "endpoint");
  char duration[HUMAN_SIZE];
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_line(cli, COLOUR_GOOD, "the compute of %s is %s after %s", cli->invocation.arguments[0],
            show_text(endpoint, "state"), duration);
}

json_t *cmd_endpoint_repoint_body(const Cli *cli) {
  return json_pack("{s:s*, s:s*}", "to", invocation_value(&cli->invocation, "to"), "grace",
                   invocation_value(&cli->invocation, "grace"));
}

void cmd_endpoint_repoint_show(Cli *cli, const json_t *result) {
  char duration[HUMAN_SIZE];
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_line(cli, COLOUR_GOOD, "branch %s is made from %s now, after %s; what it was is %s",
            cli->invocation.arguments[0], show_text(json_object_get(result, "branch"), "parent"),
            duration, show_text(result, "previous"));
}

/* Operations
 * ---------------------------------------------------------------------------------------- */

void cmd_operation_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"ID",   "KIND", "BRANCH", "STATE",
                                       "STEP", "WHEN", "BY",     "ERROR"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *operation = NULL;
  json_array_foreach(show_array(result, "operations"), at, operation) {
    const char *state = show_text(operation, "state");
    const json_t *error = json_object_get(operation, "error");
    char ago[HUMAN_SIZE + 16];
    show_ago(show_text(operation, "created_at"), ago);
    table_add(&table, COLOUR_NONE, show_text(operation, "id"));
    table_add(&table, COLOUR_NONE, show_text(operation, "kind"));
    table_add(&table, COLOUR_NONE, show_text(operation, "branch"));
    table_add(&table, output_state_colour(state), state);
    table_add(&table, COLOUR_NONE, show_text(operation, "step"));
    table_add(&table, COLOUR_NONE, ago);
    table_add(&table, COLOUR_NONE, show_text(operation, "created_by"));
    table_add(&table, COLOUR_NONE,
              json_is_object(error) ? show_text(error, "message") : show_text(operation, "error"));
  }
  table_print(&table, &cli->output);
}
