/* Answers to questions; nothing here changes anything but waking a compute for its URL. */
#include "branch/show.h"

#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/endpoint_open.h"
#include "branch/identity.h"
#include "branch/pool.h"
#include "catalog/access.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

enum { LINEAGE_LIMIT = 1000, OPERATIONS_LIMIT = 200, LOG_BYTES = 8192 };

bool show_projects(Context *context, json_t **ret, Error *err) {
  ProjectRow *rows = NULL;
  size_t count = 0;
  if (!project_list(context->catalog, &rows, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++) {
    (void)json_array_append_new(list, describe_project(context, &rows[at]));
    project_row_release(&rows[at]);
  }
  mem_free(rows);
  *ret = json_pack("{s:o}", "projects", list);
  return true;
}

/* Branches and endpoints come in two queries, not one per branch. */
typedef struct Lists {
  BranchRow *branches;
  size_t branch_count;
  size_t invalid;
  EndpointRow *endpoints;
  size_t endpoint_count;
} Lists;

static void lists_release(Lists *lists) {
  mem_free(lists->branches);
  mem_free(lists->endpoints);
}

static bool lists_read(Context *context, const ProjectRow *project, Lists *ret, Error *err) {
  return branch_list(context->catalog, project->id, false, &ret->branches, &ret->branch_count,
                     &ret->invalid, err) &&
         endpoint_list(context->catalog, &ret->endpoints, &ret->endpoint_count, err);
}

static const EndpointRow *endpoint_in(const Lists *lists, const char *branch) {
  static const EndpointRow none;
  for (size_t at = 0; at < lists->endpoint_count; at++)
    if (str_equal(lists->endpoints[at].branch, branch))
      return &lists->endpoints[at];
  return &none;
}

static void add_with_children(Context *context, const ProjectRow *project, const Lists *lists,
                              const BranchRow *branch, bool *done, json_t *list) {
  size_t index = (size_t)(branch - lists->branches);
  if (done[index])
    return;
  done[index] = true;
  if (access_sees(context, branch))
    (void)json_array_append_new(
        list, describe_branch_with(project, branch, endpoint_in(lists, branch->id)));
  for (size_t at = 0; at < lists->branch_count; at++)
    if (str_equal(lists->branches[at].parent, branch->id))
      add_with_children(context, project, lists, &lists->branches[at], done, list);
}

static bool has_live_parent(const Lists *lists, const BranchRow *branch) {
  for (size_t at = 0; at < lists->branch_count; at++)
    if (str_equal(lists->branches[at].id, branch->parent))
      return true;
  return false;
}

bool show_branches(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  AUTO_RELEASE(lists_release) Lists lists = {0};
  if (!lists_read(context, project, &lists, err))
    return false;
  json_t *list = json_array();
  bool *done = mem_new(lists.branch_count, sizeof *done);
  for (size_t at = 0; at < lists.branch_count; at++)
    if (!has_live_parent(&lists, &lists.branches[at]))
      add_with_children(context, project, &lists, &lists.branches[at], done, list);
  mem_free(done);
  *ret = json_pack("{s:o, s:I}", "branches", list, "invalid_rows", (json_int_t)lists.invalid);
  return true;
}

/* From the branch up to the root, through deleted ones too. */
static bool lineage(Context *context, const BranchRow *branch, json_t **ret, Error *err) {
  AUTO(json_free) json_t *list = json_array();
  BranchRow at = *branch;
  for (int depth = 0; at.parent[0] != '\0' && depth < LINEAGE_LIMIT; depth++) {
    BranchRow parent;
    if (!branch_get(context->catalog, at.parent, &parent, err))
      return false;
    char lsn[LSN_TEXT_SIZE];
    lsn_format(at.fork_lsn, lsn);
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:i, s:s, s:o}", "id", parent.id, "name", parent.name,
                        "state", row_state_text(parent.state), "timeline", (int)at.fork_timeline,
                        "lsn", lsn, "forked_at", describe_time(at.forked_at)));
    at = parent;
  }
  *ret = STEAL(list);
  return true;
}

