/* bough ci ...: what a job of another runner calls, and looking at runs. */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "git/git.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { FOLLOW_MS = 300, ENVIRONMENT_LIMIT = 1024, CONNECTION_VARIABLES = 7 };

extern char **environ;

static char *ci_path(Cli *cli, const char *rest) {
  Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_format(&path, "/ci/%s", rest);
  return buffer_steal(&path);
}

/* ---- the log ---- */

static bool read_log(Cli *cli, const char *run, int64_t offset, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer rest = {0};
  buffer_add_text(&rest, "runs/");
  url_add_encoded(&rest, run);
  buffer_add_format(&rest, "/log?offset=%lld", (long long)offset);
  AUTO(str_free) char *path = ci_path(cli, rest.text);
  return cli_call(cli, "GET", path, NULL, ret, err);
}

/* Prints what there is, and with follows what comes, to the run's end; with --json all of it is one
 * text of the result. */
static bool follow_log(Cli *cli, const char *run, bool follows, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer whole = {0};
  for (int64_t offset = 0;;) {
    AUTO(json_free) json_t *piece = NULL;
    if (!read_log(cli, run, offset, &piece, err))
      return false;
    const char *text = json_string_or(piece, "text", "");
    int64_t next = json_integer_or(piece, "next", offset);
    buffer_add_text(&whole, cli->output.is_json ? text : "");
    if (!cli->output.is_json)
      output_document(&cli->output, text);
    (void)fflush(stdout);
    if (json_bool_or(piece, "done", false) || (!follows && next == offset)) {
      *ret = json_pack("{s:O, s:O, s:O, s:s}", "run", json_object_get(piece, "run"), "state",
                       json_object_get(piece, "state"), "error", json_object_get(piece, "error"),
                       "text", whole.text);
      return true;
    }
    if (next == offset)
      clock_sleep_ms(FOLLOW_MS);
    offset = next;
  }
}

/* ---- run: beginning ---- */

static bool read_number(const char *text, int64_t *ret) {
  char *end = NULL;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  *ret = number;
  return errno == 0 && end != text && *end == '\0' && number > 0;
}

/* A job of GitHub's says by its environment which pull request it is about. */
static char *pull_of_job(void) {
  static const char prefix[] = "refs/pull/";
  const char *ref = getenv("GITHUB_REF");
  if (ref == NULL || !str_starts(ref, prefix))
    return NULL;
  const char *number = ref + sizeof prefix - 1;
  return str_ndup(number, strcspn(number, "/"));
}

static bool make_body(const Cli *cli, json_t **ret, Error *err) {
  AUTO(str_free) char *of_job = pull_of_job();
  const char *pull = invocation_value(&cli->invocation, "pull");
  const char *from = invocation_value(&cli->invocation, "from");
  const char *to = invocation_value(&cli->invocation, "to");
  int64_t number = 0;
  if (pull == NULL && from == NULL)
    pull = of_job;
  if ((pull != NULL) == (from != NULL) || (from != NULL) != (to != NULL))
    return error_set(err, ERROR_USAGE, "give --pull N, or --from TIER and --to TIER");
  if (pull != NULL && !read_number(pull, &number))
    return error_set(err, ERROR_USAGE, "--pull takes the number of a pull request");
  *ret = pull != NULL ? json_pack("{s:I}", "pull", (json_int_t)number)
                      : json_pack("{s:s, s:s}", "from", from, "to", to);
  return true;
}

/* What is tested must be what was prepared: head merged into the live base. */
static bool check_work_tree(const json_t *begun, Error *err) {
  const Git git = git_client(".");
  const char *wanted = json_string_or(begun, "tree", "");
  AUTO(str_free) char *tree = NULL;
  if (!git_line(&git, GIT("rev-parse", "--verify", "HEAD^{tree}"), &tree, err))
    return false;
  if (str_equal(tree, wanted))
    return true;
  (void)error_set(err, ERROR_WRONG_BRANCH,
                  "what is checked out isn't %.12s merged into %.12s, which is to be tested",
                  json_string_or(begun, "head", ""), json_string_or(begun, "base", ""));
  return error_hint(err, "check out refs/pull/N/merge, or merge the live base into the head");
}

