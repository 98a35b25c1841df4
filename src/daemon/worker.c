/* Reads a request, finds out who asks, runs its route, writes the answer. */
#include "daemon/worker.h"

#include "branch/audit.h"
#include "branch/login.h"
#include "branch/principal.h"
#include "catalog/cluster.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/log.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/str.h"
#include "daemon/audited.h"
#include "daemon/route.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CATALOG_LOCK_MS = 120 * 1000 };

typedef struct Worker {
  Home *home;
  Context context;
} Worker;

/* The first worker that misses the catalog starts it; the others wait for that. */
static bool open_catalog(Worker *worker, Error *err) {
  if (worker->context.catalog != NULL)
    return true;
  AUTO(str_free) char *conninfo = catalog_cluster_conninfo(worker->home);
  Error failure = ERROR_INIT;
  if (catalog_open(conninfo, &worker->context.catalog, &failure))
    return true;
  AUTO(str_free) char *path = home_path(worker->home, "locks/catalog");
  AUTO_RELEASE(fd_release) int lock = -1;
  AUTO(str_free) char *started = NULL;
  pid_t pid = 0;
  return lock_take(path, LOCK_EXCLUSIVE, CATALOG_LOCK_MS, &lock, err) &&
         catalog_cluster_start(worker->home, &started, &pid, err) &&
         catalog_open(started, &worker->context.catalog, err);
}

static void be(Context *context, const char *name) {
  context->caller = (PrincipalRow){.os_uid = -1, .is_platform = true};
  (void)snprintf(context->caller.name, sizeof context->caller.name, "%s", name);
}

/* Service accounts are never principals: who runs inside a compute must not gain anything by
 * reaching this socket. */
static bool is_service_account(const Home *home, int64_t uid) {
  return home->system_mode &&
         (uid == (int64_t)home->control.uid || uid == (int64_t)home->compute.uid ||
          uid == (int64_t)home->command.uid);
}

/* Where the token comes by the unix socket, the kernel's word still keeps service accounts out. */
static bool identify_by_token(Worker *worker, const char *token, Error *err) {
  Context *context = &worker->context;
  TokenRow row;
  if (context->catalog == NULL)
    return error_set(err, ERROR_CATALOG_DOWN, "the system catalog doesn't answer");
  if (!principal_by_token(context, token, &context->caller, &row, err))
    return false;
  context->caller_has_token = true;
  context->caller_expires = row.expires_at;
  memcpy(context->caller_token, row.id, sizeof context->caller_token);
  return true;
}

static bool identify(Worker *worker, const json_t *message, Error *err) {
  Context *context = &worker->context;
  int64_t uid = json_integer_or(message, "uid", -1);
  const char *bearer = json_string_or(message, "bearer", NULL);
  if (is_service_account(worker->home, uid))
    return error_set(err, ERROR_UNAUTHENTICATED, "service accounts are no principals");
  if (bearer != NULL)
    return identify_by_token(worker, bearer, err);
  if (context->catalog ==
      NULL) { /* status and doctor answer all the same, to the one who set this up */
    if (uid != (int64_t)worker->home->owner_uid)
      return error_set(err, ERROR_CATALOG_DOWN, "the system catalog doesn't answer");
    be(context, worker->home->owner_name);
    return true;
  }
  Error failure = ERROR_INIT;
  if (principal_by_uid(context->catalog, uid, &context->caller, &failure))
    return true;
  if (failure.code != ERROR_PRINCIPAL_NOT_FOUND) {
    *err = failure;
    return false;
  }
  (void)error_set(err, ERROR_UNAUTHENTICATED, "user id %lld is no principal here", (long long)uid);
  return error_hint(err, "ask the one who ran `bough up`");
}

static void send_progress(void *context, const json_t *progress) {
  (void)context;
  AUTO(json_free) json_t *message = json_pack("{s:O}", "progress", progress);
  Error ignored = ERROR_INIT; /* boughd's end ends this worker too */
  (void)!frame_write(STDIN_FILENO, message, NULL, 0, &ignored);
}

