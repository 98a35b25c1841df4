/* Opening a branch: its postgres is started, waited for, proven and cleaned before anybody is let
 * in. */
#include "branch/endpoint_open.h"

#include "branch/clean.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/identity.h"
#include "branch/principal.h"
#include "catalog/statement.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/size.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>

#define ROLLBACK_LOG "1GiB" /* "rollback_log" of config.json */

enum {
  START_LIMIT_MS = 10 * 60 * 1000, /* recovery of a large log takes minutes */
  CONNECT_SLICE_MS = 300,          /* then it is looked whether the process still lives */
  STOP_LIMIT_MS = 60 * 1000,
  OOM_ROOT = 200,
  OOM_EPHEMERAL = 700, /* the higher, the sooner the kernel takes it when memory ends */
};

/* What pgaudit is to record; from then on its log is read. */
static bool follow_statements(Context *context, const BranchRow *branch,
                              const EndpointRow *endpoint, char **ret, Error *err) {
  StatementSource source = {0};
  AUTO(str_free) char *classes = NULL;
  (void)snprintf(source.volume, sizeof source.volume, "%s", branch->volume);
  (void)snprintf(source.endpoint, sizeof source.endpoint, "%s", endpoint->id);
  (void)snprintf(source.branch, sizeof source.branch, "%s", branch->id);
  (void)snprintf(source.project, sizeof source.project, "%s", branch->project);
  if (branch->tier[0] != '\0' && !statement_classes(context->catalog, branch->id, &classes, err))
    return false;
  if (classes != NULL && classes[0] != '\0') {
    if (!statement_follow(context->catalog, &source, err))
      return false;
    *ret = STEAL(classes);
  }
  return true;
}

/* Of a tier's log as much is kept as is to tell what a rollback would leave behind. */
static json_t *settings_of(const Context *context, const BranchRow *branch) {
  const char *declared = json_string_or(context->home->config, "rollback_log", ROLLBACK_LOG);
  int64_t bytes = 0;
  Error ignored = ERROR_INIT; /* then nothing more than the server's own is kept */
  if (branch->tier[0] == '\0' || !size_parse(declared, &bytes, &ignored))
    return NULL;
  AUTO(str_free) char *size = str_format("%lldMB", (long long)(bytes / (1024 * 1024)));
  return json_pack("{s:s}", "wal_keep_size", size);
}

static bool start_params(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                         const char *preload, json_t **ret, Error *err) {
  bool is_root = str_equal(branch->kind, "root");
  json_t *logins = NULL;
  AUTO(str_free) char *audit = NULL;
  if (!follow_statements(context, branch, endpoint, &audit, err) ||
      !principal_roles(context, &logins, err))
    return false;
  *ret = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:b, s:i, s:o, s:o*}", "volume", branch->volume,
                   "endpoint", endpoint->id, "size", branch->size_class, "preload", preload,
                   "audit", audit, "first_start", !branch->clean, "oom_score_adj",
                   is_root ? OOM_ROOT : OOM_EPHEMERAL, "logins", logins, "settings",
                   settings_of(context, branch));
  return true;
}

bool endpoint_configure(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                        Error *err) {
  json_t *params = NULL;
  return start_params(context, branch, endpoint, NULL, &params, err) &&
         agent_call(context->agent, "compute.configure", params, NULL, err);
}

static char *log_tail(Context *context, const char *volume) {
  AUTO(json_free) json_t *answer = NULL;
  Error ignored = ERROR_INIT;
  if (!agent_call(context->agent, "compute.log",
                  json_pack("{s:s, s:i}", "volume", volume, "bytes", 600), &answer, &ignored))
    return str_dup("");
  return str_dup(json_string_or(answer, "text", ""));
}

/* Connects as soon as the server lets it: a socket that isn't there and "starting up" are waited
 * out, the end of the process is not. */
