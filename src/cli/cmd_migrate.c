/* bough migrate ...: reads the folder here, because the server never reads a client's files. */
#include "cli/connection.h"
#include "cli/handlers.h"
#include "cli/layout.h"
#include "cli/show.h"
#include "cli/upload.h"
#include "cli/words.h"
#include "core/duration.h"
#include "core/io.h"
#include "core/str.h"
#include "migration/migration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOAD_LIMIT = 1024 * 1024 };
enum { BODY_LIMIT = 3 * 1024 * 1024 }; /* a longer request goes by an upload */

static const char *folder_of(const Cli *cli) {
  const char *folder = invocation_value(&cli->invocation, "dir");
  return folder != NULL ? folder : "migrations";
}

/* ---- new ---- */

bool cmd_migrate_new_run(Cli *cli, json_t **ret, Error *err) {
  return migration_new(folder_of(cli), cli->invocation.arguments[0], ret, err);
}

void cmd_migrate_new_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *file = NULL;
  json_array_foreach(show_array(result, "files"), at, file) {
    show_line(cli, COLOUR_NONE, "%s", json_string_value(file));
  }
}

/* ---- requests ---- */

static bool read_folder(const Cli *cli, json_t **ret, json_t **ret_notes, Error *err) {
  AUTO_RELEASE(migration_files_release) MigrationFiles files = {0};
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  AUTO(str_free) char *layout = layout_of_folder(cli, folder_of(cli));
  if (!migration_files_read(folder_of(cli), &files, err) ||
      !migration_parse(&files, layout, &set, err))
    return error_prefix(err, "%s", folder_of(cli));
  *ret = migration_set_to_json(&set);
  *ret_notes = STEAL(set.notes);
  return *ret != NULL || error_set(err, ERROR_MIGRATION_INVALID, "a file's name is not UTF-8");
}

static bool add_attempts(const Invocation *invocation, json_t *body, Error *err) {
  const char *text = invocation_value(invocation, "attempts");
  char *end = NULL;
  long number = text != NULL ? strtol(text, &end, 10) : 0;
  if (text == NULL)
    return true;
  if (number < 1 || number > 100 || *end != '\0')
    return error_set(err, ERROR_USAGE, "--attempts takes a number from 1 to 100");
  return json_object_set_new(body, "attempts", json_integer(number)) == 0;
}

static bool add_lock_timeout(const Invocation *invocation, json_t *body, Error *err) {
  const char *text = invocation_value(invocation, "lock-timeout");
  int64_t seconds = 0;
  if (text == NULL)
    return true;
  if (!duration_parse(text, &seconds, err))
    return error_prefix(err, "--lock-timeout");
  return json_object_set_new(body, "lock_timeout_ms", json_integer(seconds * 1000)) == 0;
}

static bool add_flags(const Invocation *invocation, json_t *body, Error *err) {
  static const char *const texts[] = {"database", "to"};
  json_t *accept = json_array();
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    const char *value = invocation_value(invocation, texts[at]);
    if (value != NULL)
      (void)json_object_set_new(body, texts[at], json_string(value));
  }
  for (size_t at = 0; at < invocation->flag_count; at++)
    if (str_equal(invocation->flags[at].flag->name, "accept"))
      (void)json_array_append_new(accept, json_string(invocation->flags[at].value));
  (void)json_object_set_new(body, "accept", accept);
  if (invocation_has(invocation, "baseline"))
    (void)json_object_set_new(body, "baseline", json_true());
  return add_attempts(invocation, body, err) && add_lock_timeout(invocation, body, err);
}

static bool send_upload(Cli *cli, const char *text, json_t **ret, Error *err) {
  AUTO_RELEASE(words_release) Words paths = {0};
  AUTO_RELEASE(fd_release) int fd = memfd_create("migrations", MFD_CLOEXEC);
  if (fd < 0 || !io_write(fd, text, strlen(text), err) || lseek(fd, 0, SEEK_SET) != 0)
    return error_set(err, ERROR_IO, "could not hold the migrations in memory");
  words_add(&paths, str_format("/proc/self/fd/%d", fd));
  return upload_files(cli, &paths, ret, err);
}

/* Sends what is too long for a body ahead of it. */
static bool request(Cli *cli, json_t *body, json_t **ret, Error *err) {
  AUTO(str_free) char *text = json_text(body);
  const Command *command = cli->invocation.command;
  AUTO(json_free) json_t *uploads = NULL;
  if (strlen(text) <= BODY_LIMIT)
    return cli_request(cli, command, body, ret, err);
  if (!send_upload(cli, text, &uploads, err))
    return false;
  AUTO(json_free)
  json_t *pointer =
      json_pack("{s:O}", "upload", json_object_get(json_array_get(uploads, 0), "upload"));
  bool ok = cli_request(cli, command, pointer, ret, err);
  upload_discard(cli, uploads);
  return ok;
}

