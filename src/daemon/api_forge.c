/* Routes about code and pull requests, and the decisions that git.sock asks for. */
#include "daemon/api_forge.h"

#include "branch/branch.h"
#include "core/str.h"
#include "daemon/with_project.h"
#include "scm/forge.h"
#include "scm/git_request.h"
#include "scm/pull.h"
#include "scm/repository.h"

bool get_repository(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(pull_repository(context, &project, ret, err));
}

bool get_pulls(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  bool only_open = !str_equal(json_string_or(request->query, "state", "open"), "all");
  WITH_PROJECT(pull_list(context, &project, only_open, ret, err));
}

bool get_pull(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(pull_show(context, &project, request->name, ret, err));
}

bool post_pulls(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(pull_open(context, &project, request->body, ret, err));
}

bool post_pull_review(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(pull_review(context, &project, request->name, request->body, ret, err));
}

bool post_pull_comment(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(pull_comment(context, &project, request->name, request->body, ret, err));
}

bool post_pull_close(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(pull_close(context, &project, request->name, ret, err));
}

/* ---- git.sock ---- */

static bool open_repository(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  AUTO(str_free) char *path = repository_path(context, project);
  if (!repository_ask_read(context, project, err) || !forge_open(context, project, &forge, err))
    return false;
  if (!str_equal(forge_kind(forge), "local")) {
    (void)error_set(err, ERROR_UNSUPPORTED, "the code of \"%s\" isn't kept here", project->name);
    return error_hint(err, "it is at %s", forge_clone_url(forge));
  }
  *ret = json_pack("{s:s}", "path", path);
  return true;
}

bool job_git_open(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(open_repository(context, &project, ret, err));
}

bool job_git_push(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  PushedRef refs[GIT_UPDATES_LIMIT];
  size_t count = 0;
  if (!git_updates_read(json_object_get(request->body, "updates"), refs, &count, err))
    return false;
  WITH_PROJECT(repository_ask_push(context, &project, refs, count, err));
}

bool job_git_keep(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!repository_keep(context, &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}