static json_t *usage_of(const json_t *answer) {
  static const struct {
    const char *key;
    const char *source;
  } figures[] = {{"logical_bytes", "logical"},
                 {"written_bytes", "written"},
                 {"freed_bytes", "freed"},
                 {"wal_bytes", "wal"},
                 {"extents", "extents"}};
  json_t *usage = json_object();
  for (size_t at = 0; at < ARRAY_LENGTH(figures); at++) {
    json_t *value = json_object_get(answer, figures[at].source);
    (void)json_object_set(usage, figures[at].key, value != NULL ? value : json_null());
  }
  return usage;
}

static json_t *known(int64_t value) {
  return value < 0 ? json_null() : json_integer(value);
}

/* What the branch has written: by quota where the pool counts, else what its processes wrote since
 * they were started, else unknown. */
static void add_measures(Context *context, const EndpointRow *endpoint, json_t *usage) {
  int64_t written = 0;
  Error ignored = ERROR_INIT;
  if (endpoint_is_alive(endpoint) && endpoint_measure(context, endpoint, &written, NULL, &ignored))
    (void)json_object_set_new(usage, "written_since_start_bytes", known(written));
}

static json_t *identity_of(Context *context, const BranchRow *branch) {
  AUTO(str_free) char *text = NULL;
  Error ignored = ERROR_INIT;
  int64_t objects = 0;
  if (branch->identity[0] == '\0' ||
      !identity_load(context->catalog, branch->identity, &text, &ignored) ||
      !identity_count(text, &objects, &ignored))
    return json_null();
  return json_pack("{s:s, s:I}", "digest", branch->identity, "objects", (json_int_t)objects);
}

bool show_branch(Context *context, const ProjectRow *project, const char *name, json_t **ret,
                 Error *err) {
  BranchRow branch;
  EndpointRow endpoint;
  AUTO(json_free) json_t *measured = NULL;
  AUTO(json_free) json_t *parents = NULL;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !endpoint_of_branch(context->catalog, branch.id, &endpoint, err) ||
      !lineage(context, &branch, &parents, err))
    return false;
  Error no_usage = ERROR_INIT; /* a missing volume must not hide the rest */
  (void)!agent_call(context->agent, "volume.usage", json_pack("{s:s}", "volume", branch.volume),
                    &measured, &no_usage);
  json_t *usage = usage_of(measured);
  add_measures(context, &endpoint, usage);
  if (no_usage.code != ERROR_NONE)
    (void)json_object_set_new(usage, "error", json_string(no_usage.message));
  json_t *description = describe_branch_with(project, &branch, &endpoint);
  AUTO(str_free) char *url = describe_url(context, project, &branch, description);
  *ret = json_pack("{s:o, s:o, s:O, s:o, s:s}", "branch", description, "usage", usage, "lineage",
                   parents, "identity", identity_of(context, &branch), "url", url);
  return true;
}

/* Nothing is woken: who connects does that. */
bool show_url(Context *context, const ProjectRow *project, const char *name, json_t **ret,
              Error *err) {
  BranchRow branch;
  EndpointRow endpoint;
  const char *host = NULL;
  int port = PLATFORM_PORT;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !endpoint_of_branch(context->catalog, branch.id, &endpoint, err))
    return false;
  AUTO(json_free) json_t *description = describe_branch_with(project, &branch, &endpoint);
  AUTO(str_free) char *url = describe_url(context, project, &branch, description);
  AUTO(str_free) char *socket_url = describe_socket_url(context, project, description);
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint.id);
  bool proxied = describe_proxy(context, &host, &port);
  *ret = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "url", url, "host",
                   proxied ? host : directory, "port", port, "user",
                   proxied ? context->caller.name : context->home->login_role, "database",
                   describe_database(project), "place",
                   describe_place(context, &branch, description), "endpoint", endpoint.id,
                   "socket_directory", directory, "socket_url", socket_url, "proxied", proxied);
  return true;
}

