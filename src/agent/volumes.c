/* Methods volume.* and pool.*: volumes, their forks, and what makes a fork a correct one. */
#include "agent/methods.h"

#include "agent/describe.h"
#include "agent/label.h"
#include "agent/session.h"
#include "compute/compute.h"
#include "core/io.h"
#include "core/lock.h"
#include "core/str.h"
#include "pg/cleanfiles.h"
#include "pg/walcopy.h"

enum { END_LIMIT_MS = 1000, GUARD_MS = 60 * 1000 };

/* One step at a time on a volume: a worker may die in the middle of one, and its recovery must not
 * overtake the session that still carries it out. */
static bool guard(const Session *session, const char *id, int *ret, Error *err) {
  AUTO(str_free) char *path = home_path(session->home, "agent/%s.lock", id);
  return lock_take(path, LOCK_EXCLUSIVE, GUARD_MS, ret, err);
}

static void forget_guard(const Session *session, const char *id) {
  AUTO(str_free) char *path = home_path(session->home, "agent/%s.lock", id);
  (void)!io_remove_file(path, NULL); /* an empty file that stays does no harm */
}

static const struct {
  StorageFeature feature;
  const char *name;
} features[] = {
    {STORAGE_ATOMIC, "atomic"},   {STORAGE_INSTANT, "instant"}, {STORAGE_SHARES, "shares"},
    {STORAGE_WRITTEN, "written"}, {STORAGE_FREED, "freed"},
};

static json_t *describe_features(unsigned bits) {
  json_t *names = json_array();
  for (size_t at = 0; at < ARRAY_LENGTH(features); at++)
    if ((bits & features[at].feature) != 0)
      (void)json_array_append_new(names, json_string(features[at].name));
  return names;
}

bool pool_status_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Pool *pool = NULL;
  PoolStatus status;
  if (!session_pool(context, &pool, err) || !pool_status(pool, &status, err))
    return false;
  *ret = json_pack("{s:s, s:o, s:I, s:I}", "driver", status.driver, "features",
                   describe_features(status.features), "size", (json_int_t)status.size, "available",
                   (json_int_t)status.available);
  return true;
}

bool volume_create_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const char *id = NULL;
  Pool *pool = NULL;
  return params_id(call, "volume", "vol", &id, err) && session_pool(context, &pool, err) &&
         volume_create(pool, id, err);
}

bool volume_fork_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const char *source = NULL;
  const char *id = NULL;
  Pool *pool = NULL;
  Control control;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!params_id(call, "source", "vol", &source, err) ||
      !params_volume(context, call, &id, &paths, err) || !session_pool(context, &pool, err) ||
      !guard(context, id, &lock, err) || !volume_fork(pool, source, id, err) ||
      !volume_attach(pool, id, err) || !control_read(paths.data, &control, err))
    return false;
  *ret = json_pack("{s:o}", "control", describe_control(&control));
  return true;
}

/* What volume.complete works on. */
typedef struct Completion {
  VolumePaths paths;
  char *source_wal;
  char *label; /* NULL: the snapshot is of one moment */
  Lsn end;     /* 0: to the last valid record */
  Control control;
  WalCopyResult copied;
  int64_t unlogged;
  bool tablespaces;
} Completion;

static void completion_release(Completion *completion) {
  volume_paths_release(&completion->paths);
  str_free(completion->source_wal);
  str_free(completion->label);
}

/* A label is given for a copy made in backup mode. One that lies in the copy is of a source which
 * was made so itself and never started: recovery still needs it. */
static bool choose_label(const RpcCall *call, Completion *completion, Error *err) {
  const char *given = json_string_or(call->params, "label", NULL);
  if (given != NULL)
    completion->label = str_dup(given);
  else if (!label_read(completion->paths.data, &completion->label, err))
    return false;
  return completion->label == NULL || label_apply(completion->label, &completion->control, err);
}

static bool prepare_completion(Session *session, const RpcCall *call, Completion *completion,
                               Error *err) {
  const char *source = NULL;
  Pool *pool = NULL;
  const char *end = json_string_or(call->params, "end", NULL);
  if (!params_id(call, "source", "vol", &source, err) || !session_pool(session, &pool, err) ||
      !params_volume(session, call, NULL, &completion->paths, err) ||
      (end != NULL && !lsn_parse(end, &completion->end, err)))
    return false;
  completion->source_wal = volume_wal_path(pool, source);
  return control_read(completion->paths.data, &completion->control, err) &&
         choose_label(call, completion, err);
}

static bool copy_log(Completion *completion, Error *err) {
  WalCopy copy = {.source_wal = completion->source_wal,
                  .target_wal = completion->paths.wal,
                  .control = &completion->control,
                  .end = completion->end};
  if (wal_copy(&copy, &completion->copied, err))
    return true;
  if (completion->copied.recycled)
    (void)error_hint(err, "recycled"); /* for the caller: take a new snapshot */
  return false;
}

