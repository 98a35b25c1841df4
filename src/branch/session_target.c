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

/* A client that was let in for one branch alone means that one of those with its name. */
static size_t choose(Context *context, const BranchRow *rows, size_t count, const char *only,
                     BranchRow *ret) {
  size_t found = 0;
  for (size_t at = 0; at < count; at++) {
    if (!access_sees(context, &rows[at]))
      continue;
    *ret = rows[at];
    found++;
    if (only[0] != '\0' && str_equal(rows[at].id, only))
      return 1;
  }
  return found;
}

/* Of all projects: a name that leads to several branches that the principal may use is refused. */
static bool find_by_name(Context *context, const char *name, const char *only, BranchRow *ret,
                         Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  if (!branch_list_named(context->catalog, name, &rows, &count, &invalid, err))
    return false;
  size_t found = choose(context, rows, count, only, ret);
  mem_free(rows);
  if (found == 0)
    return unknown_branch(name, err);
  if (found == 1)
    return true;
  (void)error_set(err, ERROR_PROJECT_AMBIGUOUS, "%zu projects have a branch \"%.80s\"", found,
                  name);
  return error_hint(err,
                    "say which by its endpoint: DATABASE@ep-..., or options='endpoint=ep-...'; "
                    "`bough endpoint list`");
}

/* By an endpoint's id, or by a branch's name; *ret_known is false where no endpoint has that id. */
static bool find_by_id(Context *context, const char *id, BranchRow *ret, bool *ret_known,
                       Error *err) {
  EndpointRow endpoint;
  BranchRow branch;
  Error failure = ERROR_INIT;
  *ret_known = endpoint_get(context->catalog, id, &endpoint, &failure) &&
               branch_get(context->catalog, endpoint.branch, &branch, &failure) &&
               access_sees(context, &branch);
  if (*ret_known)
    *ret = branch;
  else if (failure.code != ERROR_NONE && failure.code != ERROR_NOTHING_TO_DO &&
           failure.code != ERROR_BRANCH_NOT_FOUND) {
    *err = failure;
    return false;
  }
  return true;
}

/* An endpoint is named by its id, or by its branch's name. */
static bool find_by_endpoint(Context *context, const char *name, const char *only, BranchRow *ret,
                             Error *err) {
  bool known = false;
  if (!id_check("ep", name))
    return find_by_name(context, name, only, ret, err);
  return find_by_id(context, name, ret, &known, err) && (known || unknown_endpoint(name, err));
}

/* What stands behind the database's name is a branch, or an endpoint's id. */
static bool find_by_branch(Context *context, const char *name, const char *only, BranchRow *ret,
                           Error *err) {
  bool known = false;
  if (id_check("ep", name) && !find_by_id(context, name, ret, &known, err))
    return false;
  return known || find_by_name(context, name, only, ret, err);
}

static bool check_same(const BranchRow *one, const BranchRow *other, const char *endpoint,
                       const char *branch, Error *err) {
  if (str_equal(one->id, other->id))
    return true;
  (void)error_set(err, ERROR_USAGE, "endpoint \"%.80s\" is not that of branch \"%.80s\"", endpoint,
                  branch);
  return error_hint(err, "name the branch once");
}

bool session_target(Context *context, const json_t *params, const char *only, BranchRow *ret,
                    Error *err) {
  const char *endpoint = json_string_or(params, "endpoint", NULL);
  const char *branch = json_string_or(params, "branch", NULL);
  BranchRow other;
  if (endpoint == NULL && branch == NULL) {
    (void)error_set(err, ERROR_USAGE, "no branch is named");
    return error_hint(err, "connect to a database \"DATABASE@BRANCH\"");
  }
  if (endpoint == NULL)
    return find_by_branch(context, branch, only, ret, err);
  return find_by_endpoint(context, endpoint, only, ret, err) &&
         (branch == NULL || (find_by_branch(context, branch, only, &other, err) &&
                             check_same(ret, &other, endpoint, branch, err)));
}
