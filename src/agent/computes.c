/* Methods compute.*: servers on volumes. */
#include "agent/methods.h"

#include "agent/label.h"
#include "agent/session.h"
#include "compute/compute.h"
#include "core/str.h"
#include "pg/cleanfiles.h"
#include "pg/control.h"
#include "pg/readahead.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { LOG_BYTES_MAX = 1024 * 1024, OOM_SCORE_MAX = 1000, STOP_MS = 30 * 1000, READY_MS = 2000 };

typedef struct Target {
  VolumePaths paths;
  char *sockets;
  ComputeSpec spec; /* borrows from the above and from the call */
} Target;

static void target_release(Target *target) {
  volume_paths_release(&target->paths);
  str_free(target->sockets);
}

static bool read_target(Session *session, const RpcCall *call, Target *ret, Error *err) {
  const char *endpoint = NULL;
  if (!params_id(call, "endpoint", "ep", &endpoint, err) ||
      !params_volume(session, call, NULL, &ret->paths, err))
    return false;
  ret->sockets = str_format("%s/%s", session->home->run, endpoint);
  ret->spec = (ComputeSpec){.data = ret->paths.data,
                            .wal = ret->paths.wal,
                            .directory = ret->paths.settings,
                            .socket_directory = ret->sockets};
  return true;
}

static bool read_settings(const RpcCall *call, ComputeSpec *spec, Error *err) {
  const char *size = NULL;
  int64_t score = json_integer_or(call->params, "oom_score_adj", 0);
  if (!json_get_string(call->params, "size", &size, err))
    return false;
  spec->size = size_class_find(size);
  if (spec->size == NULL)
    return error_set(err, ERROR_USAGE, "there is no size class \"%.40s\"", size);
  if (score < -OOM_SCORE_MAX || score > OOM_SCORE_MAX)
    return error_set(err, ERROR_USAGE, "\"oom_score_adj\" must be from -1000 to 1000");
  spec->oom_score_adj = (int)score;
  spec->preload = json_string_or(call->params, "preload", NULL);
  spec->audit = json_string_or(call->params, "audit", NULL);
  spec->first_start = json_bool_or(call->params, "first_start", true);
  spec->logins = json_object_get(call->params, "logins");
  spec->settings = json_object_get(call->params, "settings");
  return true;
}

/* Cleaning at create isn't made durable, so it is done again. A copy that recovery has to repair
 * first, by its label, was cleaned when it was made. */
static bool clean_again(const char *data, Error *err) {
  AUTO(str_free) char *label = NULL;
  Control control;
  int64_t unlogged = 0;
  if (!compute_check_stopped(data, err) || !label_read(data, &label, err) ||
      !control_read(data, &control, err))
    return false;
  return label != NULL ||
         (clean_files(data, err) &&
          clean_unlogged(data, control.state == CONTROL_SHUTDOWNED, &unlogged, err));
}

static bool prepare_first_start(const Target *target, Error *err) {
  ComputeProcess running = {0};
  return compute_find(target->paths.data, &running, err) &&
         (running.pid > 0 || clean_again(target->paths.data, err));
}

static json_t *describe_process(const ComputeProcess *process) {
  return json_pack("{s:i, s:I}", "pid", (int)process->pid, "start_time",
                   (json_int_t)process->start_time);
}

static bool attach(Session *session, const RpcCall *call, Error *err) {
  Pool *pool = NULL;
  return session_pool(session, &pool, err) &&
         volume_attach(pool, json_string_or(call->params, "volume", ""), err);
}

/* Whether a server that starts on data has to recover first. */
static bool must_recover(const char *data) {
  Control control;
  Error ignored = ERROR_INIT; /* the server will tell */
  return !control_read(data, &control, &ignored) || control.state != CONTROL_SHUTDOWNED;
}