static void send_push(const json_t *push) {
  AUTO(json_free) json_t *message = json_pack("{s:O}", "now", push);
  Error ignored = ERROR_INIT; /* boughd's end ends this worker too */
  (void)!frame_write(STDIN_FILENO, message, NULL, 0, &ignored);
}

/* Of the server itself: nobody has asked for it. */
static bool is_own_job(const Route *route) {
  return (route->flags & ROUTE_INTERNAL) != 0 && (route->flags & ROUTE_FOR_CALLER) == 0;
}

/* A token by TCP stands for whoever has it, so the address is all that is known of the place. */
static void begin_trail(Worker *worker, const Route *route, const json_t *message) {
  if (is_own_job(route)) {
    audit_begin(&worker->context, &(AuditStart){.request = NULL});
    return;
  }
  const Audited audited = audited_find(route);
  audit_begin(&worker->context, &(AuditStart){.request = json_string_or(message, "request", NULL),
                                              .source = json_string_or(message, "source", NULL),
                                              .action = audited.action,
                                              .params = audited_params(&audited, message),
                                              .changes = !audited.quiet});
}

/* A token that was issued to a CI run says what that run found, and nothing else. */
static bool check_run(const Context *context, const Route *route, const char *name, Error *err) {
  if (context->caller_run[0] == '\0' ||
      ((route->flags & ROUTE_OF_RUN) != 0 && str_equal(name, context->caller_run)))
    return true;
  return error_set(err, ERROR_FORBIDDEN, "the token was issued to %s, for its results alone",
                   context->caller_run);
}

static bool prepare(Worker *worker, const Route *route, const json_t *message, Error *err) {
  Error failure = ERROR_INIT;
  worker->context.caller = (PrincipalRow){.os_uid = -1};
  access_begin(&worker->context);
  worker->context.caller_has_token = false;
  worker->context.caller_expires = 0;
  worker->context.caller_run[0] = '\0';
  worker->context.caller_token[0] = '\0';
  if (!open_catalog(worker, &failure) && (route->flags & ROUTE_NO_CATALOG) == 0) {
    *err = failure;
    return false;
  }
  if (is_own_job(route)) {
    be(&worker->context, "system");
    return true;
  }
  return identify(worker, message, err) &&
         check_run(&worker->context, route, json_string_or(message, "name", NULL), err);
}

/* Nothing is answered that nobody has decided on: tests then stop at the missing question. */
static bool check_asked(const Context *context, const Route *route, Error *err) {
  return route->ask != ROUTE_ASKS || access_was_asked(context, route->action) ||
         error_set(err, ERROR_INTERNAL, "%s %s was done without asking for %s", route->method,
                   route->pattern, policy_action_text(route->action));
}

static const Route *find_route(const Frame *frame) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  int64_t index = json_integer_or(frame->message, "route", -1);
  return index < 0 || (size_t)index >= count ? NULL : &routes[index];
}

static bool run(Worker *worker, const Route *route, const Frame *frame, json_t **ret, Error *err) {
  if (route == NULL)
    return error_set(err, ERROR_INTERNAL, "there is no such route");
  AUTO(json_free) json_t *nothing = json_object();
  const json_t *body = json_object_get(frame->message, "body");
  const json_t *query = json_object_get(frame->message, "query");
  ApiRequest request = {.project = json_string_or(frame->message, "project", NULL),
                        .branch = json_string_or(frame->message, "branch", NULL),
                        .upload = json_string_or(frame->message, "upload", NULL),
                        .name = json_string_or(frame->message, "name", NULL),
                        .token = json_string_or(frame->message, "token", NULL),
                        .query = query != NULL ? query : nothing,
                        .body = json_is_object(body) ? body : nothing,
                        .blob = frame->blob,
                        .blob_length = frame->blob_length,
                        .daemon = json_object_get(frame->message, "daemon")};
  begin_trail(worker, route, frame->message);
  return prepare(worker, route, frame->message, err) &&
         route->handler(&worker->context, &request, ret, err) &&
         check_asked(&worker->context, route, err);
}

/* Nobody is told what isn't recorded. An effect that stands without its answer is told as what it
 * is: the request failed, and may be looked up. */
