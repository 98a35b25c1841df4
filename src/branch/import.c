/* project create: rows first, then a volume, a cluster, its data, its owners, and only then a
 * project that anybody can see. Whatever fails, or dies, in between leaves nothing behind. */
#include "branch/import.h"

#include "branch/access.h"
#include "branch/clean.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/importing.h"
#include "branch/pool.h"
#include "branch/source.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>

#define DEFAULT_ROOT "production"
#define SIZE_CLASS "small"

enum { VOLUME_LOCK_MS = 10 * 1000 };

static const ImportKind kinds[] = {
    {"empty", NULL, import_cluster_init, import_load_empty},
    {"sample", import_check_sample, import_cluster_init, import_load_sample},
    {"sql", import_check_sql, import_cluster_init, import_load_sql},
    {"from", import_check_from, import_cluster_from, import_load_from},
};

static bool find_kind(const json_t *source, const ImportKind **ret, Error *err) {
  const char *name = json_string_or(source, "kind", "");
  for (size_t at = 0; at < ARRAY_LENGTH(kinds); at++) {
    if (str_equal(kinds[at].name, name)) {
      *ret = &kinds[at];
      return true;
    }
  }
  return error_set(err, ERROR_USAGE,
                   "a project's source is empty, sample, sql or from, not \"%.40s\"", name);
}

static void import_release(Import *import) {
  project_row_release(&import->project);
  operation_row_release(&import->operation);
  source_free(import->source);
  str_free(import->superusers);
  str_free(import->database);
  str_free(import->socket_directory);
  json_free(import->notes);
  json_free(import->extensions);
}

/* Before the source is looked at, which may take a while. The row's own constraint decides. */
static bool check_name_is_free(Context *context, const char *name, Error *err) {
  ProjectRow present = {0};
  Error missing = ERROR_INIT;
  if (project_find(context->catalog, name, &present, &missing)) {
    project_row_release(&present);
    return error_set(err, ERROR_PROJECT_EXISTS, "project \"%s\" already exists", name);
  }
  if (missing.code == ERROR_PROJECT_NOT_FOUND)
    return true;
  *err = missing;
  return false;
}

/* ---- rows ---- */

static void fill_rows(Import *import, const char *name, const char *root, const char *kind) {
  const char *creator = import->context->caller.name;
  int64_t now = clock_wall_us();
  import->project = (ProjectRow){.state = ROW_CREATING, .created_at = now};
  import->branch = (BranchRow){.state = ROW_CREATING, .created_at = now, .forked_at = now};
  import->endpoint = (EndpointRow){.state = ENDPOINT_STOPPED};
  id_new("prj", import->project.id);
  id_new("br", import->branch.id);
  id_new("vol", import->branch.volume);
  id_new("ep", import->endpoint.id);
  ProjectRow *project = &import->project;
  BranchRow *branch = &import->branch;
  (void)snprintf(project->name, sizeof project->name, "%s", name);
  (void)snprintf(project->created_by, sizeof project->created_by, "%s", creator);
  (void)snprintf(project->root_branch, sizeof project->root_branch, "%s", branch->id);
  project->details = json_pack("{s:s}", "source", kind);
  (void)snprintf(branch->project, sizeof branch->project, "%s", project->id);
  (void)snprintf(branch->name, sizeof branch->name, "%s", root);
  (void)snprintf(branch->kind, sizeof branch->kind, "root");
  (void)snprintf(branch->size_class, sizeof branch->size_class, "%s", SIZE_CLASS);
  (void)snprintf(branch->created_by, sizeof branch->created_by, "%s", creator);
  (void)snprintf(import->endpoint.branch, sizeof import->endpoint.branch, "%s", branch->id);
  (void)snprintf(import->endpoint.project, sizeof import->endpoint.project, "%s", project->id);
  import->socket_directory = path_join(import->context->home->run, import->endpoint.id);
}

static bool record(Import *import, Error *err) {
  Catalog *catalog = import->context->catalog;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(catalog, &guard, err) && project_insert(catalog, &import->project, err) &&
         branch_insert(catalog, &import->branch, err) &&
         endpoint_insert(catalog, &import->endpoint, err) &&
         operation_begin(import->context, "project.create", import->project.id, import->branch.id,
                         json_pack("{s:s}", "volume", import->branch.volume), &import->operation,
                         err) &&
         catalog_commit(&guard, err) && failpoint_reach(FAILPOINT_IMPORT_RECORDED, err);
}

static bool publish(Import *import, Error *err) {
  Catalog *catalog = import->context->catalog;
  import->project.state = ROW_READY;
  import->branch.state = ROW_READY;
  import->branch.clean = true;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(catalog, &guard, err) && project_update(catalog, &import->project, err) &&
         branch_update(catalog, &import->branch, err) &&
         operation_finish(catalog, import->operation.id, NULL, err) && catalog_commit(&guard, err);
}

/* ---- the way back ---- */

/* The compute of a volume, wherever it came from: its rows say nothing yet. */
static bool stop_any(Context *context, const char *volume, const char *endpoint, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  int64_t pid = 0;
  int64_t start_time = 0;
  if (!agent_call(context->agent, "compute.find", json_pack("{s:s}", "volume", volume), &answer,
                  err) ||
      !json_get_integer(answer, "pid", &pid, err) ||
      !json_get_integer(answer, "start_time", &start_time, err))
    return false;
  return agent_call(context->agent, "compute.stop",
                    json_pack("{s:s, s:s, s:i, s:I, s:b, s:i}", "volume", volume, "endpoint",
                              endpoint, "pid", (int)pid, "start_time", (json_int_t)start_time,
                              "immediate", 1, "timeout_ms", VOLUME_LOCK_MS),
                    NULL, err);
}

