/* Forks a volume: flush the log, snapshot, read the flush position, copy the log up to there, prove
 * it.
 *
 * The order is what makes it right (docs/adr/0002-correct-branch.md): the snapshot holds every page
 * that was written before it, the log up to the position read after it holds every change to such a
 * page. */
#include "branch/fork.h"

#include "branch/endpoint.h"
#include "branch/pool.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>

enum {
  SOURCE_WAIT_MS = 10 * 60 * 1000, /* recovery of a large log takes minutes */
  WAIT_SLICE_MS = 1000,            /* then the caller is told, and it is looked again */
  CHECKPOINT_LOCK_MS = 60 * 1000,
  ATTEMPTS = 3,
  /* Replay runs at about 40 MB/s, an immediate checkpoint under full load takes 0.6 to 1.8 s
   * (measured in the design phase): past this much log a checkpoint is the cheaper way to a first
   * row. */
  REPLAY_LIMIT_BYTES = 24 * 1024 * 1024,
};

typedef struct Source {
  BranchRow branch;
  EndpointRow endpoint;
  bool running;
  bool atomic; /* the storage's snapshots are one point in time */
  int lock;    /* shared lock on its volume; -1: none */
} Source;

static const char recovering[] = "waiting for the parent's recovery";

static void source_release(Source *source) {
  fd_release(&source->lock);
}

/* Whoever starts the source has its volume's lock until it has recovered. */
static bool wait_for_lock(Context *context, Source *source, Error *err) {
  int64_t deadline = clock_monotonic_ms() + SOURCE_WAIT_MS;
  for (;;) {
    Error failure = ERROR_INIT;
    if (volume_lock(context, source->branch.volume, LOCK_SHARED, WAIT_SLICE_MS, &source->lock,
                    &failure))
      return true;
    if (failure.code != ERROR_BRANCH_BUSY || clock_monotonic_ms() >= deadline) {
      *err = failure;
      return false;
    }
    context_report(context, "waiting for the parent", 0, 0);
  }
}

/* Reads the branch and locks its volume; a reset may swap the volume in between, then again. */
static bool lock_source(Context *context, const char *branch, Source *source, Error *err) {
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (!branch_get(context->catalog, branch, &source->branch, err) ||
        !wait_for_lock(context, source, err))
      return false;
    BranchRow again;
    if (!branch_get(context->catalog, branch, &again, err))
      return false;
    if (again.state != ROW_READY) {
      (void)error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is %s", again.name,
                      row_state_text(again.state));
      return false;
    }
    if (str_equal(again.volume, source->branch.volume)) {
      source->branch = again;
      return true;
    }
    fd_release(&source->lock);
  }
  return error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is being reset", source->branch.name);
}

static bool inspect_source(Context *context, Source *source, Error *err) {
  if (!endpoint_of_branch(context->catalog, source->branch.id, &source->endpoint, err) ||
      !pool_has_feature(context, "atomic", &source->atomic, err))
    return false;
  source->running = endpoint_is_alive(&source->endpoint);
  return true;
}

/* Bytes of log that a fork taken now would have to replay. */
static bool pending_log(Conn *conn, int64_t *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn,
                  "SELECT (pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), "
                  "redo_lsn))::pg_catalog.int8 FROM pg_catalog.pg_control_checkpoint()",
                  0, NULL, &rows, err))
    return false;
  *ret = rows_get_integer(rows, 0, 0);
  return true;
}

/* Concurrent creates wait for one checkpoint instead of asking for one each. */
static bool shorten_log(Context *context, const Source *source, Conn *conn, bool force,
                        Error *err) {
  int64_t pending = 0;
  if (!pending_log(conn, &pending, err))
    return false;
  if (!force && pending <= REPLAY_LIMIT_BYTES)
    return true;
  AUTO(str_free)
  char *path = home_path(context->home, "locks/%s.checkpoint", source->branch.volume);
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!lock_take(path, LOCK_EXCLUSIVE, CHECKPOINT_LOCK_MS, &lock, err) ||
      !pending_log(conn, &pending, err))
    return false;
  if (!force && pending <= REPLAY_LIMIT_BYTES)
    return true;
  return conn_exec(conn, "CHECKPOINT", NULL, err);
}

/* Makes everything that was committed so far durable, also what was committed with
 * synchronous_commit=off: a transaction that wrote something flushes the log up to its commit. One
 * that only took an id doesn't (PostgreSQL's RecordTransactionCommit), hence the message. */
