/* Rows, volumes, directories and processes are made to agree. */
#include "branch/recover.h"

#include "branch/endpoint.h"
#include "branch/operation.h"
#include "core/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { UPLOAD_LIFE_S = 24 * 60 * 60 };

typedef struct Recovery {
  Context *context;
  json_t *problems;
} Recovery;

static void add_problem(Recovery *recovery, const char *subject, const Error *failure) {
  AUTO(str_free) char *text = str_format("%s: %s", subject, failure->message);
  json_t *value = json_string(text);
  (void)json_array_append_new(recovery->problems, value != NULL ? value : json_string(subject));
}

static void recover_operation(Recovery *recovery, const OperationRow *row) {
  Error failure = ERROR_INIT;
  const OperationKind *kind = operation_kind(row->kind);
  if (kind == NULL)
    (void)error_set(&failure, ERROR_CATALOG_INVALID, "unknown kind \"%s\"", row->kind);
  else if (kind->recover(recovery->context, row, &failure))
    return;
  add_problem(recovery, row->id, &failure);
}

static bool recover_operations(Recovery *recovery, Error *err) {
  OperationRow *rows = NULL;
  size_t count = 0;
  if (!operation_list(recovery->context->catalog, true, 100000, &rows, &count, err))
    return false;
  for (size_t at = 0; at < count; at++) {
    if (operation_is_orphan(&rows[at]))
      recover_operation(recovery, &rows[at]);
    operation_row_release(&rows[at]);
  }
  mem_free(rows);
  return true;
}

/* The process that the agent finds on the endpoint's volume is the truth; the row follows it. */
static bool find_process(Context *context, EndpointRow *row, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!id_check("vol", row->volume)) {
    row->pid = 0;
    return true;
  }
  if (!agent_call(context->agent, "compute.find", json_pack("{s:s}", "volume", row->volume),
                  &answer, err))
    return false;
  row->pid = (int)json_integer_or(answer, "pid", 0);
  row->start_time = json_integer_or(answer, "start_time", 0);
  return true;
}

static bool settle_endpoint(Context *context, EndpointRow *row, Error *err) {
  EndpointState before = row->state;
  if (!find_process(context, row, err))
    return false;
  bool runs = row->pid > 0;
  if (runs && before == ENDPOINT_RUNNING && row->wanted) {
    endpoint_watch(context, row);
    return endpoint_update(context->catalog, row, err);
  }
  if (runs) { /* started or cleaned half-way, or to be stopped */
    bool wanted = row->wanted;
    if (!endpoint_stop(context, row->branch, true, row, err))
      return false;
    row->wanted = wanted;
  }
  row->pid = 0;
  row->state = before == ENDPOINT_FAILED ? ENDPOINT_FAILED : ENDPOINT_STOPPED;
  if (!endpoint_update(context->catalog, row, err))
    return false;
  return !row->wanted || before == ENDPOINT_FAILED ||
         endpoint_start(context, row->branch, row, err);
}

static bool settle_endpoints(Recovery *recovery, Error *err) {
  EndpointRow *rows = NULL;
  size_t count = 0;
  if (!endpoint_list(recovery->context->catalog, &rows, &count, err))
    return false;
  for (size_t at = 0; at < count; at++) {
    Error failure = ERROR_INIT;
    bool at_rest = rows[at].state == ENDPOINT_STOPPED && !rows[at].wanted && rows[at].pid == 0;
    if (!at_rest && !settle_endpoint(recovery->context, &rows[at], &failure))
      add_problem(recovery, rows[at].id, &failure);
  }
  mem_free(rows);
  return true;
}

/* Volumes and endpoints that rows need: what isn't among them has no use any more. */
typedef struct Needed {
  json_t *volumes;
  json_t *endpoints;
} Needed;

static void needed_release(Needed *needed) {
  json_free(needed->volumes);
  json_free(needed->endpoints);
}

static void need_operation(const OperationRow *row, json_t *volumes) {
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(row->params, key, value) {
    if (json_is_string(value) && id_check("vol", json_string_value(value)))
      (void)json_object_set_new(volumes, json_string_value(value), json_true());
  }
}