static bool remove_rows(Context *context, const OperationRow *operation, BranchRow *branch,
                        const EndpointRow *endpoint, const Error *failure, Error *err) {
  ProjectRow project = {0};
  if (!project_get(context->catalog, operation->project, &project, err))
    return false;
  project.state = ROW_DELETED;
  branch->state = ROW_DELETED;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  bool ok = catalog_begin(context->catalog, &guard, err) &&
            (endpoint->id[0] == '\0' || endpoint_delete(context->catalog, endpoint->id, err)) &&
            branch_update(context->catalog, branch, err) &&
            project_update(context->catalog, &project, err) &&
            operation_finish(context->catalog, operation->id, failure, err) &&
            catalog_commit(&guard, err);
  project_row_release(&project);
  return ok;
}

static bool undo(Context *context, const OperationRow *operation, const Error *failure,
                 Error *err) {
  BranchRow branch;
  EndpointRow endpoint = {0};
  if (!branch_get(context->catalog, operation->branch, &branch, err))
    return false;
  if (branch.state == ROW_READY) /* published, and then killed */
    return operation_finish(context->catalog, operation->id, NULL, err);
  Error missing = ERROR_INIT;
  if (!endpoint_of_branch(context->catalog, branch.id, &endpoint, &missing))
    endpoint = (EndpointRow){0};
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!volume_lock(context, branch.volume, LOCK_EXCLUSIVE, VOLUME_LOCK_MS, &lock, err) ||
      !stop_any(context, branch.volume, endpoint.id, err) ||
      !agent_call(context->agent, "volume.delete", json_pack("{s:s}", "volume", branch.volume),
                  NULL, err) ||
      !remove_rows(context, operation, &branch, &endpoint, failure, err))
    return false;
  volume_lock_forget(context, branch.volume);
  return true;
}

bool project_create_undo(Context *context, const OperationRow *operation, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before the project was ready");
  return undo(context, operation, &failure, err);
}

/* ---- the way there ---- */

/* Nobody else starts or deletes the volume meanwhile. */
static bool make(Import *import, const ImportKind *kind, Error *err) {
  AUTO_RELEASE(fd_release) int lock = -1;
  return volume_lock(import->context, import->branch.volume, LOCK_EXCLUSIVE, VOLUME_LOCK_MS, &lock,
                     err) &&
         import_call(import, "volume.create", NULL, NULL, err) &&
         failpoint_reach(FAILPOINT_IMPORT_VOLUME, err) && kind->cluster(import, err) &&
         failpoint_reach(FAILPOINT_IMPORT_CLUSTER, err) && import_start(import, err) &&
         import_prepare(import, err) && kind->load(import, err) &&
         failpoint_reach(FAILPOINT_IMPORT_LOADED, err) && import_finish(import, err) &&
         failpoint_reach(FAILPOINT_IMPORT_OWNED, err) && import_stop(import, err) &&
         publish(import, err);
}

/* A project whose compute doesn't start is a project all the same. */
static void start(Import *import) {
  EndpointRow endpoint;
  Error failure = ERROR_INIT;
  if (!endpoint_start(import->context, import->branch.id, &endpoint, &failure))
    import_note(import, "its compute did not start: %s", failure.message);
}

static bool answer(Import *import, int64_t started, json_t **ret, Error *err) {
  json_t *branch = NULL;
  if (!describe_branch(import->context, &import->project, &import->branch, &branch, err))
    return false;
  AUTO(str_free)
  char *url = describe_url(import->context, &import->project, &import->branch, branch);
  *ret = json_pack("{s:o, s:o, s:s, s:O, s:f}", "project",
                   describe_project(import->context, &import->project), "branch", branch, "url",
                   url, "notes", import->notes, "duration_ms",
                   (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}

bool project_create(Context *context, const json_t *request, json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  const char *name = NULL;
  json_t *source = NULL;
  const ImportKind *kind = NULL;
  const char *root = json_string_or(request, "root", DEFAULT_ROOT);
  if (!access_system(context, ACTION_PROJECT_MANAGE, err) ||
      !json_get_string(request, "name", &name, err) || !name_check("project", name, err) ||
      !name_check("branch", root, err) || !json_get_object(request, "source", &source, err) ||
      !find_kind(source, &kind, err) || !check_name_is_free(context, name, err) ||
      !pool_check_room(context, err))
    return false;
  AUTO_RELEASE(import_release)
  Import import = {.context = context, .request = source, .notes = json_array()};
  fill_rows(&import, name, root, kind->name);
  if ((kind->check != NULL && !kind->check(&import, err)) || !record(&import, err))
    return false;
  Error failure = ERROR_INIT;
  if (!make(&import, kind, &failure)) {
    Error second = ERROR_INIT; /* recovery goes on where this undo stops */
    (void)!undo(context, &import.operation, &failure, &second);
    *err = failure;
    return false;
  }
  start(&import);
  return answer(&import, started, ret, err);
}