static bool flush_log(Conn *conn, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn,
                  "SELECT pg_catalog.pg_current_wal_insert_lsn() OPERATOR(pg_catalog.>) "
                  "pg_catalog.pg_current_wal_flush_lsn()",
                  0, NULL, &rows, err))
    return false;
  return !rows_get_bool(rows, 0, 0) ||
         conn_exec(conn, "SELECT pg_catalog.pg_logical_emit_message(true, 'bough', '')", NULL, err);
}

static bool read_position(Conn *conn, const char *sql, char ret[LSN_TEXT_SIZE], Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, sql, 0, NULL, &rows, err))
    return false;
  const char *text = rows_count(rows) > 0 ? rows_get(rows, 0, 0) : NULL;
  if (text == NULL)
    return error_set(err, ERROR_SQL, "the source told no log position");
  (void)snprintf(ret, LSN_TEXT_SIZE, "%s", text);
  return true;
}

static bool read_result(const json_t *answer, ForkResult *ret, Error *err) {
  const char *redo = NULL;
  const char *end = NULL;
  int64_t timeline = 0;
  ForkResult result = {.unlogged = json_integer_or(answer, "unlogged", 0)};
  if (!json_get_string(answer, "redo", &redo, err) || !json_get_string(answer, "end", &end, err) ||
      !json_get_integer(answer, "timeline", &timeline, err) ||
      !lsn_parse(redo, &result.redo, err) || !lsn_parse(end, &result.end, err))
    return false;
  result.timeline = (uint32_t)timeline;
  result.lsn = result.end;
  *ret = result;
  return true;
}

static bool complete(Context *context, const Source *source, const char *volume, const char *end,
                     const char *label, ForkResult *ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  return agent_call(context->agent, "volume.complete",
                    json_pack("{s:s, s:s, s:s*, s:s*}", "source", source->branch.volume, "volume",
                              volume, "end", end, "label", label),
                    &answer, err) &&
         read_result(answer, ret, err);
}

static bool snapshot(Context *context, const Source *source, const char *volume, Error *err) {
  return agent_call(context->agent, "volume.fork",
                    json_pack("{s:s, s:s}", "source", source->branch.volume, "volume", volume),
                    NULL, err);
}

/* For tests: a checkpoint between snapshot and copy, and enough switches for the source to recycle
 * the segments that the snapshot needs; at the first attempt, or at each. */
static bool provoke_recycling(Conn *conn, int attempt, Error *err) {
  if (!failpoint_wants(FAILPOINT_CREATE_SNAPSHOT, "recycle-always") &&
      !(attempt == 1 && failpoint_wants(FAILPOINT_CREATE_SNAPSHOT, "recycle")))
    return true;
  for (int switches = 0; switches < 4; switches++)
    if (!conn_exec(conn, "SELECT pg_catalog.pg_current_xact_id()", NULL, err) ||
        !conn_exec(conn, "SELECT pg_catalog.pg_switch_wal()", NULL, err))
      return false;
  return conn_exec(conn, "CHECKPOINT", NULL, err) && conn_exec(conn, "CHECKPOINT", NULL, err);
}

static bool fork_running(Context *context, const Source *source, Conn *conn, const char *volume,
                         int attempt, ForkResult *ret, Error *err) {
  char flushed[LSN_TEXT_SIZE];
  return flush_log(conn, err) && failpoint_reach(FAILPOINT_CREATE_FLUSHED, err) &&
         snapshot(context, source, volume, err) &&
         failpoint_reach(FAILPOINT_CREATE_SNAPSHOT, err) && provoke_recycling(conn, attempt, err) &&
         read_position(conn, "SELECT pg_catalog.pg_current_wal_flush_lsn()", flushed, err) &&
         complete(context, source, volume, flushed, NULL, ret, err);
}

/* Ends backup mode; its answer is the label that recovery of the copy has to start from. */
static bool stop_backup(Conn *conn, char ret_end[LSN_TEXT_SIZE], char **ret_label, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, "SELECT lsn, labelfile FROM pg_catalog.pg_backup_stop(false)", 0, NULL,
                  &rows, err))
    return false;
  (void)snprintf(ret_end, LSN_TEXT_SIZE, "%s", rows_get(rows, 0, 0));
  *ret_label = str_dup(rows_get(rows, 0, 1));
  return true;
}

