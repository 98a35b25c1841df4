/* The routes of CI. */
#include "daemon/api_ci.h"

#include "branch/branch.h"
#include "core/str.h"
#include "daemon/with_project.h"
#include "scm/ci.h"

#include <errno.h>
#include <stdlib.h>

/* A whole number in a query; missing: otherwise. */
static bool read_number(const json_t *query, const char *key, int64_t otherwise, int64_t *ret,
                        Error *err) {
  const char *text = json_string_or(query, key, NULL);
  char *end = NULL;
  errno = 0;
  long long number = text != NULL ? strtoll(text, &end, 10) : otherwise;
  if (text != NULL && (errno != 0 || end == text || *end != '\0' || number < 0))
    return error_set(err, ERROR_USAGE, "\"%s\" must be a whole number", key);
  *ret = number;
  return true;
}

bool get_ci_runs(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  int64_t pull = -1;
  if (!read_number(request->query, "pull", -1, &pull, err))
    return false;
  WITH_PROJECT(ci_list(context, &project, pull, ret, err));
}

bool post_ci_runs(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_begin(context, &project, request->body, ret, err));
}

bool get_ci_run(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_show(context, &project, request->name, ret, err));
}

bool get_ci_log(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  int64_t offset = 0;
  if (!read_number(request->query, "offset", 0, &offset, err))
    return false;
  WITH_PROJECT(ci_log(context, &project, request->name, offset, ret, err));
}

bool get_ci_artifact(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_read_artifact(context, &project, request->name, request->upload, ret, err));
}

bool post_ci_end(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_end(context, &project, request->name, request->body, ret, err));
}

bool post_ci_cancel(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_cancel(context, &project, request->name, ret, err));
}

bool post_ci_tidy(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_tidy(context, &project, ret, err));
}

bool post_ci_ask(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(ci_ask(context, &project, request->body, ret, err));
}

bool job_ci(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return ci_serve(context, false, ret, err);
}

bool job_ci_queue(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return ci_serve(context, true, ret, err);
}

bool job_ci_look(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return ci_look(context, ret, err);
}
