/* bough audit ... */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/clock.h"
#include "core/io.h"

#include <stdio.h>
#include <string.h>

enum {
  EXIT_TAMPERED = 3,
  FOLLOW_MS = 1000,
  ANCHORS_LIMIT = 64 * 1024 * 1024,
  ANCHORS_SENT = 3 * 1024 * 1024, /* of the file's end: the newest say what the older ones do */
};

/* Rows
 * ---------------------------------------------------------------------------------------------- */

static char *list_path(const Cli *cli, int64_t after) {
  static const char *const filters[] = {"since", "principal", "branch", "action", "limit"};
  const Invocation *invocation = &cli->invocation;
  Buffer path = {0};
  buffer_add_format(&path, "/v1/audit?refused=%d", invocation_has(invocation, "refused") ? 1 : 0);
  for (size_t at = 0; at < ARRAY_LENGTH(filters); at++) {
    const char *value = invocation_value(invocation, filters[at]);
    if (value == NULL)
      continue;
    buffer_add_format(&path, "&%s=", filters[at]);
    url_add_encoded(&path, value);
  }
  if (after > 0)
    buffer_add_format(&path, "&after=%lld", (long long)after);
  return buffer_steal(&path);
}

static bool get_events(Cli *cli, int64_t after, json_t **ret, Error *err) {
  AUTO(str_free) char *path = list_path(cli, after);
  return cli_call(cli, "GET", path, NULL, ret, err);
}

static char *who(const json_t *event) {
  const char *actor = json_string_or(event, "actor", "");
  const char *other = json_string_or(event, "on_behalf_of", NULL);
  return other != NULL ? str_format("%s for %s", actor, other)
                       : str_dup(actor[0] != '\0' ? actor : "-");
}

static const char *branch_of(const json_t *event) {
  const json_t *params = json_object_get(event, "request_params");
  const char *name = json_string_or(event, "branch", NULL);
  if (name == NULL)
    name = json_string_or(params, "branch", NULL);
  return name != NULL ? name : json_string_or(event, "branch_id", "-");
}

/* What went wrong, and how often. */
static char *detail_of(const json_t *event) {
  const json_t *params = json_object_get(event, "request_params");
  const char *message = json_string_or(event, "error_message", "");
  int64_t count = json_integer_or(params, "count", 1);
  return count > 1 ? str_format("%lld times: %s", (long long)count, message) : str_dup(message);
}

