/* bough policy apply, show, history, explain: what needs a server. */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/io.h"
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 512 * 1024 };

static char *policy_path(Cli *cli, const char *rest) {
  Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_format(&path, "/policy%s", rest);
  return buffer_steal(&path);
}

static void add_query(Buffer *path, const char *key, const char *value) {
  if (value == NULL)
    return;
  buffer_add_format(path, "%c%s=", strchr(path->text, '?') == NULL ? '?' : '&', key);
  url_add_encoded(path, value);
}

/* Asking
 * ------------------------------------------------------------------------------------------- */

/* To stderr: stdout is for the result. */
static void print_preview(const Cli *cli, const json_t *preview) {
  size_t at = 0;
  const json_t *branch = NULL;
  if (cli->output.is_quiet)
    return;
  (void)fputs(show_text(preview, "text"), stderr);
  json_array_foreach(show_array(preview, "branches"), at, branch) {
    (void)fprintf(stderr, "  branch %s %s\n", show_text(branch, "branch"),
                  show_text(branch, "meaning"));
  }
}

static bool says_yes(void) {
  char answer[16] = "";
  (void)fputs("Apply it? [y/N] ", stderr);
  (void)fflush(stderr);
  return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool is_confirmed(const Cli *cli, Error *err) {
  if (invocation_has(&cli->invocation, "yes"))
    return true;
  if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
    if (says_yes())
      return true;
    return error_set(err, ERROR_UNCONFIRMED, "nothing was applied");
  }
  (void)error_set(err, ERROR_UNCONFIRMED, "nothing was applied: there is no terminal to ask on");
  return error_hint(err, "look at the difference above, then say --yes");
}

static bool read_file(const char *path, char **ret, Error *err) {
  size_t length = 0;
  AUTO(str_free) char *text = NULL;
  if (!io_read_file(path, FILE_LIMIT, &text, &length, err))
    return false;
  if (strlen(text) != length)
    return error_set(err, ERROR_POLICY_INVALID, "%s holds bytes that are no text", path);
  *ret = STEAL(text);
  return true;
}

/* Unless another was named, a policy goes to the project that it names. What is no policy is told
 * by the server. */
static void choose_project(Cli *cli, const char *text) {
  AUTO(policy_free) Policy *policy = NULL;
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  Error ignored = ERROR_INIT;
  if (cli_named_project(cli) == NULL &&
      policy_parse(text, strlen(text), &policy, &findings, &ignored))
    cli->project = str_dup(policy->project);
}

bool cmd_policy_apply_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *preview = NULL;
  if (!read_file(cli->invocation.arguments[0], &text, err))
    return false;
  choose_project(cli, text);
  AUTO(str_free) char *preview_path = policy_path(cli, "/preview");
  AUTO(str_free) char *path = policy_path(cli, "");
  AUTO(json_free) json_t *body = json_pack("{s:s}", "text", text);
  if (body == NULL)
    return error_set(err, ERROR_POLICY_INVALID, "%s is not UTF-8", cli->invocation.arguments[0]);
  if (!cli_call(cli, "POST", preview_path, body, &preview, err))
    return false;
  print_preview(cli, preview);
  if (!is_confirmed(cli, err))
    return false;
  (void)json_object_set(body, "base", json_object_get(preview, "version"));
  return cli_call(cli, "POST", path, body, ret, err);
}

void cmd_policy_apply_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *name = NULL;
  long long ended = (long long)json_integer_or(result, "sessions_ended", 0);
  json_array_foreach(show_array(result, "made"), at, name) {
    show_line(cli, COLOUR_GOOD, "branch %s made for its tier", json_string_value(name));
  }
  show_line(cli, COLOUR_GOOD, "version %lld of the policy is in force%s",
            (long long)json_integer_or(result, "version", 0),
            json_bool_or(result, "same", false) ? " already" : "");
  if (ended > 0)
    show_line(cli, COLOUR_NONE, "%lld session%s lost %s right and %s ended", ended,
              ended == 1 ? "" : "s", ended == 1 ? "its" : "their", ended == 1 ? "was" : "were");
}

