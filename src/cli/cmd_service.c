/* bough up, down, status, doctor, pool ... */
#include "cli/handlers.h"
#include "cli/setup_ask.h"
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_UNHEALTHY = 3 };

/* Parts of the installation, as /v1/status names them. */
static const char *const parts[] = {"agent", "runner", "catalog", "pool"};

/* States in which a part does its work. */
static const char *const good_states[] = {"up", "ok", "nearly full"};

static bool is_well(const char *state) {
  for (size_t at = 0; at < ARRAY_LENGTH(good_states); at++)
    if (str_equal(good_states[at], state))
      return true;
  return false;
}

static bool all_well(const json_t *status) {
  bool well = json_bool_or(json_object_get(status, "boughd"), "ready", false);
  for (size_t at = 0; at < ARRAY_LENGTH(parts); at++)
    well = well && is_well(json_string_or(json_object_get(status, parts[at]), "state", "down"));
  return well;
}

/* Only the local installation can be started and stopped. */
static bool refuse_server(const Cli *cli, Error *err) {
  return invocation_value(&cli->invocation, "server") == NULL ||
         error_set(err, ERROR_USAGE, "--server makes no sense here: this is about this machine");
}

bool cmd_up_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *done = NULL;
  AUTO(json_free) json_t *status = NULL;
  Error ignored = ERROR_INIT;
  if (!refuse_server(cli, err))
    return false;
  bool has_wishes = invocation_has(&cli->invocation, "postgres") ||
                    invocation_has(&cli->invocation, "http-port") ||
                    invocation_has(&cli->invocation, "port");
  bool was_up = !has_wishes && cli_call(cli, "GET", "/v1/status", NULL, &status, &ignored) &&
                all_well(status);
  if (!was_up) {
    json_free(STEAL(status));
    if (!setup_ask(cli, "up", &done, err) ||
        !cli_call(cli, "GET", "/v1/status", NULL, &status, err))
      return false;
  }
  *ret = json_pack("{s:b, s:O, s:O?}", "started", !was_up, "status", status, "setup", done);
  if (!all_well(status))
    cli->exit_status = EXIT_UNHEALTHY;
  return true;
}

void cmd_up_show(Cli *cli, const json_t *result) {
  const json_t *status = json_object_get(result, "status");
  bool started = json_bool_or(result, "started", false);
  if (!all_well(status)) {
    show_line(cli, COLOUR_BAD, "Bough is started, but not all of it runs:");
    cmd_status_show(cli, status);
    return;
  }
  show_line(cli, COLOUR_GOOD, "Bough is up%s.", started ? "" : " already");
  show_notes(cli, json_object_get(result, "setup"));
  if (json_integer_or(status, "projects", 0) == 0)
    show_line(cli, COLOUR_NONE, "Next: bough project create demo --sample inventory");
}

bool cmd_down_run(Cli *cli, json_t **ret, Error *err) {
  return refuse_server(cli, err) && setup_ask(cli, "down", ret, err);
}

void cmd_down_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "Bough is down%s.",
            json_bool_or(result, "stopped", false) ? "" : " already");
  show_notes(cli, result);
}

bool cmd_status_run(Cli *cli, json_t **ret, Error *err) {
  if (!cli_call(cli, "GET", "/v1/status", NULL, ret, err))
    return false;
  if (!all_well(*ret))
    cli->exit_status = EXIT_UNHEALTHY;
  return true;
}

static void show_part(const Cli *cli, const json_t *status, const char *name) {
  const json_t *part = json_object_get(status, name);
  show_state_field(cli, name, json_string_or(part, "state", "down"));
  const char *error = json_string_or(json_object_get(part, "error"), "message", NULL);
  if (error != NULL)
    show_line(cli, COLOUR_BAD, "  %s", error);
}

/* What keeps boughd from being ready, or what recovery could not put right. */
static void show_problems(const Cli *cli, const json_t *daemon) {
  size_t at = 0;
  const json_t *problem = NULL;
  json_array_foreach(show_array(daemon, "problems"), at, problem) {
    if (json_is_string(problem))
      show_line(cli, COLOUR_WARNING, "problem: %s", json_string_value(problem));
  }
}

static void show_room(const Cli *cli, const json_t *pool) {
  char size[HUMAN_SIZE];
  char available[HUMAN_SIZE];
  human_bytes(json_integer_or(pool, "size", -1), size);
  human_bytes(json_integer_or(pool, "available", -1), available);
  AUTO(str_free) char *room = str_format("%s of %s free", available, size);
  show_field(cli, "driver", json_string_or(pool, "driver", NULL));
  show_field(cli, "room", room);
}

