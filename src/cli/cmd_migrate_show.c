/* What people read about migrations: status, apply, rollback, verify. */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/str.h"

#include <stdio.h>

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

static void show_load(Cli *cli, const json_t *one) {
  char slowest[HUMAN_SIZE];
  size_t at = 0;
  const json_t *wait = NULL;
  human_duration(json_number_or(one, "slowest_ms", 0), slowest);
  show_line(cli, COLOUR_BOLD, "%s under load", show_text(one, "file"));
  if (!json_bool_or(one, "ok", false))
    show_line(cli, COLOUR_BAD, "  doesn't apply: %s", show_text(one, "message"));
  show_line(cli, COLOUR_NONE, "  %lld runs of the load, the longest took %s, %lld failed%s%s",
            (long long)json_integer_or(one, "runs", 0), slowest,
            (long long)json_integer_or(one, "failures", 0),
            json_integer_or(one, "failures", 0) > 0 ? ": " : "", show_text(one, "failure"));
  json_array_foreach(show_array(one, "waits"), at, wait) {
    char waited[HUMAN_SIZE];
    human_duration(json_number_or(wait, "waited_ms", 0), waited);
    show_line(cli, COLOUR_WARNING, "  %s waited %s for %s: %s on %s, `%s`",
              show_text(wait, "waiter"), waited, show_text(wait, "blocker"),
              show_text(wait, "mode"), show_text(wait, "relation"), show_text(wait, "statement"));
  }
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
  size_t number = 0;
  json_array_foreach(show_array(result, "load"), number, one) {
    show_load(cli, one);
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