/* Looking
 * ------------------------------------------------------------------------------------------- */

bool cmd_policy_show_run(Cli *cli, json_t **ret, Error *err) {
  Buffer path = {0};
  AUTO(str_free) char *start = policy_path(cli, "");
  buffer_add_text(&path, start);
  add_query(&path, "effective", invocation_value(&cli->invocation, "effective"));
  add_query(&path, "version", invocation_value(&cli->invocation, "revision"));
  AUTO(str_free) char *text = buffer_steal(&path);
  return cli_call(cli, "GET", text, NULL, ret, err);
}

static char *join(const json_t *list) {
  Buffer text = {0};
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    buffer_add_format(&text, "%s%s", at > 0 ? " " : "", json_string_value(item));
  }
  return text.length > 0 ? buffer_steal(&text) : str_dup("-");
}

static void show_effective(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"ROLE", "MAY", "ON ITS OWN"};
  AUTO_RELEASE(table_release) Table table;
  size_t at = 0;
  const json_t *role = NULL;
  show_field(cli, "branch", show_text(result, "branch"));
  show_field(cli, "tier", json_string_or(result, "tier", NULL));
  show_field(cli, "kind", show_text(result, "kind"));
  show_field(cli, "protected", json_bool_or(result, "protected", false) ? "yes" : "no");
  show_field(cli, "you may", show_text(result, "right"));
  table_init(&table, titles, ARRAY_LENGTH(titles));
  json_array_foreach(show_array(result, "roles"), at, role) {
    AUTO(str_free) char *all = join(show_array(role, "actions"));
    AUTO(str_free) char *own = join(show_array(role, "own"));
    table_add(&table, COLOUR_NONE, show_text(role, "role"));
    table_add(&table, COLOUR_NONE, all);
    table_add(&table, COLOUR_NONE, own);
  }
  table_print(&table, &cli->output);
}

/* The file as it was applied, so that it can be changed and applied again. */
void cmd_policy_show_show(Cli *cli, const json_t *result) {
  if (json_object_get(result, "roles") != NULL)
    show_effective(cli, result);
  else
    (void)fputs(show_text(result, "text"), stdout);
}

void cmd_policy_history_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"VERSION", "APPLIED", "BY", ""};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *version = NULL;
  json_array_foreach(show_array(result, "versions"), at, version) {
    AUTO(str_free)
    char *number = str_format("%lld", (long long)json_integer_or(version, "version", 0));
    bool in_force = json_bool_or(version, "in_force", false);
    table_add(&table, COLOUR_NONE, number);
    table_add(&table, COLOUR_NONE, show_text(version, "applied_at"));
    table_add(&table, COLOUR_NONE, show_text(version, "applied_by"));
    table_add(&table, COLOUR_GOOD, in_force ? "in force" : "");
  }
  table_print(&table, &cli->output);
}

bool cmd_policy_explain_run(Cli *cli, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  Buffer path = {0};
  AUTO(str_free) char *start = policy_path(cli, "/explain");
  buffer_add_text(&path, start);
  add_query(&path, "principal", invocation->arguments[0]);
  add_query(&path, "action", invocation->arguments[1]);
  add_query(&path, "branch", invocation->arguments[2]);
  add_query(&path, "kind", invocation_value(invocation, "kind"));
  add_query(&path, "to", invocation_value(invocation, "to"));
  AUTO(str_free) char *text = buffer_steal(&path);
  return cli_call(cli, "GET", text, NULL, ret, err);
}

void cmd_policy_explain_show(Cli *cli, const json_t *result) {
  bool allowed = json_bool_or(result, "allowed", false);
  long long line = (long long)json_integer_or(result, "line", 0);
  show_line(cli, allowed ? COLOUR_GOOD : COLOUR_BAD, "%s: %s", allowed ? "allowed" : "refused",
            show_text(result, "reason"));
  if (line > 0)
    show_line(cli, COLOUR_NONE, "version %lld, line %lld: %s",
              (long long)json_integer_or(result, "version", 0), line,
              json_string_or(result, "text", ""));
}
