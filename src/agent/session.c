/* A session: the table of methods, and what they share. */
#include "agent/session.h"

#include "agent/methods.h"
#include "compute/compute.h"
#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static const RpcMethod methods[] = {
    {"hello", hello_method},
    {"ping", ping_method},
    {"pool.status", pool_status_method},
    {"volume.create", volume_create_method},
    {"volume.fork", volume_fork_method},
    {"volume.complete", volume_complete_method},
    {"volume.delete", volume_delete_method},
    {"volume.list", volume_list_method},
    {"volume.usage", volume_usage_method},
    {"volume.control", volume_control_method},
    {"volume.alike", volume_alike_method},
    {"cluster.init", cluster_init_method},
    {"cluster.basebackup", cluster_basebackup_method},
    {"cluster.checksums", cluster_checksums_method},
    {"cluster.single", cluster_single_method},
    {"compute.start", compute_start_method},
    {"compute.configure", compute_configure_method},
    {"compute.stop", compute_stop_method},
    {"compute.find", compute_find_method},
    {"compute.log", compute_log_method},
    {"compute.statements", compute_statements_method},
    {"compute.measure", compute_measure_method},
    {"host.leftovers", host_leftovers_method},
    {"host.clear", host_clear_method},
};

static volatile sig_atomic_t served_connection = -1;

/* The reader sees the end of the stream: after the call at hand is answered, the session ends. */
static void stop_reading(int signal_number) {
  (void)shutdown(served_connection, SHUT_RD);
}

bool session_run(Session *session, int connection, Error *err) {
  struct sigaction action = {.sa_handler = stop_reading, .sa_flags = SA_RESTART};
  served_connection = connection;
  if (sigaction(SIGTERM, &action, NULL) != 0)
    return error_set_errno(err, errno, "could not handle SIGTERM");
  bool ok = home_open(session->root, &session->home, err) &&
            rpc_serve(connection, methods, ARRAY_LENGTH(methods), session, err);
  pool_free(session->pool);
  home_free(session->home);
  return ok;
}

/* A session may be older than the pool: then the settings are read again. */
static bool refresh_home(Session *session, Error *err) {
  Home *fresh = NULL;
  if (session->home->pool_path != NULL)
    return true;
  if (!home_open(session->root, &fresh, err))
    return false;
  home_free(session->home);
  session->home = fresh;
  return true;
}

bool session_pool(Session *session, Pool **ret, Error *err) {
  if (session->pool == NULL) {
    if (!refresh_home(session, err))
      return false;
    const Home *home = session->home;
    if (home->pool_driver == NULL || home->pool_path == NULL) {
      (void)error_set(err, ERROR_POOL_MISSING, "there is no storage pool yet");
      return error_hint(err, "run `bough up` or `bough pool create`");
    }
    AUTO(str_free) char *wal_root = home_path(home, "wal");
    if (!pool_open(home->pool_driver, home->pool_path, wal_root, &session->pool, err))
      return false;
  }
  *ret = session->pool;
  return true;
}

void volume_paths_release(VolumePaths *paths) {
  str_free(paths->data);
  str_free(paths->wal);
  str_free(paths->settings);
  *paths = (VolumePaths){0};
}

bool params_id(const RpcCall *call, const char *key, const char *prefix, const char **ret,
               Error *err) {
  const char *id = NULL;
  if (!json_get_string(call->params, key, &id, err))
    return false;
  if (!id_check(prefix, id))
    return error_set(err, ERROR_INVALID_NAME, "\"%.80s\" is no id of the kind %s-...", id, prefix);
  *ret = id;
  return true;
}

bool params_volume(Session *session, const RpcCall *call, const char **ret_id, VolumePaths *ret,
                   Error *err) {
  const char *id = NULL;
  Pool *pool = NULL;
  if (!params_id(call, "volume", "vol", &id, err) || !session_pool(session, &pool, err))
    return false;
  *ret = (VolumePaths){
      .data = volume_data_path(pool, id),
      .wal = volume_wal_path(pool, id),
      .settings = home_path(session->home, "compute/%s", id),
  };
  if (ret_id != NULL)
    *ret_id = id;
  return true;
}

static json_t *describe_agent(const Session *session) {
  return json_pack("{s:s, s:i, s:i, s:b}", "version", BOUGH_VERSION, "pid", (int)session->agent,
                   "landlock", confine_level(), "cgroup", compute_limits_possible(session->home));
}

bool ping_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  *ret = describe_agent(context);
  return true;
}

/* Asks the agent to end the sessions that are older than this one, and waits until it has. */
bool hello_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const Session *session = context;
  char message = 'h';
  if (send(session->leash, &message, sizeof message, MSG_NOSIGNAL) != (ssize_t)sizeof message ||
      recv(session->leash, &message, sizeof message, 0) != (ssize_t)sizeof message)
    return error_set_errno(err, errno, "could not end the sessions of an earlier boughd");
  *ret = describe_agent(session);
  return true;
}
