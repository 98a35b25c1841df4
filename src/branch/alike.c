/* Holds two volumes still and has the agent look where their catalogs lie. */
#include "branch/alike.h"

#include "branch/endpoint.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>

enum { SESSION_MS = 2000 };

typedef struct Half {
  const BranchRow *branch;
  EndpointRow endpoint;
  bool runs;
  int lock; /* shared, on its volume: nobody starts or stops it meanwhile */
  char end[LSN_TEXT_SIZE];
} Half;

static void half_release(Half *half) {
  fd_release(&half->lock);
}

static bool lock_half(Context *context, Half *half) {
  Error ignored = ERROR_INIT;
  BranchRow now;
  if (!volume_lock(context, half->branch->volume, LOCK_SHARED, 0, &half->lock, &ignored) ||
      !branch_get(context->catalog, half->branch->id, &now, &ignored) || now.state != ROW_READY ||
      !str_equal(now.volume, half->branch->volume) ||
      !endpoint_of_branch(context->catalog, now.id, &half->endpoint, &ignored))
    return false;
  half->runs = endpoint_is_alive(&half->endpoint);
  return true;
}

/* The position at which a running server would write next: it hasn't changed while that hasn't. */
static bool read_end(Context *context, const Half *half, char ret[LSN_TEXT_SIZE]) {
  Conn *conn = NULL;
  AUTO(rows_free) Rows *rows = NULL;
  Error ignored = ERROR_INIT;
  if (!session_get(context->sessions, &half->endpoint, SESSION_MS, &conn, &ignored) ||
      !conn_query(conn, "SELECT pg_catalog.pg_current_wal_insert_lsn()", 0, NULL, &rows, &ignored))
    return false;
  (void)snprintf(ret, LSN_TEXT_SIZE, "%s", rows_get(rows, 0, 0));
  return true;
}

static bool note_end(Context *context, Half *half) {
  return !half->runs || read_end(context, half, half->end);
}

static bool is_unchanged(Context *context, const Half *half) {
  char now[LSN_TEXT_SIZE] = "";
  return !half->runs || (read_end(context, half, now) && str_equal(now, half->end));
}

static bool ask_agent(Context *context, const Half *left, const Half *right, const char *database) {
  Error ignored = ERROR_INIT;
  AUTO(json_free) json_t *answer = NULL;
  json_t *params =
      json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "left", left->branch->volume, "right",
                right->branch->volume, "database", database, "left_end",
                left->runs ? left->end : NULL, "right_end", right->runs ? right->end : NULL);
  return agent_call(context->agent, "volume.alike", params, &answer, &ignored) &&
         json_is_true(json_object_get(answer, "alike"));
}

/* One that is still to be cleaned may lose what the other one has lost already. */
bool branches_are_alike(Context *context, const BranchRow *left, const BranchRow *right,
                        const char *database) {
  AUTO_RELEASE(half_release) Half one = {.branch = left, .lock = -1};
  AUTO_RELEASE(half_release) Half other = {.branch = right, .lock = -1};
  return left->clean == right->clean && lock_half(context, &one) && lock_half(context, &other) &&
         note_end(context, &one) && note_end(context, &other) &&
         ask_agent(context, &one, &other, database) && is_unchanged(context, &one) &&
         is_unchanged(context, &other);
}
