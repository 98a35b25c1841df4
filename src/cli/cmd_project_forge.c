/* bough project forge */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/url.h"

#include <string.h>

/* {"LOGIN":"PRINCIPAL"} of --person LOGIN=PRINCIPAL...; NULL where there are none. */
static bool people_of(const Invocation *invocation, json_t **ret, Error *err) {
  AUTO(json_free) json_t *people = json_object();
  for (size_t at = 0; at < invocation->flag_count; at++) {
    if (!str_equal(invocation->flags[at].flag->name, "person"))
      continue;
    const char *person = invocation->flags[at].value;
    const char *equals = strchr(person, '=');
    if (equals == NULL || equals == person || equals[1] == '\0')
      return error_set(err, ERROR_USAGE, "--person takes LOGIN=PRINCIPAL");
    AUTO(str_free) char *login = str_ndup(person, (size_t)(equals - person));
    (void)json_object_set_new(people, login, json_string(equals + 1));
  }
  *ret = json_object_size(people) > 0 ? STEAL(people) : NULL;
  return true;
}

static bool body_of(const Invocation *invocation, json_t **ret, Error *err) {
  const char *repository = invocation_value(invocation, "github");
  const char *host = invocation_value(invocation, "host");
  json_t *people = NULL;
  if (!people_of(invocation, &people, err))
    return false;
  AUTO(json_free) json_t *owned = people;
  if (repository != NULL && invocation_has(invocation, "local"))
    return error_set(err, ERROR_USAGE, "--local and --github exclude each other");
  if (repository == NULL && (host != NULL || people != NULL))
    return error_set(err, ERROR_USAGE, "--host and --person go with --github only");
  if (repository != NULL)
    *ret = json_pack("{s:s, s:s, s:s*, s:O*}", "kind", "github", "repository", repository, "host",
                     host, "people", people);
  else if (invocation_has(invocation, "local"))
    *ret = json_pack("{s:s}", "kind", "local");
  return true;
}

bool cmd_project_forge_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = NULL;
  if (!body_of(&cli->invocation, &body, err))
    return false;
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/forge");
  return cli_call(cli, body != NULL ? "POST" : "GET", path.text, body, ret, err);
}

void cmd_project_forge_show(Cli *cli, const json_t *result) {
  const json_t *forge = json_object_get(result, "forge");
  const json_t *settings = json_object_get(forge, "settings");
  const char *login = NULL;
  json_t *principal = NULL;
  show_line(cli, COLOUR_NONE, "forge: %s", show_text(forge, "kind"));
  if (json_object_get(forge, "clone_url") != NULL)
    show_line(cli, COLOUR_NONE, "repository: %s", show_text(forge, "clone_url"));
  json_object_foreach(json_object_get(settings, "people"), login, principal) {
    show_line(cli, COLOUR_NONE, "%s is %s", login, json_string_value(principal));
  }
  if (json_object_get(forge, "error") != NULL)
    show_line(cli, COLOUR_BAD, "it can't be used: %s",
              show_text(json_object_get(forge, "error"), "message"));
}