bool compute_start_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Session *session = context;
  ComputeProcess process;
  AUTO_RELEASE(target_release) Target target = {0};
  if (!read_target(session, call, &target, err) || !read_settings(call, &target.spec, err) ||
      !attach(session, call, err) ||
      (target.spec.first_start && !prepare_first_start(&target, err)))
    return false;
  bool recovers = must_recover(target.paths.data);
  if (!compute_start(session->home, &target.spec, &process, err))
    return false;
  if (target.spec.first_start)
    readahead_catalogs(target.paths.data);
  compute_wait_ready(&target.spec, &process, READY_MS);
  *ret = describe_process(&process);
  (void)json_object_set_new(*ret, "recovers", json_boolean(recovers));
  return true;
}

bool compute_configure_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Session *session = context;
  AUTO_RELEASE(target_release) Target target = {0};
  return read_target(session, call, &target, err) && read_settings(call, &target.spec, err) &&
         compute_configure(session->home, &target.spec, err);
}

/* A process as members of the parameters; pid 0 where they are missing. */
static ComputeProcess read_process(const RpcCall *call) {
  int64_t pid = json_integer_or(call->params, "pid", 0);
  int64_t start_time = json_integer_or(call->params, "start_time", 0);
  if (pid <= 1 || pid > INT_MAX || start_time <= 0)
    return (ComputeProcess){0};
  return (ComputeProcess){.pid = (pid_t)pid, .start_time = (uint64_t)start_time};
}

bool compute_stop_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Session *session = context;
  Pool *pool = NULL;
  ComputeProcess process = read_process(call);
  int64_t timeout_ms = json_integer_or(call->params, "timeout_ms", STOP_MS);
  StopMode mode = json_bool_or(call->params, "immediate", false) ? STOP_IMMEDIATE : STOP_FAST;
  AUTO_RELEASE(target_release) Target target = {0};
  if (timeout_ms < 0 || timeout_ms > INT_MAX)
    return error_set(err, ERROR_USAGE, "\"timeout_ms\" is out of range");
  return read_target(session, call, &target, err) && session_pool(session, &pool, err) &&
         compute_stop(&target.spec, &process, mode, (int)timeout_ms, err) &&
         volume_detach(pool, json_string_or(call->params, "volume", ""), err);
}

bool compute_find_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  ComputeProcess process;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  if (!params_volume(context, call, NULL, &paths, err) || !compute_find(paths.data, &process, err))
    return false;
  *ret = describe_process(&process);
  return true;
}

bool compute_log_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  int64_t bytes = json_integer_or(call->params, "bytes", 0);
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  if (!params_volume(context, call, NULL, &paths, err))
    return false;
  if (bytes < 0 || bytes > LOG_BYTES_MAX)
    return error_set(err, ERROR_USAGE, "\"bytes\" must be from 0 to %d", LOG_BYTES_MAX);
  AUTO(str_free) char *text = compute_log_tail(paths.settings, (size_t)bytes);
  *ret = json_pack("{s:s}", "text", text);
  return true;
}

bool compute_statements_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const char *file = json_string_or(call->params, "file", "");
  StatementPlace place = {.offset = json_integer_or(call->params, "offset", 0)};
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  json_t *statements = NULL;
  if (!params_volume(context, call, NULL, &paths, err))
    return false;
  if (strlen(file) >= sizeof place.file || place.offset < 0)
    return error_set(err, ERROR_USAGE, "no place in a log");
  (void)snprintf(place.file, sizeof place.file, "%s", file);
  if (!compute_statements(paths.data, &place, &statements, err))
    return false;
  *ret = json_pack("{s:o, s:s, s:I}", "statements", statements, "file", place.file, "offset",
                   (json_int_t)place.offset);
  return true;
}

static json_t *known(int64_t value) {
  return value < 0 ? json_null() : json_integer(value);
}

bool compute_measure_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  ComputeProcess process = read_process(call);
  int64_t written = -1;
  int64_t memory = -1;
  if (process.pid > 0)
    compute_measure(&process, &written,
                    json_bool_or(call->params, "memory", true) ? &memory : NULL);
  *ret = json_pack("{s:o, s:o}", "written", known(written), "memory", known(memory));
  return true;
}