static bool end_trail(Worker *worker, bool ok, Error *failure) {
  Error unwritten = ERROR_INIT;
  if (audit_end(&worker->context, ok ? NULL : failure, &unwritten))
    return ok;
  (void)error_prefix(&unwritten, ok ? "done, but not recorded" : "refused, but not recorded");
  *failure = unwritten;
  return false;
}

/* What a request couldn't bring to its end, nor put down that it didn't, is put right once its
 * worker is gone: by whose process an operation is known to be interrupted. */
static bool leaves_work(Worker *worker, const Route *route, bool ok) {
  bool left = false;
  Error failure = ERROR_INIT;
  if (route == NULL || (ok && !is_own_job(route)) || (route->flags & ROUTE_QUICK) != 0 ||
      str_equal(route->method, "GET"))
    return false;
  return worker->context.catalog == NULL ||
         !operation_has_worker(worker->context.catalog, (int)getpid(),
                               (int64_t)process_start_time(getpid()), &left, &failure) ||
         left;
}

/* A lost catalog connection is made anew for the next request, not in the middle of this one. */
static void after_request(Worker *worker, const Error *failure) {
  json_free(worker->context.watch);
  worker->context.watch = NULL;
  json_free(worker->context.push);
  worker->context.push = NULL;
  trail_release(&worker->context.trail);
  if (failure->code == ERROR_CATALOG_DOWN) {
    catalog_free(worker->context.catalog);
    worker->context.catalog = NULL;
  }
}

static bool answer(Worker *worker, const Frame *frame, Error *err) {
  Error failure = ERROR_INIT;
  const Route *route = find_route(frame);
  json_t *result = NULL;
  bool ok = end_trail(worker, run(worker, route, frame, &result, &failure), &failure);
  if (!ok) {
    json_free(result);
    result = NULL;
  }
  AUTO(json_free)
  json_t *message = ok ? json_pack("{s:o}", "result", result != NULL ? result : json_object())
                       : json_pack("{s:o}", "error", json_from_error(&failure));
  if (message == NULL)
    message = json_pack("{s:{s:s, s:s}}", "error", "code", "internal", "message",
                        "the answer could not be put into JSON");
  if (worker->context.watch != NULL)
    (void)json_object_set(message, "watch", worker->context.watch);
  if (worker->context.push != NULL)
    (void)json_object_set(message, "push", worker->context.push);
  if (leaves_work(worker, route, ok))
    (void)json_object_set_new(message, "leaves", json_true());
  bool sent = frame_write(STDIN_FILENO, message, NULL, 0, err);
  after_request(worker, &failure);
  return sent;
}

static bool serve(Worker *worker, Error *err) {
  for (;;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = false;
    session_wait(worker->context.sessions, STDIN_FILENO);
    if (!frame_read(STDIN_FILENO, &frame, &end, err))
      return false;
    if (end)
      return true;
    if (!answer(worker, &frame, err))
      return false;
  }
}

int worker_main(const char *home_root, int parent) {
  log_start("boughd-worker");
  Error failure = ERROR_INIT;
  (void)signal(SIGCHLD, SIG_DFL);
  (void)signal(SIGINT, SIG_IGN); /* a terminal's ^C is for boughd, which lets workers finish */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
    return 1;
  failpoint_set_victim(parent);
  Worker worker = {0};
  if (!home_open(home_root, &worker.home, &failure)) {
    log_error(&failure, "could not read the settings");
    return 1;
  }
  worker.context = (Context){.home = worker.home,
                             .agent = agent_new(worker.home),
                             .sessions = session_cache_new(worker.home),
                             .logins = login_cache_new(),
                             .access = access_new(),
                             .on_push = send_push,
                             .on_progress = send_progress};
  bool ok = serve(&worker, &failure);
  if (!ok)
    log_error(&failure, "gave up");
  session_cache_free(worker.context.sessions);
  login_cache_free(worker.context.logins);
  access_free(worker.context.access);
  agent_free(worker.context.agent);
  catalog_free(worker.context.catalog);
  home_free(worker.home);
  return ok ? 0 : 1;
}