bool cmd_migrate_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = NULL;
  AUTO(json_free) json_t *notes = NULL;
  if (!read_folder(cli, &body, &notes, err) || !add_flags(&cli->invocation, body, err) ||
      !request(cli, body, ret, err))
    return false;
  (void)json_object_set_new(*ret, "notes", notes != NULL ? json_incref(notes) : json_array());
  return true;
}

/* ---- verify ---- */

/* The scratch branch is thrown away whatever came of the command. */
static void drop_scratch(Cli *cli, const char *name) {
  Error ignored = ERROR_INIT; /* it ends by itself, too */
  AUTO(json_free) json_t *answer = NULL;
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_format(&path, "/branches/%s", name);
  (void)!cli_call(cli, "DELETE", path.text, NULL, &answer, &ignored);
}

static bool run_tests(Cli *cli, json_t *result, Error *err) {
  const char *scratch = json_string_or(result, "scratch", NULL);
  int status = 0;
  if (scratch == NULL)
    return true;
  bool ok = connection_run(cli, scratch, invocation_value(&cli->invocation, "database"),
                           cli->invocation.rest, &status, err);
  drop_scratch(cli, scratch);
  if (!ok)
    return false;
  (void)json_object_set_new(result, "tests",
                            json_pack("{s:b, s:i}", "ok", status == 0, "status", status));
  if (status != 0)
    cli->exit_status = error_info(ERROR_MIGRATION_UNPROVED)->exit_status;
  return true;
}

static bool add_load(const Cli *cli, json_t *body, Error *err) {
  const char *path = invocation_value(&cli->invocation, "under-load");
  char *text = NULL;
  size_t length = 0;
  if (path == NULL)
    return true;
  if (!io_read_file(path, LOAD_LIMIT, &text, &length, err))
    return error_prefix(err, "--under-load");
  AUTO(str_free) char *owned = text;
  json_t *sql = json_stringn(owned, length);
  if (sql == NULL || strlen(owned) != length)
    return error_set(err, ERROR_USAGE, "\"%.200s\" is no text in UTF-8", path);
  return json_object_set_new(body, "load", sql) == 0;
}

bool cmd_migrate_verify_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = NULL;
  AUTO(json_free) json_t *notes = NULL;
  char *const *rest = cli->invocation.rest;
  bool has_tests = rest != NULL && rest[0] != NULL;
  if (!read_folder(cli, &body, &notes, err) || !add_flags(&cli->invocation, body, err) ||
      !add_load(cli, body, err))
    return false;
  (void)json_object_set_new(body, "keep", json_boolean(has_tests));
  if (!request(cli, body, ret, err))
    return false;
  (void)json_object_set_new(*ret, "notes", notes != NULL ? json_incref(notes) : json_array());
  if (!json_bool_or(*ret, "proved", false))
    cli->exit_status = error_info(ERROR_MIGRATION_UNPROVED)->exit_status;
  return run_tests(cli, *ret, err);
}

/* ---- other tools ---- */

static bool read_tools(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free)
  json_t *body = json_pack("{s:s*}", "database", invocation_value(&cli->invocation, "database"));
  return cli_request(cli, cli->invocation.command, body, ret, err);
}

bool cmd_migrate_tool_run(Cli *cli, json_t **ret, Error *err) {
  char *const *command = cli->invocation.rest;
  int status = 0;
  bool runs = command != NULL && command[0] != NULL;
  if ((runs &&
       !connection_run(cli, cli->invocation.arguments[0],
                       invocation_value(&cli->invocation, "database"), command, &status, err)) ||
      !read_tools(cli, ret, err))
    return false;
  if (runs)
    (void)json_object_set_new(*ret, "status", json_integer(status));
  if (status != 0)
    cli->exit_status = error_info(ERROR_MIGRATION_FAILED)->exit_status;
  return true;
}

void cmd_migrate_tool_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *tool = NULL;
  json_array_foreach(show_array(result, "tools"), at, tool) {
    const json_t *versions = show_array(tool, "versions");
    size_t count = json_array_size(versions);
    const char *last = count > 0 ? json_string_value(json_array_get(versions, count - 1)) : NULL;
    if (json_is_string(json_object_get(tool, "error")))
      show_line(cli, COLOUR_WARNING, "%s (%s): %s", show_text(tool, "table"),
                show_text(tool, "tool"), show_text(tool, "error"));
    else
      show_line(cli, COLOUR_NONE, "%s (%s): %zu applied, the last %s", show_text(tool, "table"),
                show_text(tool, "tool"), count, last != NULL ? last : "-");
  }
  if (at == 0)
    show_line(cli, COLOUR_NONE, "No other tool has a ledger here");
  if (json_is_integer(json_object_get(result, "status")))
    show_line(cli, COLOUR_NONE, "The command ended with status %lld",
              (long long)json_integer_or(result, "status", 0));
}