static void show_count(const Cli *cli, const json_t *status, const char *key) {
  const json_t *count = json_object_get(status, key);
  if (!json_is_integer(count))
    return;
  AUTO(str_free) char *text = str_format("%lld", (long long)json_integer_value(count));
  show_field(cli, key, text);
}

void cmd_status_show(Cli *cli, const json_t *result) {
  static const char *const counts[] = {"projects", "branches", "computes", "operations"};
  char uptime[HUMAN_SIZE];
  human_age(json_integer_or(result, "uptime_seconds", -1), uptime);
  const json_t *boughd = json_object_get(result, "boughd");
  AUTO(str_free)
  char *daemon = str_format(
      "%s, version %s, pid %lld, for %s", json_bool_or(boughd, "ready", false) ? "up" : "starting",
      show_text(result, "version"), (long long)json_integer_or(boughd, "pid", 0), uptime);
  show_field(cli, "boughd", daemon);
  for (size_t at = 0; at < ARRAY_LENGTH(parts); at++)
    show_part(cli, result, parts[at]);
  show_part(cli, result, "proxy"); /* without it computes are reached over their sockets only */
  show_room(cli, json_object_get(result, "pool"));
  show_field(cli, "home", json_string_or(result, "home", NULL));
  show_field(cli, "mode", json_string_or(result, "mode", NULL));
  show_field(cli, "postgres", json_string_or(result, "postgres_bin", NULL));
  for (size_t at = 0; at < ARRAY_LENGTH(counts); at++)
    show_count(cli, result, counts[at]);
  show_problems(cli, boughd);
}

static bool is_finding_error(const json_t *finding) {
  return str_equal(json_string_or(finding, "severity", "error"), "error");
}

bool cmd_doctor_run(Cli *cli, json_t **ret, Error *err) {
  if (!cli_call(cli, "GET", "/v1/doctor", NULL, ret, err))
    return false;
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(show_array(*ret, "findings"), at, finding) {
    if (is_finding_error(finding))
      cli->exit_status = EXIT_UNHEALTHY;
  }
  return true;
}

void cmd_doctor_show(Cli *cli, const json_t *result) {
  const json_t *findings = show_array(result, "findings");
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(findings, at, finding) {
    const char *severity = show_text(finding, "severity");
    const char *subject = json_string_or(finding, "subject", "");
    output_text(&cli->output, output_state_colour(severity), severity);
    show_line(cli, COLOUR_NONE, ": %s%s%s", subject, subject[0] != '\0' ? ": " : "",
              show_text(finding, "message"));
    const char *fix = json_string_or(finding, "fix", NULL);
    if (fix != NULL && fix[0] != '\0')
      show_line(cli, COLOUR_DIM, "  %s", fix);
  }
  if (json_array_size(findings) == 0)
    show_line(cli, COLOUR_GOOD, "nothing found, all is well");
}

bool cmd_pool_create_run(Cli *cli, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  int places = invocation_has(invocation, "path") + invocation_has(invocation, "device") +
               invocation_has(invocation, "image");
  if (places != 1)
    return error_set(err, ERROR_USAGE, "give one of --path DIR, --device DEVICE, --image FILE");
  if (invocation_has(invocation, "image") != invocation_has(invocation, "size"))
    return error_set(err, ERROR_USAGE, "--image and --size go together");
  return refuse_server(cli, err) && setup_ask(cli, "pool-create", ret, err);
}

void cmd_pool_create_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "pool made: driver %s in %s", show_text(result, "driver"),
            show_text(result, "path"));
  show_notes(cli, result);
}

static char *join_features(const json_t *pool) {
  Buffer text = {0};
  size_t at = 0;
  const json_t *feature = NULL;
  json_array_foreach(show_array(pool, "features"), at, feature) {
    if (json_is_string(feature))
      buffer_add_format(&text, "%s%s", text.length > 0 ? ", " : "", json_string_value(feature));
  }
  return buffer_steal(&text);
}

void cmd_pool_status_show(Cli *cli, const json_t *result) {
  AUTO(str_free) char *features = join_features(result);
  show_room(cli, result);
  show_field(cli, "path", json_string_or(result, "path", NULL));
  show_field(cli, "features", features);
  show_count(cli, result, "volumes");
  size_t at = 0;
  const json_t *foreign = NULL;
  json_array_foreach(show_array(result, "foreign"), at, foreign) {
    if (json_is_string(foreign))
      show_field(cli, "not Bough's", json_string_value(foreign));
  }
}