/* ---- run: the test ---- */

/* Nothing of Bough's own is handed to what is tested, nor another way to a database. */
static bool is_kept(const char *entry) {
  static const char *const hidden[] = {
      "BOUGH_",        "PGHOST=",       "PGHOSTADDR=", "PGPORT=",    "PGUSER=",
      "PGDATABASE=",   "PGPASSFILE=",   "PGPASSWORD=", "PGSERVICE=", "PGOPTIONS=",
      "DATABASE_URL=", "GITHUB_TOKEN=", "ACTIONS_"};
  for (size_t at = 0; at < ARRAY_LENGTH(hidden); at++)
    if (str_starts(entry, hidden[at]))
      return false;
  return true;
}

typedef struct Variables {
  const char *list[ENVIRONMENT_LIMIT + CONNECTION_VARIABLES + 1];
  char *own[CONNECTION_VARIABLES];
} Variables;

static void variables_release(Variables *variables) {
  for (size_t at = 0; at < CONNECTION_VARIABLES; at++)
    str_free(variables->own[at]);
}

static void fill(Variables *ret, const json_t *begun) {
  const json_t *connection = json_object_get(begun, "connection");
  size_t count = 0;
  size_t own = 0;
  for (char **entry = environ; *entry != NULL && count < ENVIRONMENT_LIMIT; entry++)
    if (is_kept(*entry))
      ret->list[count++] = *entry;
  ret->own[own++] = str_format("PGHOST=%s", json_string_or(connection, "host", ""));
  ret->own[own++] = str_format("PGPORT=%lld", (long long)json_integer_or(connection, "port", 6432));
  ret->own[own++] = str_format("PGUSER=%s", json_string_or(connection, "user", ""));
  ret->own[own++] = str_format("PGDATABASE=%s", json_string_or(connection, "database", ""));
  ret->own[own++] = str_format("PGPASSWORD=%s", json_string_or(connection, "password", ""));
  ret->own[own++] = str_format("DATABASE_URL=%s", json_string_or(connection, "url", ""));
  ret->own[own++] = str_format("BOUGH_CI_RUN=%s", json_string_or(begun, "run", ""));
  for (size_t at = 0; at < own; at++)
    ret->list[count++] = ret->own[at];
  ret->list[count] = NULL;
}

static void pass_on(void *context, const char *bytes, size_t length) {
  Error ignored = ERROR_INIT; /* nobody reads: the test goes on */
  (void)context;
  (void)!io_write(STDERR_FILENO, bytes, length, &ignored);
}

static json_t *outcome(const ProcessResult *result, double duration_ms) {
  json_t *output = json_string(result->output);
  return json_pack("{s:i, s:f, s:o}", "status", result->status, "duration_ms", duration_ms,
                   "output", output != NULL ? output : json_string("(not UTF-8)"));
}

