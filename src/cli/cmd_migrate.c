/* bough migrate ...: reads the folder here, because the server never reads a client's files. */
#include "cli/connection.h"
#include "cli/handlers.h"
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
  const char *layout = invocation_value(&cli->invocation, "layout");
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

bool cmd_migrate_verify_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = NULL;
  AUTO(json_free) json_t *notes = NULL;
  char *const *rest = cli->invocation.rest;
  bool has_tests = rest != NULL && rest[0] != NULL;
  if (!read_folder(cli, &body, &notes, err) || !add_flags(&cli->invocation, body, err))
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

/* ---- what people read ---- */

static Colour colour_of(const char *state) {
  if (str_equal(state, "applied"))
    return COLOUR_GOOD;
  return str_equal(state, "pending") || str_equal(state, "changed") ? COLOUR_NONE : COLOUR_WARNING;
}

static void show_findings(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(show_array(result, "findings"), at, finding) {
    show_line(cli, COLOUR_WARNING, "%s: %s", show_text(finding, "code"),
              show_text(finding, "message"));
    show_line(cli, COLOUR_NONE, "  %s", show_text(finding, "hint"));
  }
}

static void show_sum(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_NONE, "%s: %lld applied, %lld pending; the schema %s",
            show_text(result, "branch"), (long long)json_integer_or(result, "applied", 0),
            (long long)json_integer_or(result, "pending", 0),
            str_equal(show_text(result, "schema"), "matches")
                ? "is as the last migration left it"
                : (str_equal(show_text(result, "schema"), "differs")
                       ? "was changed by other means since the last migration"
                       : "hasn't been compared yet"));
}

void cmd_migrate_status_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"VERSION", "NAME", "STATE", "APPLIED", "BY", "UNDO"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *one = NULL;
  json_array_foreach(show_array(result, "migrations"), at, one) {
    char ago[HUMAN_SIZE + 16] = "-";
    if (json_is_string(json_object_get(one, "applied_at")))
      show_ago(show_text(one, "applied_at"), ago);
    table_add(&table, COLOUR_NONE, show_text(one, "version"));
    table_add(&table, COLOUR_NONE, show_text(one, "name"));
    table_add(&table, colour_of(show_text(one, "state")), show_text(one, "state"));
    table_add(&table, COLOUR_NONE, ago);
    table_add(&table, COLOUR_NONE, show_text(one, "author"));
    table_add(&table, COLOUR_NONE, json_bool_or(one, "has_undo", false) ? "yes" : "no");
  }
  table_print(&table, &cli->output);
  show_findings(cli, result);
  show_notes(cli, result);
  show_sum(cli, result);
}

void cmd_migrate_change_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *one = NULL;
  json_array_foreach(show_array(result, "done"), at, one) {
    char duration[HUMAN_SIZE];
    human_duration(json_number_or(one, "duration_ms", 0), duration);
    show_line(cli, COLOUR_GOOD, "%s (%s)", show_text(one, "file"), duration);
  }
  if (at == 0)
    show_line(cli, COLOUR_NONE, "Nothing to do");
  show_notes(cli, result);
  show_sum(cli, result);
}

static void show_deed(Cli *cli, const json_t *one, const char *key, const char *good,
                      const char *bad) {
  const json_t *deed = json_object_get(one, key);
  if (deed == NULL)
    return;
  bool ok = json_bool_or(deed, "ok", false);
  show_line(cli, ok ? COLOUR_GOOD : COLOUR_BAD, "  %s%s%s", ok ? good : bad, ok ? "" : ": ",
            ok ? "" : show_text(deed, "message"));
}

static void show_locks(Cli *cli, const json_t *one) {
  size_t at = 0;
  const json_t *step = NULL;
  json_array_foreach(show_array(one, "statements"), at, step) {
    size_t number = 0;
    const json_t *lock = NULL;
    json_array_foreach(show_array(step, "locks"), number, lock) {
      char held[HUMAN_SIZE];
      human_duration(json_number_or(lock, "held_ms", 0), held);
      show_line(cli, COLOUR_NONE, "  line %lld locks %s, %s, for %s",
                (long long)json_integer_or(step, "line", 0), show_text(lock, "relation"),
                show_text(lock, "mode"), held);
    }
  }
}

static void show_cost(Cli *cli, const json_t *one) {
  char wal[HUMAN_SIZE];
  size_t at = 0;
  const json_t *table = NULL;
  json_array_foreach(show_array(one, "rewritten"), at, table) {
    char bytes[HUMAN_SIZE];
    human_bytes(json_integer_or(table, "bytes", 0), bytes);
    show_line(cli, COLOUR_WARNING, "  rewrites %s (%s)", show_text(table, "table"), bytes);
  }
  human_bytes(json_integer_or(one, "wal_bytes", -1), wal);
  show_line(cli, COLOUR_NONE, "  %s of log, %lld kB more on disk%s", wal,
            (long long)json_integer_or(one, "disk_bytes", 0) / 1024,
            json_is_boolean(json_object_get(one, "idempotent"))
                ? (json_bool_or(one, "idempotent", false) ? "; may be run twice"
                                                          : "; can't be run twice as it is")
                : "");
}

static void show_rollback(Cli *cli, const json_t *one) {
  const json_t *rollback = json_object_get(one, "rollback");
  const json_t *data = json_object_get(one, "data");
  size_t at = 0;
  const json_t *value = NULL;
  if (rollback == NULL)
    return;
  show_line(cli, str_equal(show_text(rollback, "verdict"), "drift") ? COLOUR_BAD : COLOUR_NONE,
            "  schema after its undo: %s", show_text(rollback, "verdict"));
  json_array_foreach(show_array(rollback, "differences"), at, value) {
    show_line(cli, COLOUR_NONE, "    %s", json_string_value(value));
  }
  json_array_foreach(show_array(data, "lost"), at, value) {
    show_line(cli, COLOUR_BAD, "    data: %s %s: %s", show_text(value, "table"),
              show_text(value, "column"), show_text(value, "message"));
  }
  if (data != NULL)
    show_line(cli, COLOUR_NONE,
              "  data after its undo: %s (%lld tables unchanged on disk, %lld read, %lld kB, "
              "%.0f ms)",
              show_text(data, "verdict"), (long long)json_integer_or(data, "unchanged", 0),
              (long long)json_integer_or(data, "read", 0),
              (long long)json_integer_or(data, "bytes_read", 0) / 1024,
              json_number_or(data, "duration_ms", 0));
}

void cmd_migrate_verify_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *one = NULL;
  json_array_foreach(show_array(result, "migrations"), at, one) {
    show_line(cli, COLOUR_BOLD, "%s", show_text(one, "file"));
    show_deed(cli, one, "applies", "applies", "doesn't apply");
    show_locks(cli, one);
    if (json_bool_or(json_object_get(one, "applies"), "ok", false))
      show_cost(cli, one);
    show_deed(cli, one, "rollback", "its undo runs", "its undo fails");
    show_rollback(cli, one);
    show_deed(cli, one, "reapply", "applies again after that", "doesn't apply again after that");
  }
  const json_t *tests = json_object_get(result, "tests");
  if (tests != NULL)
    show_line(cli, json_bool_or(tests, "ok", false) ? COLOUR_GOOD : COLOUR_BAD,
              "Tests end with status %lld", (long long)json_integer_or(tests, "status", 0));
  show_notes(cli, result);
  bool proved = json_bool_or(result, "proved", false);
  show_line(cli, proved ? COLOUR_GOOD : COLOUR_BAD,
            at == 0  ? "Nothing to prove"
            : proved ? "Proved"
                     : "Not proved");
}
