/* The routes of projects, of the pool they are in and of the files they are made from. */
#include "daemon/api_project.h"

#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/import.h"
#include "branch/show.h"
#include "daemon/upload.h"
#include "daemon/with_project.h"
#include "scm/repository.h"

bool get_pool(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return show_pool(context, ret, err);
}

bool get_projects(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return show_projects(context, ret, err);
}

bool post_projects(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return project_create(context, request->body, ret, err);
}

static bool describe_one_project(Context *context, const ProjectRow *project, json_t **ret) {
  *ret = json_pack("{s:o}", "project", describe_project(context, project));
  return true;
}

bool get_project(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(describe_one_project(context, &project, ret));
}

static bool delete_one_project(Context *context, const ProjectRow *project, json_t **ret,
                               Error *err) {
  Error ignored = ERROR_INIT; /* what is left of its code goes later: scm/repository_keep.c */
  if (!project_delete(context, project, err))
    return false;
  (void)!repository_remove(context, project, &ignored);
  *ret = json_pack("{s:s}", "deleted", project->name);
  return true;
}

bool delete_project(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(delete_one_project(context, &project, ret, err));
}

bool post_uploads(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return access_system(context, ACTION_PROJECT_MANAGE, err) &&
         upload_begin(context->home, ret, err);
}

bool put_upload(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *offset = json_string_or(request->query, "offset", "");
  return access_system(context, ACTION_PROJECT_MANAGE, err) &&
         upload_write(context->home, request->upload, offset, request->blob, request->blob_length,
                      ret, err);
}

bool delete_upload(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return access_system(context, ACTION_PROJECT_MANAGE, err) &&
         upload_remove(context->home, request->upload, err);
}