/* Files that are copied one after the other are of different moments: PostgreSQL's backup mode
 * makes its log able to repair that. */
static bool fork_running_in_backup_mode(Context *context, const Source *source, const char *volume,
                                        ForkResult *ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL; /* of its own: backup mode ends with the session */
  AUTO(str_free) char *label = NULL;
  char end[LSN_TEXT_SIZE];
  return endpoint_own_session(context, &source->endpoint, SOURCE_WAIT_MS, recovering, &conn, err) &&
         conn_exec(conn, "SELECT pg_catalog.pg_backup_start('bough fork', true)", NULL, err) &&
         failpoint_reach(FAILPOINT_CREATE_FLUSHED, err) && snapshot(context, source, volume, err) &&
         failpoint_reach(FAILPOINT_CREATE_SNAPSHOT, err) && stop_backup(conn, end, &label, err) &&
         complete(context, source, volume, end, label, ret, err);
}

static bool is_recycled(const Error *err) {
  return err->code == ERROR_SNAPSHOT_INVALID && str_equal(err->hint, "recycled");
}

static void discard(Context *context, const char *volume) {
  Error ignored = ERROR_INIT; /* recovery removes what this can't */
  (void)!agent_call(context->agent, "volume.delete", json_pack("{s:s}", "volume", volume), NULL,
                    &ignored);
}

/* The log may be recycled under the copy: then a new snapshot, from the second time on right after
 * a checkpoint. Or the server restarts after a crash of one of its processes: then a new session.
 */
static bool fork_from_running(Context *context, Source *source, const char *volume, ForkResult *ret,
                              Error *err) {
  for (int attempt = 1;; attempt++) {
    Conn *conn = NULL;
    Error failure = ERROR_INIT;
    if (!endpoint_session(context, &source->endpoint, SOURCE_WAIT_MS, recovering, &conn, err))
      return false;
    bool ok =
        shorten_log(context, source, conn, attempt > 2, &failure) &&
        (source->atomic ? fork_running(context, source, conn, volume, attempt, ret, &failure)
                        : fork_running_in_backup_mode(context, source, volume, ret, &failure));
    if (ok)
      return true;
    discard(context, volume);
    bool may_repeat = is_recycled(&failure) || !conn_is_alive(conn);
    if (!may_repeat || attempt == ATTEMPTS) {
      session_drop(context->sessions, source->endpoint.id);
      *err = failure;
      return false;
    }
  }
}

/* Stopped, killed, or never started: nobody writes, so its log is copied to its last valid record,
 * which must not lie before what was recorded when the source itself was forked. */
static bool fork_from_resting(Context *context, const Source *source, const char *volume,
                              ForkResult *ret, Error *err) {
  ForkResult result;
  if (!snapshot(context, source, volume, err))
    return false;
  bool ok = failpoint_reach(FAILPOINT_CREATE_SNAPSHOT, err) &&
            complete(context, source, volume, NULL, NULL, &result, err);
  if (ok && !source->branch.clean && result.end < source->branch.end_lsn)
    ok = error_set(err, ERROR_SNAPSHOT_INVALID,
                   "the log of branch \"%s\" ends before its recorded end", source->branch.name);
  if (!ok) {
    discard(context, volume);
    return false;
  }
  *ret = result;
  return true;
}

bool fork_volume(Context *context, const char *source_branch, const char *volume, ForkResult *ret,
                 Error *err) {
  AUTO_RELEASE(source_release) Source source = {.lock = -1};
  if (!lock_source(context, source_branch, &source, err) || !inspect_source(context, &source, err))
    return false;
  Error failure = ERROR_INIT;
  if (source.running && fork_from_running(context, &source, volume, ret, &failure))
    return true;
  if (source.running && endpoint_is_alive(&source.endpoint)) {
    *err = failure;
    return false;
  } /* else it ended meanwhile, and rests */
  return fork_from_resting(context, &source, volume, ret, err);
}

void branch_take_fork(BranchRow *branch, const ForkResult *fork) {
  branch->clean = false;
  branch->identity[0] = '\0';
  branch->fork_timeline = fork->timeline;
  branch->fork_lsn = fork->lsn;
  branch->redo_lsn = fork->redo;
  branch->end_lsn = fork->end;
  branch->unlogged = fork->unlogged;
}
