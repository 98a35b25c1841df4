/* bough migrate lint, as the program bough-lint: reads the files here, lints them here, or with
 * --branch on the server, which has the data to look at. */
#include "cli/handlers.h"
#include "cli/layout.h"
#include "cli/show.h"
#include "core/io.h"
#include "core/name.h"
#include "lint/lint.h"
#include "migration/migration.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_FINDINGS = 2, FILE_LIMIT = 32 * 1024 * 1024 };

/* What is to be linted: an array of {file,text,undo,undo_is_known,wrapped}, as the route
 * takes it. */
static void add_input(json_t *inputs, const char *file, const char *text, const char *undo,
                      bool undo_is_known, bool is_wrapped) {
  (void)json_array_append_new(
      inputs, json_pack("{s:o, s:s, s:s*, s:b, s:b}", "file", json_line(file), "text", text, "undo",
                        undo, "undo_is_known", undo_is_known, "wrapped", is_wrapped));
}

static void add_migration(json_t *inputs, const char *folder, const Migration *migration) {
  AUTO(str_free) char *file = path_join(folder, migration->file);
  add_input(inputs, file, migration->up, migration->down, !migration->repeatable,
            !migration->up_alone);
}

/* What the branch's ledger says of each file: {file: state}. */
static bool read_states(Cli *cli, const MigrationSet *set, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  const char *branch = invocation_value(invocation, "branch");
  const char *database = invocation_value(invocation, "database");
  AUTO(json_free) json_t *body = migration_set_to_json(set);
  AUTO(json_free) json_t *status = NULL;
  AUTO(str_free)
  char *path =
      str_format("/v1/projects/%s/branches/%s/migrations/status", cli_project(cli), branch);
  if (database != NULL)
    (void)json_object_set_new(body, "database", json_string(database));
  if (!name_check("branch", branch, err) || !cli_call(cli, "POST", path, body, &status, err))
    return false;
  *ret = json_object();
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(show_array(status, "migrations"), at, item) {
    (void)json_object_set(*ret, json_string_or(item, "file", ""), json_object_get(item, "state"));
  }
  return true;
}

/* What a branch has already can't be held against its data any more. */
static bool add_folder(Cli *cli, const char *folder, json_t *inputs, Error *err) {
  AUTO_RELEASE(migration_files_release) MigrationFiles files = {0};
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  AUTO(str_free) char *layout = layout_of_folder(cli, folder);
  if (!migration_files_read(folder, &files, err) || !migration_parse(&files, layout, &set, err))
    return error_prefix(err, "%s", folder);
  AUTO(json_free) json_t *states = NULL;
  if (invocation_value(&cli->invocation, "branch") != NULL && !read_states(cli, &set, &states, err))
    return false;
  for (size_t at = 0; at < set.count; at++)
    if (!str_equal(json_string_or(states, set.items[at].file, NULL), "applied"))
      add_migration(inputs, folder, &set.items[at]);
  return true;
}

static bool add_file(const char *path, json_t *inputs, Error *err) {
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_exists(path))
    return error_set(err, ERROR_NOTHING_TO_DO, "there is no file \"%s\"", path);
  if (!io_read_file(path, FILE_LIMIT, &text, &length, err))
    return false;
  AUTO(json_free) json_t *value = json_stringn(text, length);
  if (value == NULL || strlen(text) != length)
    return error_set(err, ERROR_USAGE, "%s isn't UTF-8", path);
  add_input(inputs, path, text, NULL, false, false);
  return true;
}

static bool read_inputs(Cli *cli, json_t *inputs, Error *err) {
  const Invocation *invocation = &cli->invocation;
  const char *folder = invocation_value(invocation, "dir");
  if (invocation->word_count == 0 || folder != NULL)
    if (!add_folder(cli, folder != NULL ? folder : "migrations", inputs, err))
      return false;
  for (size_t at = 0; at < invocation->word_count; at++) {
    const char *path = invocation->words[at];
    if (io_is_directory(path) ? !add_folder(cli, path, inputs, err) : !add_file(path, inputs, err))
      return false;
  }
  return true;
}

static bool lint_here(const Cli *cli, const json_t *inputs, json_t **ret, Error *err) {
  LintOptions options = {.taste = invocation_has(&cli->invocation, "all"),
                         .idempotent = invocation_has(&cli->invocation, "idempotent")};
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  if (!lint_inputs(inputs, &options, &report, err))
    return false;
  *ret = lint_report_to_json(&report);
  return true;
}

static bool lint_there(Cli *cli, json_t *inputs, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  const char *branch = invocation_value(invocation, "branch");
  if (!name_check("branch", branch, err))
    return false;
  AUTO(str_free)
  char *path = str_format("/v1/projects/%s/branches/%s/lint", cli_project(cli), branch);
  AUTO(json_free)
  json_t *body =
      json_pack("{s:O, s:b, s:b, s:s*}", "files", inputs, "all", invocation_has(invocation, "all"),
                "idempotent", invocation_has(invocation, "idempotent"), "database",
                invocation_value(invocation, "database"));
  return cli_call(cli, "POST", path, body, ret, err);
}

static bool print_rules(void) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  lint_render_rules(&text);
  (void)fputs(text.text, stdout);
  return true;
}

bool cmd_lint_run(Cli *cli, json_t **ret, Error *err) {
  if (invocation_has(&cli->invocation, "rules"))
    return print_rules();
  AUTO(json_free) json_t *inputs = json_array();
  if (!read_inputs(cli, inputs, err))
    return false;
  bool there = invocation_value(&cli->invocation, "branch") != NULL;
  if (there ? !lint_there(cli, inputs, ret, err) : !lint_here(cli, inputs, ret, err))
    return false;
  if (json_integer_or(*ret, "errors", 0) > 0)
    cli->exit_status = EXIT_FINDINGS;
  return true;
}

void cmd_lint_show(Cli *cli, const json_t *result) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  lint_render_text(result, !invocation_has(&cli->invocation, "brief"), &text);
  for (char *line = text.text; line != NULL && *line != '\0';) {
    char *end = strchr(line, '\n');
    *end = '\0';
    show_line(cli, COLOUR_NONE, "%s", line);
    line = end + 1;
  }
}
