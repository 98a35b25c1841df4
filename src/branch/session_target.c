/* Which branch a client means: by its name, its endpoint, or both. */
#include "branch/session_target.h"

#include "branch/access.h"
#include "core/str.h"

static bool unknown_branch(const char *name, Error *err) {
  (void)error_set(err, ERROR_BRANCH_NOT_FOUND, "branch \"%.80s\" does not exist", name);
  return error_hint(err, "`bough branch list` shows what you may use");
}

static bool unknown_endpoint(const char *name, Error *err) {
  (void)error_set(err, ERROR_BRANCH_NOT_FOUND, "endpoint \"%.80s\" does not exist", name);
  return error_hint(err, "`bough endpoint list` shows what you may use");
}

/* Of all projects: a name that leads to several branches that the principal may use is refused. */
static bool find_by_name(Context *context, const char *name, BranchRow *ret, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  size_t found = 0;
  if (!branch_list_named(context->catalog, name, &rows, &count, &invalid, err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (access_sees(context, &rows[at])) {
      *ret = rows[at];
      found++;
    }
  mem_free(rows);
  if (found == 0)
    return unknown_branch(name, err);
  if (found == 1)
    return true;
  (void)error_set(err, ERROR_PROJECT_AMBIGUOUS, "%zu projects have a branch \"%.80s\"", found,
                  name);
  return error_hint(err, "say which by its endpoint: options='endpoint=ep-...'");
}

/* An endpoint is named by its id, or by its branch's name. */
static bool find_by_endpoint(Context *context, const char *name, BranchRow *ret, Error *err) {
  EndpointRow endpoint;
  BranchRow branch;
  Error failure = ERROR_INIT;
  if (!id_check("ep", name))
    return find_by_name(context, name, ret, err);
  if (!endpoint_get(context->catalog, name, &endpoint, &failure) ||
      !branch_get(context->catalog, endpoint.branch, &branch, &failure)) {
    if (failure.code == ERROR_NOTHING_TO_DO || failure.code == ERROR_BRANCH_NOT_FOUND)
      return unknown_endpoint(name, err);
    *err = failure;
    return false;
  }
  if (!access_sees(context, &branch))
    return unknown_endpoint(name, err);
  *ret = branch;
  return true;
}

static bool check_same(const BranchRow *one, const BranchRow *other, const char *endpoint,
                       const char *branch, Error *err) {
  if (str_equal(one->id, other->id))
    return true;
  (void)error_set(err, ERROR_USAGE, "endpoint \"%.80s\" is not that of branch \"%.80s\"", endpoint,
                  branch);
  return error_hint(err, "name the branch once");
}

bool session_target(Context *context, const json_t *params, BranchRow *ret, Error *err) {
  const char *endpoint = json_string_or(params, "endpoint", NULL);
  const char *branch = json_string_or(params, "branch", NULL);
  BranchRow other;
  if (endpoint == NULL && branch == NULL) {
    (void)error_set(err, ERROR_USAGE, "no branch is named");
    return error_hint(err, "connect to a database \"DATABASE@BRANCH\"");
  }
  if (endpoint == NULL)
    return find_by_name(context, branch, ret, err);
  return find_by_endpoint(context, endpoint, ret, err) &&
         (branch == NULL || (find_by_name(context, branch, &other, err) &&
                             check_same(ret, &other, endpoint, branch, err)));
}
