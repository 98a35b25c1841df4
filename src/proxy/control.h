/* The connection to boughd, which decides everything: verifiers, routes, and what is recorded.
 *
 * Unix stream socket ROOT/locks/proxy.sock, made by boughd, frames of core/rpc.h without blobs. The
 * proxy asks {"id":N,"method":M,"params":{...}}; boughd answers {"id":N,"result":{...}} or
 * {"id":N,"error":{"code","message","hint"}} in any order, and pushes {"push":NAME,"params":{...}}.
 * When the connection is lost the proxy connects again with a growing delay, says hello first, and
 * sends every question without an answer again: boughd may see one twice, with another id. Open
 * sessions go on meanwhile.
 *
 * hello {pid, version, boot, sessions: [{session, principal, endpoint}]} -> {}
 *   First on every connection. boot is a random name of this process. Sessions that boughd has as
 *   open under this boot and that aren't listed have ended; what it pushed while it was away it
 *   pushes again.
 *
 * salts {} -> {secret, iterations}
 *   secret in base64: a name's salt is made of it (scram_salt), whether it is a user's or not. One
 *   iteration count for all tokens.
 *
 * verifier {user} -> {principal, keys: [{token, stored_key, server_key, expires_at_us}]}
 *   keys in base64; 0 never expires, at most 64 keys. For a user that doesn't exist: keys empty,
 *   after the same time.
 *
 * route {principal, token, user, endpoint?, branch?, database, source, application_name, tls,
 *        retry?, session?}
 *   -> {session, endpoint, branch, socket_directory, port, compute?, role, database?, idle_ms,
 *       connections_limit}
 *   compute names the process that has the socket, and the right that the role has on it, by which
 *   policy; a connection that was made to another one, or with another right, before the answer
 * came is given up. Answered when the compute takes connections and the session's start is
 * recorded. endpoint and branch may both be given and must then agree. database "system" without
 * endpoint and branch is the catalog. A refusal is recorded before it is answered. retry: the place
 * of the answer before didn't take the connection, which was for session; that session is kept.
 * token: the one that the client proved to have. database in the answer replaces the one asked for.
 * idle_ms: the session ends after so long without a byte; 0 never. connections_limit: of sessions
 * on the endpoint; 0 none.
 *
 * sessions.end {sessions: [{session, bytes_in, bytes_out, duration_ms, reason}]} -> {}
 *   Kept and sent again until it is answered. bytes_in came from the client.
 *
 * sessions.report {boot, seq, lost, sessions: [{session, bytes_in, bytes_out, active}]} -> {}
 *   Once a second when there is anything to say: totals so far of sessions that moved bytes since
 *   the last one. seq counts up by 1; a gap means that counters were lost. lost: what had to be
 * dropped since the report before, because boughd was away for too long.
 *
 * refused {user, source, code, message, count} -> {}
 *   What boughd can't know: wrong passwords, broken protocol, limits. The client gets its error
 * when this is answered. count > 1: so many of the same source and code within a second.
 *
 * Pushes: invalidate {endpoint?}: forget routes to it, or all of them.
 *         terminate {principal?, endpoint?, session?, grace_ms, reason}: sessions that match all
 * that is given get ERROR_SHUTDOWN with that reason after the grace, and are closed. drain
 * {limit_ms}: accept nobody any more, end when the last session has, or at the limit. */
#pragma once

#include "core/json.h"

#include <event2/event.h>

typedef struct Control Control;

typedef struct ControlHooks {
  json_t *(*hello)(void *context); /* the params, made anew for each connection */
  void (*push)(void *context, const char *name, const json_t *params);
  void (*late)(void *context, const json_t *result); /* to a question whose time was over */
  void *context;
} ControlHooks;

Control *control_new(struct event_base *base, const char *path, const ControlHooks *hooks);
void control_free(Control *control); /* nobody is told anything any more */

/* failure NULL: result (borrowed). Called once, from the loop, never from inside control_ask. */
typedef void ControlDone(void *context, const json_t *result, const Error *failure);

/* Asks with params (stolen). An answer after limit_ms is ERROR_COMPUTE_TIMEOUT; when boughd isn't
 * there for ten seconds it is ERROR_STARTING. Returns what control_forget takes. */
uint64_t control_ask(Control *control, const char *method, json_t *params, int limit_ms,
                     ControlDone *done, void *context);
/* done will not be called. The question is not taken back. */
void control_forget(Control *control, uint64_t id);

/* Tells params (stolen), again and again until boughd has answered; without done also when it
 * answers that it failed, some times. done is called when there is an answer, or after limit_ms. */
uint64_t control_tell(Control *control, const char *method, json_t *params, int limit_ms,
                      ControlDone *done, void *context);

/* What is told but not yet answered. */
size_t control_untold(const Control *control);
/* How much had to be dropped since this was last asked, because boughd was away for too long. */
uint64_t control_take_lost(Control *control);
