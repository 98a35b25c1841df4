/* The routes of a project's policy. */
#include "daemon/api_policy.h"

#include "branch/branch.h"
#include "branch/policy.h"
#include "core/str.h"
#include "scm/repository.h"

#include <stdlib.h>

/* A handler for something in a project: the project is found, used, released. */
#define WITH_PROJECT(expression)                                                                   \
  ProjectRow project = {0};                                                                        \
  if (!project_resolve(context, request->project, &project, err))                                  \
    return false;                                                                                  \
  bool ok = (expression);                                                                          \
  project_row_release(&project);                                                                   \
  return ok

enum { VERSION_LIMIT = 100000000 };

static bool read_version(const json_t *query, int *ret, Error *err) {
  const char *text = json_string_or(query, "version", "0");
  char *end = NULL;
  long number = strtol(text, &end, 10);
  if (end == text || *end != '\0' || number < 0 || number > VERSION_LIMIT)
    return error_set(err, ERROR_USAGE, "\"%.40s\" is not a version: they count from 1", text);
  *ret = (int)number;
  return true;
}

bool get_policy(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *branch = json_string_or(request->query, "effective", NULL);
  int version = 0;
  if (!read_version(request->query, &version, err))
    return false;
  WITH_PROJECT(branch != NULL ? policy_show_effective(context, &project, branch, ret, err)
                              : policy_show(context, &project, version, ret, err));
}

bool get_policy_history(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(policy_history(context, &project, ret, err));
}

bool get_policy_explain(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const PolicyExplainRequest explain = {
      .principal = json_string_or(request->query, "principal", context->caller.name),
      .action = json_string_or(request->query, "action", ""),
      .branch = json_string_or(request->query, "branch", NULL),
      .kind = json_string_or(request->query, "kind", NULL),
      .to = json_string_or(request->query, "to", NULL)};
  WITH_PROJECT(policy_explain(context, &project, &explain, ret, err));
}

bool post_policy_preview(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *text = NULL;
  if (!json_get_string(request->body, "text", &text, err))
    return false;
  WITH_PROJECT(policy_preview(context, &project, text, ret, err));
}

bool post_policy(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *text = NULL;
  int64_t base = json_integer_or(request->body, "base", -1);
  if (!json_get_string(request->body, "text", &text, err))
    return false;
  if (base < -1 || base > VERSION_LIMIT)
    return error_set(err, ERROR_USAGE, "\"base\" must be the version that was looked at");
  WITH_PROJECT(policy_apply(context, &project, text, (int)base, ret, err) &&
               repository_begin_tiers(context, &project, err));
}