static bool read_needed(Context *context, Needed *ret, Error *err) {
  BranchRow *branches = NULL;
  EndpointRow *endpoints = NULL;
  OperationRow *operations = NULL;
  size_t branch_count = 0;
  size_t endpoint_count = 0;
  size_t operation_count = 0;
  size_t invalid = 0;
  ret->volumes = json_object();
  ret->endpoints = json_object();
  bool ok = branch_list(context->catalog, NULL, false, &branches, &branch_count, &invalid, err) &&
            endpoint_list(context->catalog, &endpoints, &endpoint_count, err) &&
            operation_list(context->catalog, true, 100000, &operations, &operation_count, err);
  for (size_t at = 0; at < branch_count; at++)
    (void)json_object_set_new(ret->volumes, branches[at].volume, json_true());
  for (size_t at = 0; at < endpoint_count; at++)
    (void)json_object_set_new(ret->endpoints, endpoints[at].id, json_true());
  for (size_t at = 0; at < operation_count; at++) {
    need_operation(&operations[at], ret->volumes);
    operation_row_release(&operations[at]);
  }
  mem_free(branches);
  mem_free(endpoints);
  mem_free(operations);
  if (ok && invalid > 0) /* a row that can't be read may be the one that needs a volume */
    return error_set(err, ERROR_CATALOG_INVALID,
                     "%zu rows of lakebase.branches are invalid, so nothing is swept", invalid);
  return ok;
}

/* Only what an operation of this installation made is removed; others may have put volumes there.
 */
static void sweep_volumes(Recovery *recovery, const Needed *needed) {
  Context *context = recovery->context;
  AUTO(json_free) json_t *list = NULL;
  Error failure = ERROR_INIT;
  if (!agent_call(context->agent, "volume.list", json_object(), &list, &failure)) {
    add_problem(recovery, "volumes", &failure);
    return;
  }
  size_t at = 0;
  const json_t *value = NULL;
  json_array_foreach(json_object_get(list, "volumes"), at, value) {
    const char *volume = json_string_value(value);
    bool known = false;
    if (volume == NULL || json_object_get(needed->volumes, volume) != NULL)
      continue;
    if (!catalog_knows_volume(context->catalog, volume, &known, &failure) ||
        (known && !agent_call(context->agent, "volume.delete", json_pack("{s:s}", "volume", volume),
                              NULL, &failure)))
      add_problem(recovery, volume, &failure);
  }
}

/* Uploads whose client has gone; one that is still being sent is younger. */
static void sweep_uploads(const Recovery *recovery) {
  AUTO(str_free) char *path = home_path(recovery->context->home, "spool");
  DIR *directory = opendir(path);
  if (directory == NULL)
    return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    struct stat status;
    if (id_check("up", entry->d_name) &&
        fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_mtime < time(NULL) - UPLOAD_LIFE_S)
      (void)unlinkat(dirfd(directory), entry->d_name, 0);
  }
  (void)closedir(directory);
}

static json_t *keys_of(json_t *object) {
  json_t *keys = json_array();
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(object, key, value) {
    (void)json_array_append_new(keys, json_string(key));
  }
  return keys;
}

static void sweep_host(Recovery *recovery, const Needed *needed) {
  Error failure = ERROR_INIT;
  if (!agent_call(recovery->context->agent, "host.clear",
                  json_pack("{s:o, s:o}", "volumes", keys_of(needed->volumes), "endpoints",
                            keys_of(needed->endpoints)),
                  NULL, &failure))
    add_problem(recovery, "directories of computes", &failure);
}

/* No other worker runs yet, so nobody holds a lock whose file is removed here. */
static void sweep_locks(Recovery *recovery, const Needed *needed) {
  AUTO(str_free) char *path = home_path(recovery->context->home, "locks");
  DIR *directory = opendir(path);
  if (directory == NULL)
    return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    AUTO(str_free) char *volume = str_ndup(entry->d_name, strcspn(entry->d_name, "."));
    if (id_check("vol", volume) && json_object_get(needed->volumes, volume) == NULL)
      (void)unlinkat(dirfd(directory), entry->d_name, 0);
  }
  (void)closedir(directory);
}

bool recover(Context *context, json_t **ret_problems, Error *err) {
  AUTO(json_free) json_t *problems = json_array();
  Recovery recovery = {.context = context, .problems = problems};
  AUTO_RELEASE(needed_release) Needed needed = {0};
  if (!agent_call(context->agent, "hello", json_object(), NULL, err) ||
      !recover_operations(&recovery, err) || !settle_endpoints(&recovery, err))
    return false;
  Error failure = ERROR_INIT;
  if (read_needed(context, &needed, &failure)) {
    sweep_volumes(&recovery, &needed);
    sweep_host(&recovery, &needed);
    sweep_locks(&recovery, &needed);
    sweep_uploads(&recovery);
  } else {
    add_problem(&recovery, "sweep", &failure);
  }
  *ret_problems = STEAL(problems);
  return true;
}

bool recover_interrupted(Context *context, json_t **ret_problems, Error *err) {
  AUTO(json_free) json_t *problems = json_array();
  Recovery recovery = {.context = context, .problems = problems};
  if (!recover_operations(&recovery, err))
    return false;
  *ret_problems = STEAL(problems);
  return true;
}
