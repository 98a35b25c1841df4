/* From a row of the command table to a request, and which server it goes to. */
#include "cli/command.h"
#include "core/home.h"
#include "core/io.h"
#include "git/git.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 60, TOKEN_LIMIT = 4096 };

static const char system_root[] = "/var/lib/bough";

static bool is_home(const char *root) {
  AUTO(str_free) char *path = path_join(root, "config.json");
  return io_exists(path);
}

/* Somebody without an installation of their own means the machine's. */
char *cli_home_root(void) {
  AUTO(str_free) char *root = home_default_root();
  if (getenv("BOUGH_HOME") == NULL && !is_home(root) && is_home(system_root))
    return str_dup(system_root);
  return STEAL(root);
}

static bool read_token(const char *path, char **ret, Error *err) {
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_read_file(path, TOKEN_LIMIT, &text, &length, err))
    return false;
  text[strcspn(text, "\r\n")] = '\0';
  *ret = STEAL(text);
  return true;
}

bool cli_token(const Cli *cli, char **ret, Error *err) {
  const char *file = invocation_value(&cli->invocation, "token-file");
  const char *variable = getenv("BOUGH_TOKEN");
  if (file != NULL)
    return read_token(file, ret, err);
  *ret = variable != NULL && variable[0] != '\0' ? str_dup(variable) : NULL;
  return true;
}

bool cli_client(Cli *cli, Error *err) {
  if (cli->client != NULL)
    return true;
  const char *server = invocation_value(&cli->invocation, "server");
  if (server == NULL)
    server = getenv("BOUGH_SERVER");
  AUTO(str_free) char *default_server = NULL;
  if (server == NULL || server[0] == '\0') {
    AUTO(str_free) char *root = cli_home_root();
    server = default_server = str_format("unix://%s/boughd.sock", root);
  }
  AUTO(str_free) char *token = NULL;
  return cli_token(cli, &token, err) && client_new(server, token, &cli->client, err);
}

const char *cli_named_project(const Cli *cli) {
  const char *project = invocation_value(&cli->invocation, "project");
  if (project == NULL)
    project = getenv("BOUGH_PROJECT");
  return project != NULL && project[0] != '\0' ? project : NULL;
}

/* What `bough init` wrote into the repository around the current directory; NULL: there is none. */
static char *repository_project(void) {
  const Git here = git_client(".");
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  Error ignored = ERROR_INIT; /* no git, no repository: then nothing is set */
  if (!git_run(&here, GIT("config", "--local", "--get", "bough.project"), NULL, 0, &result,
               &ignored) ||
      result.status != 0)
    return NULL;
  size_t length = strcspn(result.output, "\n");
  return length > 0 ? str_ndup(result.output, length) : NULL;
}

const char *cli_project(Cli *cli) {
  const char *named = cli_named_project(cli);
  if (named != NULL)
    return named;
  if (cli->project == NULL)
    cli->project = repository_project();
  if (cli->project == NULL)
    cli->project = str_dup("-");
  return cli->project;
}

static bool names_server(const Cli *cli) {
  const char *server = getenv("BOUGH_SERVER");
  return invocation_value(&cli->invocation, "server") != NULL ||
         (server != NULL && server[0] != '\0');
}

/* Nothing was set up: that is another thing than a boughd that is down. */
static bool check_home(const Cli *cli, Error *err) {
  AUTO(str_free) char *root = cli_home_root();
  if (names_server(cli) || is_home(root))
    return true;
  (void)error_set(err, ERROR_NOTHING_TO_DO, "there is no Bough in \"%s\" yet", root);
  return error_hint(err, "run `bough up`, or set BOUGH_HOME or BOUGH_SERVER");
}

static bool call(Cli *cli, const ClientCall *request, json_t **ret, Error *err) {
  bool ok =
      check_home(cli, err) && cli_client(cli, err) && client_call(cli->client, request, ret, err);
  output_end_progress(&cli->output);
  return ok;
}

static bool wants_lines(const Command *command) {
  return command->timeout_s > DEFAULT_TIMEOUT_S;
}

bool cli_call(Cli *cli, const char *method, const char *path, const json_t *body, json_t **ret,
              Error *err) {
  const Command *command = cli->invocation.command;
  int timeout_s = command->timeout_s > 0 ? command->timeout_s : DEFAULT_TIMEOUT_S;
  ClientCall request = {.method = method,
                        .path = path,
                        .body = body,
                        .timeout_ms = timeout_s * 1000,
                        .on_progress = wants_lines(command) ? output_progress : NULL,
                        .on_tick = output_tick,
                        .context = &cli->output};
  return call(cli, &request, ret, err);
}

/* The value of a placeholder: "project" or the number of an argument, which may be left out. */
static const char *placeholder(Cli *cli, const char *name) {
  if (name[0] == 'p')
    return cli_project(cli);
  const char *argument = cli->invocation.arguments[name[0] - '0'];
  return argument != NULL ? argument : "-"; /* the server knows which one is meant */
}

static char *fill_path(Cli *cli, const char *template) {
  Buffer path = {0};
  for (const char *at = template; *at != '\0';) {
    size_t plain = strcspn(at, "{");
    buffer_add(&path, at, plain);
    at += plain;
    if (*at == '\0')
      break;
    url_add_encoded(&path, placeholder(cli, at + 1));
    at = strchr(at, '}') + 1;
  }
  return buffer_steal(&path);
}

bool cli_request(Cli *cli, const Command *command, json_t *body, json_t **ret, Error *err) {
  AUTO(str_free) char *path = fill_path(cli, command->path);
  return cli_call(cli, command->method, path, body, ret, err);
}