static bool run_test(const json_t *begun, json_t **ret, Error *err) {
  AUTO_RELEASE(variables_release) Variables variables = {0};
  AUTO_RELEASE(process_result_release) ProcessResult result = {.output = NULL};
  const char *test = json_string_or(begun, "test", "");
  const char *const argv[] = {"/bin/sh", "-c", test, NULL};
  AUTO(str_free) char *here = getcwd(NULL, 0);
  ProcessOptions options = PROCESS_OPTIONS;
  int64_t started = clock_monotonic_us();
  if (test[0] == '\0' || json_bool_or(begun, "failed", false)) {
    *ret = json_pack("{s:i}", "status", 0);
    return true;
  }
  fill(&variables, begun);
  options.environment = variables.list;
  options.directory = here;
  options.on_output = pass_on;
  if (!process_run(argv, &options, &result, err))
    return false;
  *ret = outcome(&result, (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}

/* ---- run: the end ---- */

/* By the run's own token. */
static bool report(Cli *cli, const json_t *begun, const char *verb, const json_t *body,
                   json_t **ret, Error *err) {
  AUTO(str_free)
  char *rest = str_format("runs/%s/%s", json_string_or(begun, "run", ""), verb);
  AUTO(str_free) char *path = ci_path(cli, rest);
  Client *own = cli->client;
  Client *of_run = NULL;
  const char *server = invocation_value(&cli->invocation, "server");
  AUTO(str_free) char *root = cli_home_root();
  AUTO(str_free) char *standard = str_format("unix://%s/boughd.sock", root);
  if (server == NULL)
    server = getenv("BOUGH_SERVER");
  if (!client_new(server != NULL && server[0] != '\0' ? server : standard,
                  json_string_or(begun, "token", ""), &of_run, err))
    return false;
  cli->client = of_run;
  bool ok = cli_call(cli, "POST", path, body, ret, err);
  cli->client = own;
  client_free(of_run);
  return ok;
}

static bool test_and_report(Cli *cli, const json_t *begun, json_t **ret, Error *err) {
  AUTO(json_free) json_t *tested = NULL;
  AUTO(json_free) json_t *ignored_answer = NULL;
  Error failure = ERROR_INIT;
  Error ignored = ERROR_INIT;
  if (check_work_tree(begun, &failure) && run_test(begun, &tested, &failure))
    return report(cli, begun, "end", tested, ret, err);
  (void)!report(cli, begun, "cancel", NULL, &ignored_answer, &ignored); /* it ends by itself, too */
  *err = failure;
  return false;
}

/* The token that began the run stays in this process: what is tested runs under the same account,
 * and may read neither its memory nor the environment that it was started with. */
static bool hide(Error *err) {
  return prctl(PR_SET_DUMPABLE, 0) == 0 || error_set_errno(err, errno, "prctl");
}

static bool run_here(Cli *cli, const json_t *body, json_t **ret, Error *err) {
  AUTO(json_free) json_t *begun = NULL;
  AUTO(str_free) char *path = ci_path(cli, "runs");
  return hide(err) && cli_call(cli, "POST", path, body, &begun, err) &&
         test_and_report(cli, begun, ret, err);
}

static bool run_there(Cli *cli, const json_t *body, json_t **ret, Error *err) {
  AUTO(json_free) json_t *asked = NULL;
  AUTO(json_free) json_t *end = NULL;
  AUTO(str_free) char *path = ci_path(cli, "ask");
  if (!cli_call(cli, "POST", path, body, &asked, err))
    return false;
  const char *run = json_string_or(json_object_get(asked, "run"), "run", "");
  AUTO(str_free) char *rest = str_format("runs/%s", run);
  AUTO(str_free) char *shown = ci_path(cli, rest);
  return follow_log(cli, run, true, &end, err) && cli_call(cli, "GET", shown, NULL, ret, err);
}

bool cmd_ci_run_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = NULL;
  bool here = invocation_has(&cli->invocation, "here");
  if (!make_body(cli, &body, err) || !(here ? run_here : run_there)(cli, body, ret, err))
    return false;
  const json_t *run = json_object_get(*ret, "run");
  if (!str_equal(json_string_or(run, "state", ""), "passed"))
    cli->exit_status = error_info(ERROR_CI_FAILED)->exit_status;
  return true;
}

/* ---- looking ---- */

bool cmd_ci_list_run(Cli *cli, json_t **ret, Error *err) {
  const char *pull = invocation_value(&cli->invocation, "pull");
  int64_t number = 0;
  if (pull != NULL && !read_number(pull, &number))
    return error_set(err, ERROR_USAGE, "--pull takes the number of a pull request");
  AUTO(str_free)
  char *rest = pull != NULL ? str_format("runs?pull=%lld", (long long)number) : str_dup("runs");
  AUTO(str_free) char *path = ci_path(cli, rest);
  return cli_call(cli, "GET", path, NULL, ret, err);
}

bool cmd_ci_log_run(Cli *cli, json_t **ret, Error *err) {
  return follow_log(cli, cli->invocation.arguments[0], invocation_has(&cli->invocation, "follow"),
                    ret, err);
}

void cmd_ci_log_show(Cli *cli, const json_t *result) {
  const char *error = show_text(result, "error");
  show_line(cli, COLOUR_NONE, "%s %s%s%s", show_text(result, "run"), show_text(result, "state"),
            error[0] != '\0' ? ": " : "", error);
}

static Colour colour_of(const char *state) {
  if (str_equal(state, "passed"))
    return COLOUR_GOOD;
  return str_equal(state, "failed") || str_equal(state, "lost") ? COLOUR_BAD : COLOUR_NONE;
}

static char *subject_of(const json_t *run) {
  int64_t pull = json_integer_or(run, "pull", 0);
  return pull > 0 ? str_format("#%lld %s", (long long)pull, show_text(run, "source"))
                  : str_dup(show_text(run, "source"));
}

void cmd_ci_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"RUN", "FOR", "TO", "HEAD", "BASE", "STATE", "BEGUN"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *run = NULL;
  json_array_foreach(show_array(result, "runs"), at, run) {
    char ago[HUMAN_SIZE + 16] = "-";
    AUTO(str_free) char *subject = subject_of(run);
    AUTO(str_free) char *head = str_format("%.12s", show_text(run, "head"));
    AUTO(str_free) char *base = str_format("%.12s", show_text(run, "base"));
    if (json_is_string(json_object_get(run, "started_at")))
      show_ago(show_text(run, "started_at"), ago);
    table_add(&table, COLOUR_NONE, show_text(run, "run"));
    table_add(&table, COLOUR_NONE, subject);
    table_add(&table, COLOUR_NONE, show_text(run, "tier"));
    table_add(&table, COLOUR_NONE, head);
    table_add(&table, COLOUR_NONE, base);
    table_add(&table, colour_of(show_text(run, "state")), show_text(run, "state"));
    table_add(&table, COLOUR_NONE, ago);
  }
  table_print(&table, &cli->output);
}

