/* Says which forge a project uses. */
#include "scm/forge_setting.h"

#include "branch/access.h"
#include "catalog/forge.h"
#include "core/str.h"
#include "scm/forge.h"
#include "scm/github.h"

#include <string.h>

enum { PEOPLE_LIMIT = 1000, LOGIN_LIMIT = 100 };

/* ---- what may be said ---- */

/* A reviewer at the forge gives approvals in the name of that principal, who must be one. */
static bool check_person(Context *context, const char *login, const json_t *principal, Error *err) {
  PrincipalRow row;
  const char *name = json_string_value(principal);
  if (name == NULL || *login == '\0' || strlen(login) > LOGIN_LIMIT)
    return error_set(err, ERROR_USAGE, "\"people\" gives a principal's name for each login");
  return principal_by_name(context->catalog, name, &row, err) || error_prefix(err, "%s", login);
}

static bool check_people(Context *context, const json_t *people, Error *err) {
  const char *login = NULL;
  json_t *principal = NULL;
  if (people == NULL)
    return true;
  if (!json_is_object(people) || json_object_size(people) > PEOPLE_LIMIT)
    return error_set(err, ERROR_USAGE, "\"people\" must be an object of at most %d members",
                     PEOPLE_LIMIT);
  json_object_foreach((json_t *)people, login, principal) {
    if (!check_person(context, login, principal, err))
      return false;
  }
  return true;
}

static bool make_local(Context *context, const json_t *body, json_t **ret, Error *err) {
  *ret = json_object();
  return true;
}

static bool make_github(Context *context, const json_t *body, json_t **ret, Error *err) {
  const char *repository = NULL;
  json_t *people = json_object_get(body, "people");
  if (!json_get_string(body, "repository", &repository, err) || !check_people(context, people, err))
    return false;
  AUTO(json_free)
  json_t *settings = json_pack("{s:s, s:s, s:O*}", "repository", repository, "host",
                               json_string_or(body, "host", "github.com"), "people", people);
  if (!github_check_settings(context, settings, err))
    return false;
  *ret = STEAL(settings);
  return true;
}

static const struct {
  const char *kind;
  bool (*make)(Context *context, const json_t *body, json_t **ret, Error *err);
} kinds[] = {{"local", make_local}, {"github", make_github}};

static bool make_settings(Context *context, const char *kind, const json_t *body, json_t **ret,
                          Error *err) {
  for (size_t at = 0; at < ARRAY_LENGTH(kinds); at++)
    if (str_equal(kinds[at].kind, kind))
      return kinds[at].make(context, body, ret, err);
  return error_set(err, ERROR_USAGE, "there is no forge \"%.60s\": local, github", kind);
}

/* ---- showing and setting ---- */

bool forge_setting_show(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  AUTO(json_free) json_t *settings = NULL;
  const char *kind = NULL;
  if (!repository_get(context->catalog, project->id, &kind, &settings, err))
    return false;
  Error closed = ERROR_INIT; /* the setting is shown, and why it can't be used */
  bool opens = forge_open(context, project, &forge, &closed);
  *ret = json_pack("{s:{s:s, s:O, s:s*, s:o*}}", "forge", "kind", kind, "settings", settings,
                   "clone_url", opens ? forge_clone_url(forge) : NULL, "error",
                   opens ? NULL : json_from_error(&closed));
  return true;
}

static bool save(Context *context, const ProjectRow *project, const char *kind,
                 const json_t *settings, Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         repository_set(context->catalog, project->id, kind, settings, err) &&
         catalog_commit(&guard, err);
}

bool forge_setting_set(Context *context, const ProjectRow *project, const json_t *body,
                       json_t **ret, Error *err) {
  const AccessQuestion question = {.action = ACTION_PROJECT_MANAGE, .project = project->id};
  const char *kind = NULL;
  AUTO(json_free) json_t *settings = NULL;
  return access_ask(context, &question, err) && json_get_string(body, "kind", &kind, err) &&
         make_settings(context, kind, body, &settings, err) &&
         save(context, project, kind, settings, err) &&
         forge_setting_show(context, project, ret, err);
}
