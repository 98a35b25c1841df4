/* Merge queues: waiting in one, and looking at them. */
#include "cli/handlers.h"
#include "cli/queue.h"
#include "cli/show.h"
#include "core/clock.h"
#include "core/str.h"

#include <string.h>

enum { POLL_MS = 400, POLL_LIMIT_MS = 2000 };

static bool call(Cli *cli, const char *project, const char *entry, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, project);
  buffer_add_text(&path, "/queue");
  if (entry != NULL) {
    buffer_add_text(&path, "/");
    url_add_encoded(&path, entry);
  }
  return cli_call(cli, "GET", path.text, NULL, ret, err);
}

bool queue_read(Cli *cli, const char *project, json_t **ret, Error *err) {
  return call(cli, project, NULL, ret, err);
}

static char *names_of(const json_t *list) {
  Buffer names = {0};
  size_t at = 0;
  const json_t *name = NULL;
  buffer_add_text(&names, "");
  json_array_foreach(list, at, name) {
    buffer_add_format(&names, "%s%s", at > 0 ? ", " : "", json_string_value(name));
  }
  return buffer_steal(&names);
}

char *queue_place(const json_t *entry) {
  AUTO(str_free) char *with = names_of(json_object_get(entry, "with"));
  const char *state = show_text(entry, "state");
  bool tested = str_equal(state, "testing");
  return str_format("%lld of %lld in the queue of %s, %s%s%s",
                    (long long)json_integer_or(entry, "place", 0),
                    (long long)json_integer_or(entry, "of", 0), show_text(entry, "tier"), state,
                    tested && with[0] != '\0' ? " with " : "", tested ? with : "");
}

static bool read_error(const json_t *entry, Error *err) {
  const json_t *error = json_object_get(entry, "error");
  if (str_equal(show_text(entry, "state"), "withdrawn"))
    return error_set(err, ERROR_CANCELLED, "it was taken out of the queue");
  json_to_error(error, err);
  return false;
}

bool queue_wait(Cli *cli, const char *project, const json_t *entry, int64_t limit_s, Error *err) {
  AUTO(str_free) char *id = str_dup(show_text(entry, "entry"));
  int64_t pause_ms = POLL_MS;
  for (int64_t end = clock_monotonic_ms() + limit_s * 1000;;) {
    AUTO(json_free) json_t *answer = NULL;
    if (!call(cli, project, id, &answer, err))
      return false;
    const json_t *now = json_object_get(answer, "entry");
    const char *state = show_text(now, "state");
    if (str_equal(state, "merged") || str_equal(state, "refused") ||
        str_equal(state, "withdrawn")) {
      output_end_progress(&cli->output);
      return str_equal(state, "merged") || read_error(now, err);
    }
    AUTO(str_free) char *place = queue_place(now);
    if (clock_monotonic_ms() >= end) {
      (void)error_set(err, ERROR_TIMEOUT, "not merged after %lld seconds: %s", (long long)limit_s,
                      place);
      return error_hint(err, "it stays in the queue: `bough scm status`, `bough scm withdraw`");
    }
    output_set_progress(&cli->output, place, 0, 0);
    clock_sleep_ms(pause_ms);
    pause_ms = pause_ms * 2 < POLL_LIMIT_MS ? pause_ms * 2 : POLL_LIMIT_MS;
  }
}

bool cmd_ci_queue_run(Cli *cli, json_t **ret, Error *err) {
  return queue_read(cli, cli_project(cli), ret, err);
}

void cmd_ci_queue_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"QUEUE", "PLACE", "FEATURE", "STATE", "WITH", "BY", "SINCE"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *entry = NULL;
  json_array_foreach(show_array(result, "queue"), at, entry) {
    char ago[HUMAN_SIZE + 16];
    AUTO(str_free)
    char *place = str_format("%lld", (long long)json_integer_or(entry, "place", 0));
    AUTO(str_free) char *with = names_of(json_object_get(entry, "with"));
    show_ago(show_text(entry, "asked_at"), ago);
    table_add(&table, COLOUR_NONE, show_text(entry, "tier"));
    table_add(&table, COLOUR_NONE, place);
    table_add(&table, COLOUR_NONE, show_text(entry, "feature"));
    table_add(&table, COLOUR_NONE, show_text(entry, "state"));
    table_add(&table, COLOUR_NONE, with);
    table_add(&table, COLOUR_NONE, show_text(entry, "asked_by"));
    table_add(&table, COLOUR_NONE, ago);
  }
  table_print(&table, &cli->output);
}