static void show_events(const Cli *cli, const json_t *events) {
  static const char *const titles[] = {"TIME",   "WHO",  "ACTION", "BRANCH",
                                       "RESULT", "FROM", "DETAIL"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *event = NULL;
  json_array_foreach(events, at, event) {
    AUTO(str_free) char *actor = who(event);
    AUTO(str_free) char *detail = detail_of(event);
    AUTO(str_free) char *time = str_format("%.23sZ", show_text(event, "event_time"));
    bool done = str_equal(show_text(event, "status"), "ok");
    table_add(&table, COLOUR_NONE, time);
    table_add(&table, COLOUR_NONE, actor);
    table_add(&table, COLOUR_NONE, show_text(event, "action_name"));
    table_add(&table, COLOUR_NONE, branch_of(event));
    table_add(&table, done ? COLOUR_NONE : COLOUR_BAD,
              done ? "ok" : show_text(event, "error_code"));
    table_add(&table, COLOUR_NONE, show_text(event, "source_ip"));
    table_add(&table, COLOUR_NONE, detail);
  }
  table_print(&table, &cli->output);
}

void cmd_audit_show(Cli *cli, const json_t *result) {
  show_events(cli, show_array(result, "events"));
}

static int64_t newest(const json_t *result, int64_t before) {
  size_t at = 0;
  const json_t *event = NULL;
  json_array_foreach(show_array(result, "events"), at, event) {
    int64_t serial = json_integer_or(event, "serial", 0);
    before = serial > before ? serial : before;
  }
  return before;
}

/* A line each, since nobody knows how wide the next one will be. */
static void show_lines(const Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *event = NULL;
  json_array_foreach(show_array(result, "events"), at, event) {
    AUTO(str_free) char *actor = who(event);
    AUTO(str_free) char *detail = detail_of(event);
    bool done = str_equal(show_text(event, "status"), "ok");
    show_line(cli, done ? COLOUR_NONE : COLOUR_BAD, "%.23sZ  %-16s  %-20s  %-20s  %-16s  %s",
              show_text(event, "event_time"), actor, show_text(event, "action_name"),
              branch_of(event), done ? "ok" : show_text(event, "error_code"), detail);
  }
  (void)fflush(stdout);
}

/* Until it is interrupted, or the server goes. */
static bool follow(Cli *cli, const json_t *first, Error *err) {
  int64_t after = newest(first, 0);
  show_lines(cli, first);
  for (;;) {
    AUTO(json_free) json_t *more = NULL;
    clock_sleep_ms(FOLLOW_MS);
    if (!get_events(cli, after, &more, err))
      return false;
    show_lines(cli, more);
    after = newest(more, after);
  }
}

bool cmd_audit_run(Cli *cli, json_t **ret, Error *err) {
  bool follows = invocation_has(&cli->invocation, "follow");
  AUTO(json_free) json_t *result = NULL;
  if (follows && cli->output.is_json)
    return error_set(err, ERROR_USAGE, "--follow has no end, so --json has no object to print");
  if (!get_events(cli, 0, &result, err))
    return false;
  if (follows)
    return follow(cli, result, err);
  *ret = STEAL(result);
  return true;
}

/* Verify
 * ------------------------------------------------------------------------------------------- */

static bool read_anchors(const char *path, json_t **ret, Error *err) {
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_read_file(path, ANCHORS_LIMIT, &text, &length, err))
    return false;
  const char *from = text;
  if (length > ANCHORS_SENT) {
    from = strchr(text + length - ANCHORS_SENT, '\n');
    from = from != NULL ? from + 1 : text + length;
  }
  json_t *body = json_pack("{s:s}", "anchors", from);
  if (body == NULL)
    return error_set(err, ERROR_USAGE, "\"%s\" is no file of anchors", path);
  *ret = body;
  return true;
}

bool cmd_audit_verify_run(Cli *cli, json_t **ret, Error *err) {
  const char *path = invocation_value(&cli->invocation, "anchor");
  AUTO(json_free) json_t *body = NULL;
  if ((path != NULL && !read_anchors(path, &body, err)) ||
      !cli_call(cli, "POST", "/v1/audit/verify", body, ret, err))
    return false;
  if (!json_bool_or(*ret, "ok", false))
    cli->exit_status = EXIT_TAMPERED;
  return true;
}

void cmd_audit_verify_show(Cli *cli, const json_t *result) {
  const json_t *findings = show_array(result, "findings");
  int64_t count = json_integer_or(result, "findings_count", 0);
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(findings, at, finding) {
    int64_t seq = json_integer_or(finding, "seq", 0);
    AUTO(str_free) char *place = seq > 0 ? str_format(" %lld", (long long)seq) : str_dup("");
    output_text(&cli->output, COLOUR_BAD, show_text(finding, "kind"));
    show_line(cli, COLOUR_NONE, "%s: %s (event %s, %s)", place, show_text(finding, "text"),
              show_text(finding, "event_id"), show_text(finding, "event_time"));
  }
  if ((int64_t)json_array_size(findings) < count)
    show_line(cli, COLOUR_NONE, "and %lld more",
              (long long)(count - (int64_t)json_array_size(findings)));
  show_line(cli, count == 0 ? COLOUR_GOOD : COLOUR_BAD,
            "%lld entries checked (%lld to %lld) against %lld signed heads and %lld anchors: %s",
            (long long)json_integer_or(result, "checked", 0),
            (long long)json_integer_or(result, "first", 0),
            (long long)json_integer_or(result, "last", 0),
            (long long)json_integer_or(result, "heads", 0),
            (long long)json_integer_or(result, "anchors", 0),
            count == 0 ? "nothing was changed" : "the audit was tampered with");
}