/* Of a cleanly stopped source no recovery runs, which would otherwise empty unlogged tables. */
static bool clean(Completion *completion, Error *err) {
  const char *data = completion->paths.data;
  bool stopped = completion->control.state == CONTROL_SHUTDOWNED && completion->label == NULL;
  return clean_has_tablespaces(data, &completion->tablespaces, err) && clean_files(data, err) &&
         clean_unlogged(data, stopped, &completion->unlogged, err) &&
         label_write(data, completion->label, err) && io_fsync_path(data, err);
}

bool volume_complete_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  AUTO_RELEASE(completion_release) Completion completion = {0};
  AUTO_RELEASE(fd_release) int lock = -1;
  const char *id = NULL;
  if (!params_id(call, "volume", "vol", &id, err) || !guard(context, id, &lock, err) ||
      !prepare_completion(context, call, &completion, err) || !copy_log(&completion, err) ||
      !clean(&completion, err))
    return false;
  const WalCopyResult *copied = &completion.copied;
  *ret = json_pack("{s:o, s:o, s:I, s:I, s:I, s:b}", "redo", describe_lsn(copied->redo), "end",
                   describe_lsn(copied->end), "timeline", (json_int_t)copied->timeline, "bytes",
                   (json_int_t)copied->bytes, "unlogged", (json_int_t)completion.unlogged,
                   "tablespaces", completion.tablespaces);
  return true;
}

/* The endpoint whose socket directory goes with the volume, if one was named. */
static bool read_sockets(const Session *session, const RpcCall *call, char **ret, Error *err) {
  const char *endpoint = NULL;
  if (json_object_get(call->params, "endpoint") == NULL)
    return true;
  if (!params_id(call, "endpoint", "ep", &endpoint, err))
    return false;
  *ret = path_join(session->home->run, endpoint);
  return true;
}

/* A server that still runs on it is ended first: its data goes anyway. */
bool volume_delete_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const Session *session = context;
  const char *id = NULL;
  Pool *pool = NULL;
  AUTO(str_free) char *sockets = NULL;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!params_volume(context, call, &id, &paths, err) || !session_pool(context, &pool, err) ||
      !read_sockets(session, call, &sockets, err) || !guard(session, id, &lock, err))
    return false;
  ComputeSpec spec = {.data = paths.data,
                      .wal = paths.wal,
                      .directory = paths.settings,
                      .socket_directory = sockets};
  if (!compute_stop(&spec, NULL, STOP_IMMEDIATE, END_LIMIT_MS, err) ||
      !volume_delete(pool, id, err) || !compute_remove(session->home, &spec, err))
    return false;
  forget_guard(session, id);
  return true;
}

static json_t *describe_names(const char *const *names, size_t count) {
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++) {
    json_t *name = json_string(names[at]); /* NULL: a foreign name that isn't text */
    (void)json_array_append_new(list, name != NULL ? name : json_string("(not UTF-8)"));
  }
  return list;
}

bool volume_list_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Pool *pool = NULL;
  AUTO_RELEASE(volume_list_release) VolumeList list = {0};
  if (!session_pool(context, &pool, err) || !volume_list(pool, &list, err))
    return false;
  json_t *volumes = json_array();
  json_t *complete = json_array();
  for (size_t at = 0; at < list.count; at++) {
    (void)json_array_append_new(volumes, json_string(list.ids[at]));
    if (volume_exists(pool, list.ids[at]))
      (void)json_array_append_new(complete, json_string(list.ids[at]));
  }
  *ret = json_pack("{s:o, s:o, s:o}", "volumes", volumes, "complete", complete, "foreign",
                   describe_names((const char *const *)list.foreign, list.foreign_count));
  return true;
}

static json_t *known(int64_t value) {
  return value == STORAGE_UNKNOWN ? json_null() : json_integer(value);
}

bool volume_usage_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const char *id = NULL;
  Pool *pool = NULL;
  VolumeUsage usage;
  if (!params_id(call, "volume", "vol", &id, err) || !session_pool(context, &pool, err) ||
      !volume_usage(pool, id, &usage, err))
    return false;
  *ret = json_pack("{s:o, s:o, s:o, s:o, s:o}", "logical", known(usage.logical), "written",
                   known(usage.written), "freed", known(usage.freed), "wal", known(usage.wal),
                   "extents", known(usage.extents));
  return true;
}

bool volume_control_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Control control;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  if (!params_volume(context, call, NULL, &paths, err) || !control_read(paths.data, &control, err))
    return false;
  *ret = describe_control(&control);
  return true;
}
