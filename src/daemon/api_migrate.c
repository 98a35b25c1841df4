/* Routes about migrations: what a client read of its folder comes in the body, or in an upload
 * where it is too long for one. */
#include "daemon/api_migrate.h"

#include "branch/branch.h"
#include "core/io.h"
#include "core/str.h"
#include "migrate/migrate.h"

enum { REQUEST_LIMIT = 96 * 1024 * 1024 }; /* 64 MB of files, as JSON */

typedef bool MigrateCase(Context *context, const ProjectRow *project, const char *branch,
                         const json_t *body, json_t **ret, Error *err);

static bool read_upload(const Context *context, const char *upload, json_t **ret, Error *err) {
  char *text = NULL;
  size_t length = 0;
  if (!id_check("up", upload))
    return error_set(err, ERROR_NOTHING_TO_DO, "no upload \"%.40s\"", upload);
  AUTO(str_free) char *path = home_path(context->home, "spool/%s", upload);
  if (!io_read_file(path, REQUEST_LIMIT, &text, &length, err))
    return false;
  AUTO(str_free) char *owned = text;
  AUTO(json_free) json_t *value = NULL;
  if (!json_parse(owned, length, &value, err))
    return error_prefix(err, "upload");
  if (!json_is_object(value))
    return error_set(err, ERROR_USAGE, "the upload must hold an object");
  *ret = STEAL(value);
  return true;
}

/* The body, with what the upload that it names holds. Owned by the caller. */
static bool whole_request(const Context *context, const ApiRequest *request, json_t **ret,
                          Error *err) {
  const char *upload = json_string_or(request->body, "upload", NULL);
  AUTO(json_free) json_t *whole = NULL;
  if (upload != NULL && !read_upload(context, upload, &whole, err))
    return false;
  if (whole == NULL)
    whole = json_object();
  (void)json_object_update(whole, (json_t *)request->body);
  *ret = STEAL(whole);
  return true;
}

static bool run_case(Context *context, const ApiRequest *request, MigrateCase *use_case,
                     json_t **ret, Error *err) {
  ProjectRow project = {0};
  AUTO(json_free) json_t *whole = NULL;
  if (!whole_request(context, request, &whole, err) ||
      !project_resolve(context, request->project, &project, err))
    return false;
  bool ok = use_case(context, &project, request->branch, whole, ret, err);
  project_row_release(&project);
  return ok;
}

bool post_migrate_status(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return run_case(context, request, migrate_status, ret, err);
}

bool post_migrate_apply(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return run_case(context, request, migrate_apply, ret, err);
}

bool post_migrate_rollback(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return run_case(context, request, migrate_rollback, ret, err);
}

bool post_migrate_verify(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return run_case(context, request, migrate_verify, ret, err);
}

bool post_migrate_tools(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return run_case(context, request, migrate_tools, ret, err);
}