static bool wait_until_ready(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                             const char *database, Conn **ret, Error *err) {
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  int64_t deadline = clock_monotonic_ms() + START_LIMIT_MS;
  for (;;) {
    Error failure = ERROR_INIT;
    if (platform_open(directory, database, CONNECT_SLICE_MS, ret, &failure))
      return true;
    if (failure.code == ERROR_SQL && !str_equal(database, "postgres")) {
      database = "postgres"; /* the other one was dropped or renamed */
      continue;
    }
    if (!endpoint_is_alive(endpoint)) {
      AUTO(str_free) char *tail = log_tail(context, branch->volume);
      (void)error_set(err, ERROR_COMPUTE_FAILED,
                      "postgres of branch \"%s\" ended while starting: %s", branch->name, tail);
      return error_hint(err, "its log: `bough endpoint show %s`", branch->name);
    }
    if (failure.code != ERROR_COMPUTE_TIMEOUT) {
      *err = failure;
      return error_prefix(err, "branch \"%s\"", branch->name);
    }
    if (clock_monotonic_ms() >= deadline)
      return error_set(err, ERROR_COMPUTE_TIMEOUT,
                       "postgres of branch \"%s\" did not answer in %d s", branch->name,
                       START_LIMIT_MS / 1000);
    context_report(context, "waiting for recovery", 0, 0);
  }
}

/* Crash recovery has no end mark: it ends happily at a log that was cut short, and commits are lost
 * without an error. */
static bool check_recovered(const BranchRow *branch, Conn *conn, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  Lsn position = 0;
  if (!conn_query(conn, "SELECT pg_catalog.pg_current_wal_insert_lsn()", 0, NULL, &rows, err) ||
      !lsn_parse(rows_get(rows, 0, 0), &position, err))
    return false;
  if (position >= branch->end_lsn)
    return true;
  char reached[LSN_TEXT_SIZE];
  char expected[LSN_TEXT_SIZE];
  lsn_format(position, reached);
  lsn_format(branch->end_lsn, expected);
  (void)error_set(err, ERROR_SNAPSHOT_INVALID,
                  "branch \"%s\" recovered to %s only, its fork was taken at %s", branch->name,
                  reached, expected);
  return error_hint(err, "it stays closed; `bough branch reset %s` makes it anew", branch->name);
}

static void mark_failed(Context *context, const BranchRow *branch, const Error *failure) {
  Error ignored = ERROR_INIT; /* then the next start finds the same */
  (void)!branch_set_failed(context->catalog, branch->id, branch->volume, failure->message,
                           &ignored);
}

static bool first_start(Context *context, BranchRow *branch, const EndpointRow *endpoint,
                        Conn *conn, Error *err) {
  if (!check_recovered(branch, conn, err)) {
    mark_failed(context, branch, err);
    return false;
  }
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  AUTO_RELEASE(clean_report_release) CleanReport report = {0};
  if (!clean_branch(conn, directory, context->home, &report, err) ||
      !failpoint_reach(FAILPOINT_START_CLEANED, err) ||
      !identity_store(context->catalog, report.identity_digest, report.identity, err))
    return error_prefix(err, "cleaning branch \"%s\"", branch->name);
  branch->clean = true;
  return branch_set_clean(context->catalog, branch->id, branch->volume, report.identity_digest,
                          err) &&
         endpoint_configure(context, branch, endpoint, err);
}

/* ret_recovers may be NULL. */
static bool launch(Context *context, const BranchRow *branch, EndpointRow *endpoint,
                   bool *ret_recovers, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  json_t *params = NULL;
  int64_t pid = 0;
  int64_t start_time = 0;
  endpoint->state = ENDPOINT_STARTING;
  endpoint->wanted = true;
  endpoint->error[0] = '\0';
  (void)snprintf(endpoint->volume, sizeof endpoint->volume, "%s", branch->volume);
  ProjectRow project;
  if (!project_get(context->catalog, branch->project, &project, err))
    return false;
  const char *preload = json_string_or(project.details, "preload", NULL);
  /* recorded before it happens, so that recovery looks for the process */
  bool ok = endpoint_update(context->catalog, endpoint, err) &&
            start_params(context, branch, endpoint, preload, &params, err) &&
            agent_call(context->agent, "compute.start", params, &answer, err) &&
            json_get_integer(answer, "pid", &pid, err) &&
            json_get_integer(answer, "start_time", &start_time, err) &&
            failpoint_reach(FAILPOINT_START_LAUNCHED, err);
  project_row_release(&project);
  if (!ok)
    return false;
  endpoint->pid = (int)pid;
  endpoint->start_time = start_time;
  if (ret_recovers != NULL)
    *ret_recovers = json_bool_or(answer, "recovers", true);
  return endpoint_update(context->catalog, endpoint, err);
}

