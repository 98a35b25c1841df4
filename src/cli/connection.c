/* Runs a command that somebody declared, with a branch's connection in its environment. */
#include "cli/connection.h"

#include "cli/words.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "http/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* What would decide instead of what is set here. */
static bool is_replaced(const char *entry) {
  static const char *const names[] = {
      "PGHOST=",     "PGHOSTADDR=", "PGPORT=",    "PGUSER=",    "PGDATABASE=",
      "PGPASSFILE=", "PGPASSWORD=", "PGSERVICE=", "PGOPTIONS=", "DATABASE_URL="};
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    if (str_starts(entry, names[at]))
      return true;
  return false;
}

static bool get_url(Cli *cli, const char *branch, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/branches/");
  url_add_encoded(&path, branch);
  buffer_add_text(&path, "/url");
  return cli_call(cli, "GET", path.text, NULL, ret, err);
}

static void fill(Words *words, const json_t *answer, const char *branch, const char *database,
                 const char *passfile) {
  bool proxied = json_bool_or(answer, "proxied", false);
  if (database == NULL)
    database = json_string_or(answer, "database", "");
  for (char **entry = environ; *entry != NULL; entry++)
    if (!is_replaced(*entry))
      words_add(words, str_dup(*entry));
  words_add(words, str_format("PGHOST=%s", json_string_or(answer, "host", "")));
  words_add(words, str_format("PGPORT=%lld", (long long)json_integer_or(answer, "port", 5432)));
  words_add(words, str_format("PGUSER=%s", json_string_or(answer, "user", "")));
  words_add(words, proxied ? str_format("PGDATABASE=%s@%s", database,
                                        json_string_or(answer, "place", branch))
                           : str_format("PGDATABASE=%s", database));
  words_add(words, str_format("DATABASE_URL=%s", json_string_or(answer, "url", "")));
  words_add(words, str_format("PGPASSFILE=%s", passfile));
}

/* A token has no character that a password file would take for something else. */
static bool write_passfile(Cli *cli, const json_t *answer, const char *path, Error *err) {
  AUTO(str_free) char *password = NULL;
  if (!json_bool_or(answer, "proxied", false))
    return io_write_file(path, "", 0, 0600, err);
  if (!connection_password(cli, &password, err))
    return false;
  AUTO(str_free) char *line = str_format("*:*:*:*:%s\n", password);
  return io_write_file(path, line, strlen(line), 0600, err);
}

bool connection_run(Cli *cli, const char *branch, const char *database, char *const *command,
                    int *ret_status, Error *err) {
  char folder[] = "/tmp/bough-XXXXXX";
  AUTO(json_free) json_t *answer = NULL;
  AUTO_RELEASE(words_release) Words environment = {0};
  ProcessResult result = {0};
  if (!get_url(cli, branch, &answer, err))
    return false;
  if (mkdtemp(folder) == NULL)
    return error_set(err, ERROR_IO, "could not make a folder in /tmp");
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {folder};
  AUTO(str_free) char *passfile = path_join(folder, "pgpass");
  AUTO(str_free) char *here = getcwd(NULL, 0);
  if (!write_passfile(cli, answer, passfile, err))
    return false;
  fill(&environment, answer, branch, database, passfile);
  ProcessOptions options = PROCESS_OPTIONS;
  options.environment = (const char *const *)environment.words;
  options.directory = here;
  options.output = STDERR_FILENO;
  if (!process_run((const char *const *)command, &options, &result, err))
    return false;
  *ret_status = result.status;
  process_result_release(&result);
  return true;
}
