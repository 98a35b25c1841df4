/* bough pr ... */
#include "cli/handlers.h"
#include "cli/show.h"

/* Bodies
 * -------------------------------------------------------------------------------------------- */

json_t *cmd_pr_open_body(const Cli *cli) {
  const Invocation *invocation = &cli->invocation;
  return json_pack("{s:s, s:s*, s:s*, s:s*}", "head_branch", invocation->arguments[0],
                   "base_branch", invocation_value(invocation, "base"), "title",
                   invocation_value(invocation, "title"), "text",
                   invocation_value(invocation, "message"));
}

json_t *cmd_pr_comment_body(const Cli *cli) {
  return json_pack("{s:s*}", "text", invocation_value(&cli->invocation, "message"));
}

/* The verdict is a flag of its own, exactly one. */
static bool find_verdict(const Invocation *invocation, const char **ret, Error *err) {
  static const char *const verdicts[] = {"approve", "request-changes", "comment"};
  size_t count = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(verdicts); at++)
    if (invocation_has(invocation, verdicts[at])) {
      *ret = verdicts[at];
      count++;
    }
  return count == 1 ||
         error_set(err, ERROR_USAGE, "give one of --approve, --request-changes and --comment");
}

bool cmd_pr_review_run(Cli *cli, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  const char *verdict = NULL;
  if (!find_verdict(invocation, &verdict, err))
    return false;
  AUTO(json_free)
  json_t *body = json_pack("{s:s, s:s*, s:s*}", "verdict", verdict, "head",
                           invocation_value(invocation, "head"), "text",
                           invocation_value(invocation, "message"));
  return cli_request(cli, invocation->command, body, ret, err);
}

bool cmd_pr_list_run(Cli *cli, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/pulls");
  if (invocation_has(&cli->invocation, "all"))
    buffer_add_text(&path, "?state=all");
  return cli_call(cli, "GET", path.text, NULL, ret, err);
}

/* What was done
 * ------------------------------------------------------------------------------------- */

static void add_number(Table *table, const json_t *pull) {
  AUTO(str_free)
  char *number = str_format("%lld", (long long)json_integer_or(pull, "number", 0));
  table_add(table, COLOUR_NONE, number);
}

void cmd_pr_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"N", "STATE", "FROM", "TO", "AUTHOR", "TITLE"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *pull = NULL;
  json_array_foreach(show_array(result, "pulls"), at, pull) {
    add_number(&table, pull);
    table_add(&table, COLOUR_NONE, show_text(pull, "state"));
    table_add(&table, COLOUR_NONE, show_text(pull, "head_branch"));
    table_add(&table, COLOUR_NONE, show_text(pull, "base_branch"));
    table_add(&table, COLOUR_NONE, show_text(pull, "author"));
    table_add(&table, COLOUR_NONE, show_text(pull, "title"));
  }
  table_print(&table, &cli->output);
}

static void show_reviews(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *review = NULL;
  json_array_foreach(show_array(result, "reviews"), at, review) {
    bool counts = json_bool_or(review, "of_this_state", false);
    show_line(cli, COLOUR_NONE, "%s by %s at %.12s%s", show_text(review, "verdict"),
              show_text(review, "reviewer"), show_text(review, "head"),
              counts ? "" : " (of an earlier state)");
    if (show_text(review, "text")[0] != '\0')
      show_line(cli, COLOUR_NONE, "  %s", show_text(review, "text"));
  }
}

static void show_statuses(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *status = NULL;
  json_array_foreach(show_array(result, "statuses"), at, status) {
    bool good = str_equal(show_text(status, "state"), "success");
    show_line(cli, good ? COLOUR_GOOD : COLOUR_NONE, "%s: %s %s", show_text(status, "name"),
              show_text(status, "state"), show_text(status, "description"));
  }
}

static void show_comments(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *comment = NULL;
  json_array_foreach(show_array(result, "comments"), at, comment) {
    show_line(cli, COLOUR_NONE, "-- %s, %s", show_text(comment, "author"),
              show_text(comment, "updated_at"));
    show_line(cli, COLOUR_NONE, "%s", show_text(comment, "text"));
  }
}

void cmd_pr_show_show(Cli *cli, const json_t *result) {
  const json_t *pull = json_object_get(result, "pull");
  show_line(cli, COLOUR_GOOD, "%lld: %s (%s)", (long long)json_integer_or(pull, "number", 0),
            show_text(pull, "title"), show_text(pull, "state"));
  show_line(cli, COLOUR_NONE, "%s at %.12s to %s at %.12s, by %s", show_text(pull, "head_branch"),
            show_text(pull, "head"), show_text(pull, "base_branch"), show_text(pull, "base"),
            show_text(pull, "author"));
  if (show_text(pull, "text")[0] != '\0')
    show_line(cli, COLOUR_NONE, "%s", show_text(pull, "text"));
  show_statuses(cli, result);
  show_reviews(cli, result);
  show_comments(cli, result);
}