void cmd_ci_show_show(Cli *cli, const json_t *result) {
  const json_t *run = json_object_get(result, "run");
  AUTO(str_free) char *subject = subject_of(run);
  const char *error = show_text(run, "error");
  size_t at = 0;
  const json_t *item = NULL;
  show_line(cli, colour_of(show_text(run, "state")), "%s %s%s%s", show_text(run, "run"),
            show_text(run, "state"), error[0] != '\0' ? ": " : "", error);
  show_line(cli, COLOUR_NONE, "%s at %.12s on %s at %.12s", subject, show_text(run, "head"),
            show_text(run, "tier"), show_text(run, "base"));
  json_array_foreach(show_array(run, "checks"), at, item) {
    show_line(cli, colour_of(show_text(item, "state")), "  %-12s %-8s %6lld ms  %s",
              show_text(item, "name"), show_text(item, "state"),
              (long long)json_integer_or(item, "duration_ms", 0), show_text(item, "summary"));
  }
  json_array_foreach(show_array(run, "artifacts"), at, item) {
    show_line(cli, COLOUR_NONE, "  artifact %s, %lld bytes, sha256 %s", show_text(item, "name"),
              (long long)json_integer_or(item, "bytes", 0), show_text(item, "digest"));
  }
}

void cmd_ci_artifact_show(Cli *cli, const json_t *result) {
  output_document(&cli->output, show_text(result, "content"));
}

void cmd_ci_tidy_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *run = NULL;
  json_array_foreach(show_array(result, "given_up"), at, run) {
    show_line(cli, COLOUR_NONE, "%s was given up", json_string_value(run));
  }
  if (at == 0)
    show_line(cli, COLOUR_NONE, "Nothing to tidy up");
}