static json_t *endpoint_with_memory(Context *context, const EndpointRow *row, const char *branch,
                                    const json_t *sessions) {
  json_t *object = describe_endpoint(row, branch);
  (void)json_object_set_new(
      object, "sessions",
      json_integer(json_integer_or(json_object_get(sessions, row->id), "sessions", 0)));
  int64_t written = 0;
  int64_t memory = -1;
  Error ignored = ERROR_INIT;
  if (endpoint_is_alive(row))
    (void)!endpoint_measure(context, row, &written, &memory, &ignored);
  (void)json_object_set_new(object, "memory_bytes", known(memory));
  return object;
}

bool show_endpoints(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  AUTO_RELEASE(lists_release) Lists lists = {0};
  AUTO(json_free) json_t *sessions = NULL;
  if (!lists_read(context, project, &lists, err) ||
      !session_counts(context->catalog, &sessions, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < lists.branch_count; at++) {
    const BranchRow *branch = &lists.branches[at];
    if (access_sees(context, branch))
      (void)json_array_append_new(
          list,
          endpoint_with_memory(context, endpoint_in(&lists, branch->id), branch->name, sessions));
  }
  *ret = json_pack("{s:o}", "endpoints", list);
  return true;
}

/* A log quotes what others' statements said. */
static bool sees_log(Context *context, const BranchRow *branch) {
  return access_may(context, ACTION_BRANCH_OWN, branch) ||
         access_may(context, ACTION_ENDPOINT_MANAGE, branch);
}

bool show_endpoint(Context *context, const ProjectRow *project, const char *name, json_t **ret,
                   Error *err) {
  BranchRow branch;
  EndpointRow endpoint;
  AUTO(json_free) json_t *log = NULL;
  AUTO(json_free) json_t *sessions = NULL;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !endpoint_of_branch(context->catalog, branch.id, &endpoint, err) ||
      !session_counts(context->catalog, &sessions, err))
    return false;
  Error ignored = ERROR_INIT; /* a branch that never started has no log */
  if (sees_log(context, &branch))
    (void)!agent_call(context->agent, "compute.log",
                      json_pack("{s:s, s:i}", "volume", branch.volume, "bytes", LOG_BYTES), &log,
                      &ignored);
  *ret = json_pack("{s:o, s:s}", "endpoint",
                   endpoint_with_memory(context, &endpoint, branch.name, sessions), "log",
                   json_string_or(log, "text", ""));
  return true;
}

bool show_operations(Context *context, json_t **ret, Error *err) {
  static const char *const states[] = {"running", "done", "failed"};
  OperationRow *rows = NULL;
  size_t count = 0;
  if (!operation_list(context->catalog, false, OPERATIONS_LIMIT, &rows, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++) {
    OperationRow *row = &rows[at];
    if (access_is_platform(context) || str_equal(row->created_by, context->caller.name))
      (void)json_array_append_new(
          list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s}", "id", row->id, "kind",
                          row->kind, "branch", row->branch, "state", states[row->state], "step",
                          row->step, "created_at", describe_time(row->created_at), "finished_at",
                          describe_time(row->finished_at), "created_by", row->created_by));
    operation_row_release(row);
  }
  mem_free(rows);
  *ret = json_pack("{s:o}", "operations", list);
  return true;
}

bool show_pool(Context *context, json_t **ret, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  AUTO(json_free) json_t *volumes = NULL;
  if (!pool_describe(context, &status, err) ||
      !agent_call(context->agent, "volume.list", json_object(), &volumes, err))
    return false;
  (void)json_object_set_new(status, "path", json_string(context->home->pool_path));
  (void)json_object_set_new(
      status, "volumes",
      json_integer((json_int_t)json_array_size(json_object_get(volumes, "volumes"))));
  (void)json_object_set(status, "foreign", json_object_get(volumes, "foreign"));
  *ret = STEAL(status);
  return true;
}
