/* bough project ... */
#include "cli/handlers.h"
#include "cli/show.h"
#include "cli/source.h"
#include "cli/upload.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

enum { SCALE_LIMIT = 10000 };

/* Where the data of a new project comes from: the flag that says so, those that go with it only,
 * and what makes the request's "source" of it. */
typedef bool SourceMake(Cli *cli, json_t **ret, Error *err);
static SourceMake make_empty, make_sample, make_from, make_sql;

static const struct SourceKind {
  const char *flag;
  const char *also; /* a flag that makes sense with this kind only */
  SourceMake *make;
} source_kinds[] = {
    {"empty", NULL, make_empty},
    {"sample", "scale", make_sample},
    {"from", "method", make_from},
    {"sql", "trust", make_sql},
};

static bool choose_kind(const Invocation *invocation, const struct SourceKind **ret, Error *err) {
  const struct SourceKind *chosen = NULL;
  for (size_t at = 0; at < ARRAY_LENGTH(source_kinds); at++) {
    const struct SourceKind *kind = &source_kinds[at];
    bool is_given = invocation_has(invocation, kind->flag);
    if (is_given && chosen != NULL)
      return error_set(err, ERROR_USAGE, "--%s and --%s exclude each other", chosen->flag,
                       kind->flag);
    if (!is_given && kind->also != NULL && invocation_has(invocation, kind->also))
      return error_set(err, ERROR_USAGE, "--%s goes with --%s only", kind->also, kind->flag);
    if (is_given)
      chosen = kind;
  }
  if (chosen == NULL) {
    (void)error_set(err, ERROR_USAGE, "where should the data come from?");
    return error_hint(err, "give --sample inventory, --from CONNINFO, --sql FILE or --empty");
  }
  *ret = chosen;
  return true;
}

static bool make_empty(Cli *cli, json_t **ret, Error *err) {
  *ret = json_pack("{s:s}", "kind", "empty");
  return true;
}

static bool make_sample(Cli *cli, json_t **ret, Error *err) {
  const char *scale = invocation_value(&cli->invocation, "scale");
  char *end = NULL;
  long number = scale != NULL ? strtol(scale, &end, 10) : 1;
  if (number < 1 || number > SCALE_LIMIT || (end != NULL && *end != '\0'))
    return error_set(err, ERROR_USAGE, "--scale takes a number from 1 to %d", SCALE_LIMIT);
  *ret = json_pack("{s:s, s:s, s:i}", "kind", "sample", "sample",
                   invocation_value(&cli->invocation, "sample"), "scale", (int)number);
  return true;
}

static bool make_from(Cli *cli, json_t **ret, Error *err) {
  static const char *const methods[] = {"auto", "basebackup", "dump"};
  const char *conninfo = invocation_value(&cli->invocation, "from");
  const char *method = invocation_value(&cli->invocation, "method");
  bool is_known = method == NULL;
  for (size_t at = 0; at < ARRAY_LENGTH(methods); at++)
    is_known = is_known || str_equal(methods[at], method);
  if (!is_known)
    return error_set(err, ERROR_USAGE, "--method is auto, basebackup or dump");
  AUTO(json_free) json_t *source = NULL;
  if (!source_ask(conninfo, &source, err))
    return false;
  *ret = json_pack("{s:s, s:s, s:s*, s:s*}", "kind", "from", "conninfo", conninfo, "password",
                   json_string_or(source, "password", NULL), "method", method);
  return *ret != NULL || error_set(err, ERROR_USAGE, "the connection string is not UTF-8");
}

static bool make_sql(Cli *cli, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  AUTO_RELEASE(words_release) Words paths = {0};
  for (size_t at = 0; at < invocation->flag_count; at++)
    if (str_equal(invocation->flags[at].flag->name, "sql"))
      words_add(&paths, str_dup(invocation->flags[at].value));
  json_t *uploads = NULL;
  if (!upload_files(cli, &paths, &uploads, err))
    return false;
  *ret = json_pack("{s:s, s:o, s:b}", "kind", "sql", "uploads", uploads, "trust",
                   invocation_has(invocation, "trust"));
  return true;
}

bool cmd_project_create_run(Cli *cli, json_t **ret, Error *err) {
  const Invocation *invocation = &cli->invocation;
  const struct SourceKind *kind = NULL;
  json_t *source = NULL;
  if (!choose_kind(invocation, &kind, err) || !cli_client(cli, err) ||
      !kind->make(cli, &source, err))
    return false;
  AUTO(json_free)
  json_t *body = json_pack("{s:s, s:s*, s:o}", "name", invocation->arguments[0], "root",
                           invocation_value(invocation, "root"), "source", source);
  bool ok = cli_call(cli, "POST", "/v1/projects", body, ret, err);
  upload_discard(cli, json_object_get(source, "uploads"));
  return ok;
}

void cmd_project_create_show(Cli *cli, const json_t *result) {
  const json_t *project = json_object_get(result, "project");
  const json_t *branch = json_object_get(result, "branch");
  char duration[HUMAN_SIZE];
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_line(cli, COLOUR_GOOD, "project %s with branch %s created in %s", show_text(project, "name"),
            show_text(branch, "name"), duration);
  show_line(cli, COLOUR_NONE, "%s", show_text(result, "url"));
  show_notes(cli, result);
}

/* "app, erp", owned by the caller. */
static char *join_names(const json_t *array) {
  Buffer names = {0};
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(array, at, name) {
    if (json_is_string(name))
      buffer_add_format(&names, "%s%s", names.length > 0 ? ", " : "", json_string_value(name));
  }
  return buffer_steal(&names);
}

void cmd_project_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"NAME", "STATE", "ROOT", "DATABASES", "CREATED", "BY"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *project = NULL;
  json_array_foreach(show_array(result, "projects"), at, project) {
    const char *state = show_text(project, "state");
    AUTO(str_free) char *databases = join_names(show_array(project, "databases"));
    char ago[HUMAN_SIZE + 16];
    show_ago(show_text(project, "created_at"), ago);
    table_add(&table, COLOUR_NONE, show_text(project, "name"));
    table_add(&table, output_state_colour(state), state);
    table_add(&table, COLOUR_NONE, show_text(project, "root_branch"));
    table_add(&table, COLOUR_NONE, databases);
    table_add(&table, COLOUR_NONE, ago);
    table_add(&table, COLOUR_NONE, show_text(project, "created_by"));
  }
  table_print(&table, &cli->output);
}

void cmd_project_show_show(Cli *cli, const json_t *result) {
  const json_t *project = json_object_get(result, "project");
  AUTO(str_free) char *databases = join_names(show_array(project, "databases"));
  const json_t *source = json_object_get(project, "source");
  AUTO(str_free) char *source_text = json_is_object(source) ? json_text(source) : NULL;
  show_field(cli, "project", show_text(project, "name"));
  show_field(cli, "id", show_text(project, "id"));
  show_state_field(cli, "state", show_text(project, "state"));
  show_field(cli, "error", json_string_or(project, "error", NULL));
  show_field(cli, "root branch", show_text(project, "root_branch"));
  show_field(cli, "databases", databases);
  show_field(cli, "source", source_text != NULL ? source_text : json_string_value(source));
  show_field(cli, "created by", show_text(project, "created_by"));
  show_field(cli, "created at", show_text(project, "created_at"));
}

void cmd_project_delete_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "project %s deleted", cli->invocation.arguments[0]);
}
