/* bough promote, bough promotion list, bough rollback. */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/str.h"

#include <stdio.h>
#include <unistd.h>

static char *project_path(Cli *cli, const char *rest) {
  Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, rest);
  return buffer_steal(&path);
}

/* ---- promote ---- */

static bool preview(Cli *cli, const char *from, const char *to, json_t **ret, Error *err) {
  AUTO(str_free) char *start = project_path(cli, "/promotions/preview?from=");
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, start);
  url_add_encoded(&path, from);
  buffer_add_text(&path, "&to=");
  url_add_encoded(&path, to);
  return cli_call(cli, "GET", path.text, NULL, ret, err);
}

bool cmd_promote_run(Cli *cli, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  const char *from = invocation->arguments[0];
  const char *to = invocation_value(invocation, "to");
  bool approves = invocation_has(invocation, "approve");
  if (to == NULL)
    return error_set(err, ERROR_USAGE, "to which tier? --to TIER");
  if (invocation_has(invocation, "dry-run"))
    return preview(cli, from, to, ret, err);
  AUTO(str_free) char *path = project_path(cli, approves ? "/promotions/approve" : "/promotions");
  AUTO(json_free) json_t *body = json_pack("{s:s, s:s}", "from", from, "to", to);
  return cli_call(cli, "POST", path, body, ret, err);
}

static void show_gates(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *gate = NULL;
  json_array_foreach(show_array(result, "gates"), at, gate) {
    bool ok = json_bool_or(gate, "ok", false);
    show_line(cli, ok ? COLOUR_GOOD : COLOUR_WARNING, "  %-12s %-5s %s", show_text(gate, "gate"),
              ok ? "open" : "shut", show_text(gate, "message"));
  }
}

static void show_migrations(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *one = NULL;
  json_array_foreach(show_array(result, "migrations"), at, one) {
    show_line(cli, COLOUR_NONE, "  %s %s", show_text(one, "version"), show_text(one, "name"));
  }
}

/* The markdown is the server's, which made strangers' parts of it harmless. */
void cmd_promote_show(Cli *cli, const json_t *result) {
  char duration[HUMAN_SIZE];
  const char *state = show_text(result, "state");
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_migrations(cli, result);
  if (!str_equal(state, "done")) {
    output_document(&cli->output, json_string_or(result, "markdown", ""));
    show_gates(cli, result);
    return;
  }
  show_line(cli, COLOUR_GOOD, "%s has what %s had, in %s", show_text(result, "to"),
            show_text(result, "branch"), duration);
  show_line(cli, COLOUR_NONE, "what it was before: %s, kept until %s",
            show_text(result, "snapshot"), show_text(result, "snapshot_expires_at"));
  show_line(cli, COLOUR_NONE, "to go back: bough rollback %s", show_text(result, "to"));
}

bool cmd_promotion_list_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(str_free) char *path = project_path(cli, "/promotions");
  return cli_call(cli, "GET", path, NULL, ret, err);
}

void cmd_promotion_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"PROMOTION", "BRANCH",   "FROM", "TO",
                                       "STATE",     "SNAPSHOT", "WHO",  "WHEN"};
  AUTO_RELEASE(table_release) Table table;
  size_t at = 0;
  const json_t *row = NULL;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  json_array_foreach(show_array(result, "promotions"), at, row) {
    const char *state = show_text(row, "state");
    char when[HUMAN_SIZE + 16];
    show_ago(show_text(row, "created_at"), when);
    table_add(&table, COLOUR_NONE, show_text(row, "promotion"));
    table_add(&table, COLOUR_NONE, show_text(row, "branch"));
    table_add(&table, COLOUR_NONE, show_text(row, "from"));
    table_add(&table, COLOUR_NONE, show_text(row, "to"));
    table_add(&table, output_state_colour(state), state);
    table_add(&table, COLOUR_NONE, show_text(row, "snapshot"));
    table_add(&table, COLOUR_NONE,
              json_string_or(row, "promoted_by", show_text(row, "requested_by")));
    table_add(&table, COLOUR_NONE, when);
  }
  table_print(&table, &cli->output);
}

/* ---- rollback ---- */

static void tell_lost(const json_t *preview) {
  size_t at = 0;
  const json_t *one = NULL;
  if (!json_bool_or(preview, "known", false)) {
    (void)fprintf(stderr, "how many committed transactions that leaves behind is unknown: %s\n",
                  show_text(preview, "why"));
    return;
  }
  (void)fprintf(stderr, "committed transactions that are left behind: %lld\n",
                (long long)json_integer_or(preview, "transactions", 0));
  json_array_foreach(show_array(preview, "lost"), at, one) {
    (void)fprintf(stderr, "  %8lld  %s in %s\n", (long long)json_integer_or(one, "transactions", 0),
                  json_string_or(one, "table", "(a table that isn't there any more)"),
                  show_text(one, "database"));
  }
}

static void tell(const json_t *preview) {
  (void)fprintf(stderr, "%s goes back to %s, as it was at %s\n", show_text(preview, "tier"),
                show_text(preview, "to"), show_text(preview, "snapshot_at"));
  tell_lost(preview);
}

static bool says_yes(void) {
  char answer[16] = "";
  (void)fputs("Go back? [y/N] ", stderr);
  (void)fflush(stderr);
  return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool is_confirmed(const Cli *cli, Error *err) {
  if (invocation_has(&cli->invocation, "yes"))
    return true;
  if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
    return says_yes() || error_set(err, ERROR_UNCONFIRMED, "nothing was changed");
  (void)error_set(err, ERROR_UNCONFIRMED, "nothing was changed: there is no terminal to ask on");
  return error_hint(err, "look at what would be left behind, then say --yes");
}

bool cmd_rollback_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(str_free) char *preview_path = project_path(cli, "/rollback/preview");
  AUTO(str_free) char *path = project_path(cli, "/rollback");
  AUTO(json_free) json_t *preview = NULL;
  AUTO(json_free)
  json_t *body = json_pack("{s:s, s:s*}", "tier", cli->invocation.arguments[0], "to",
                           invocation_value(&cli->invocation, "to"));
  if (!cli_call(cli, "POST", preview_path, body, &preview, err))
    return false;
  if (invocation_has(&cli->invocation, "dry-run")) {
    *ret = STEAL(preview);
    return true;
  }
  tell(preview);
  if (!is_confirmed(cli, err))
    return false;
  (void)json_object_set(body, "to", json_object_get(preview, "to"));
  (void)json_object_set(body, "token", json_object_get(preview, "token"));
  if (!cli_call(cli, "POST", path, body, ret, err))
    return false;
  (void)json_object_set(*ret, "lost", json_object_get(preview, "lost"));
  (void)json_object_set(*ret, "transactions", json_object_get(preview, "transactions"));
  return true;
}

void cmd_rollback_show(Cli *cli, const json_t *result) {
  char duration[HUMAN_SIZE];
  const char *previous = json_string_or(result, "previous", NULL);
  if (previous == NULL) {
    tell(result);
    return;
  }
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_line(cli, COLOUR_GOOD, "%s is what %s holds, in %s", cli->invocation.arguments[0],
            show_text(result, "snapshot"), duration);
  show_line(cli, COLOUR_NONE, "what it was until now: %s", previous);
  show_line(cli, COLOUR_NONE, "to take it back: bough rollback %s --to %s",
            cli->invocation.arguments[0], previous);
}