/* Connects to the database that will be cleaned, which saves the first start a connection. */
static bool connect_first(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                          Conn **ret, Error *err) {
  ProjectRow project = {0};
  if (!project_get(context->catalog, branch->project, &project, err))
    return false;
  bool ok = wait_until_ready(context, branch, endpoint, describe_database(&project), ret, err);
  project_row_release(&project);
  return ok;
}

bool endpoint_end_process(Context *context, const char *volume, EndpointRow *endpoint,
                          bool immediate, Error *err) {
  session_drop(context->sessions, endpoint->id);
  if (!agent_call(context->agent, "compute.stop",
                  json_pack("{s:s, s:s, s:i, s:I, s:b, s:i}", "volume", volume, "endpoint",
                            endpoint->id, "pid", endpoint->pid, "start_time",
                            (json_int_t)endpoint->start_time, "immediate", immediate, "timeout_ms",
                            STOP_LIMIT_MS),
                  NULL, err))
    return false;
  endpoint->pid = 0;
  endpoint->start_time = 0;
  endpoint->state = ENDPOINT_STOPPED;
  return true;
}

/* Libraries come with a start only, and a branch that isn't clean yet has none. */
static bool start_again_audited(Context *context, const BranchRow *branch, EndpointRow *endpoint,
                                Conn **conn, Error *err) {
  AUTO(str_free) char *classes = NULL;
  if (branch->tier[0] == '\0')
    return true;
  if (!statement_classes(context->catalog, branch->id, &classes, err))
    return false;
  if (classes[0] == '\0')
    return true;
  conn_free(STEAL(*conn));
  return endpoint_end_process(context, branch->volume, endpoint, false, err) &&
         launch(context, branch, endpoint, NULL, err) &&
         connect_first(context, branch, endpoint, conn, err);
}

static bool measure(Context *context, const EndpointRow *endpoint, bool memory, json_t **ret,
                    Error *err) {
  return agent_call(context->agent, "compute.measure",
                    json_pack("{s:i, s:I, s:b}", "pid", endpoint->pid, "start_time",
                              (json_int_t)endpoint->start_time, "memory", memory),
                    ret, err);
}

bool endpoint_measure(Context *context, const EndpointRow *endpoint, int64_t *ret_written,
                      int64_t *ret_memory, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!measure(context, endpoint, ret_memory != NULL, &answer, err))
    return false;
  int64_t written = json_integer_or(answer, "written", -1);
  *ret_written = written > endpoint->recovery_bytes ? written - endpoint->recovery_bytes
                                                    : (written < 0 ? -1 : 0);
  if (ret_memory != NULL)
    *ret_memory = json_integer_or(answer, "memory", -1);
  return true;
}

/* What its recovery wrote was written before, by who is charged with it once. */
static int64_t measure_recovery(Context *context, const EndpointRow *endpoint) {
  AUTO(json_free) json_t *answer = NULL;
  Error unknown = ERROR_INIT;
  return measure(context, endpoint, false, &answer, &unknown)
             ? json_integer_or(answer, "written", 0)
             : 0;
}

bool endpoint_open(Context *context, BranchRow *branch, EndpointRow *endpoint, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  bool recovers = false;
  if (!launch(context, branch, endpoint, &recovers, err) ||
      !connect_first(context, branch, endpoint, &conn, err))
    return false;
  /* the log that a first start replays is kept short by the fork */
  endpoint->recovery_bytes = recovers && branch->clean ? measure_recovery(context, endpoint) : 0;
  if ((!branch->clean && (!first_start(context, branch, endpoint, conn, err) ||
                          !start_again_audited(context, branch, endpoint, &conn, err))))
    return false;
  endpoint->state = ENDPOINT_RUNNING;
  endpoint->started_at = clock_wall_us();
  return true;
}
