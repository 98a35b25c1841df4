/* The socket that git's clients come in by. */
#include "daemon/git_link.h"

#include "core/io.h"
#include "core/log.h"
#include "core/name.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/str.h"
#include "daemon/git_serve.h"
#include "daemon/route.h"

#include <errno.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  VISITS_LIMIT = 128,
  VISITS_OF_ONE = 32, /* so that one account doesn't take all of them */
  LINE_SECONDS = 10,  /* for the first line */
  ASK_SECONDS = 120,  /* for the decision */
  BACKLOG = 64,
};

typedef enum Phase { PHASE_LINE, PHASE_ASKING, PHASE_SERVING } Phase;

typedef struct Visit { /* one connection */
  TAILQ_ENTRY(Visit) link;
  GitLink *owner;
  uint64_t serial;
  Phase phase;
  int fd; /* -1 while git has it */
  struct event *readable;
  struct event *limit;
  unsigned uid;
  Buffer line;
  GitRequest request;
  json_t *asker; /* of a job: who it is */
  char ticket[ID_SIZE];
  pid_t pid;
  int pidfd;
  struct event *ended;
} Visit;

struct GitLink {
  const Home *home;
  struct event_base *base;
  Dispatcher *dispatcher;
  struct evconnlistener *listener;
  char *path;
  uint64_t last_serial;
  size_t count;
  TAILQ_HEAD(, Visit) visits;
};

/* A decision that is being made; the visit may be over by then. */
typedef struct Ask {
  GitLink *owner;
  uint64_t visit;
} Ask;

static void release_event(struct event **event) {
  if (*event != NULL)
    event_free(*event);
  *event = NULL;
}

static void visit_free(Visit *visit) {
  TAILQ_REMOVE(&visit->owner->visits, visit, link);
  visit->owner->count--;
  release_event(&visit->readable);
  release_event(&visit->limit);
  release_event(&visit->ended);
  fd_release(&visit->fd);
  fd_release(&visit->pidfd);
  git_request_release(&visit->request);
  buffer_release(&visit->line);
  json_free(visit->asker);
  mem_free(visit);
}

static Visit *find_visit(GitLink *link, uint64_t serial) {
  Visit *visit = NULL;
  TAILQ_FOREACH(visit, &link->visits, link) {
    if (visit->serial == serial)
      return visit;
  }
  return NULL;
}

/* ---- answers ---- */

/* One line, which fits into the socket's empty buffer: whoever doesn't read it has gone. */
static void say(int fd, json_t *message) {
  AUTO(json_free) json_t *owned = message;
  AUTO(str_free) char *text = json_text(owned);
  AUTO(str_free) char *line = str_format("%s\n", text);
  (void)!send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void refuse(int fd, const Error *failure) {
  say(fd, json_pack("{s:b, s:o}", "ok", false, "error", json_from_error(failure)));
}

static void end_with(Visit *visit, const Error *failure) {
  refuse(visit->fd, failure);
  visit_free(visit);
}

static void set_limit(const Visit *visit, int seconds) {
  const struct timeval until = {.tv_sec = seconds};
  (void)event_add(visit->limit, &until);
}

static void on_limit(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Visit *visit = context;
  Error failure = ERROR_INIT;
  if (visit->phase == PHASE_SERVING) { /* its end is told by the pidfd */
    log_warning("git %s took more than %d s and is ended", git_service_text(visit->request.service),
                GIT_SERVE_SECONDS);
    (void)kill(-visit->pid, SIGKILL);
    return;
  }
  (void)error_set(&failure, ERROR_TIMEOUT, "nothing came, or nobody decided, in time");
  end_with(visit, &failure);
}

/* ---- git takes over ---- */

static void on_ended(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  visit_free(context);
}

static bool set_blocking(int fd, Error *err) {
  int flags = fcntl(fd, F_GETFL);
  return (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0) ||
         error_set_errno(err, errno, "could not hand over a connection");
}

static bool serve(Visit *visit, const char *repository, Error *err) {
  const GitServe serving = {
      .service = visit->request.service,
      .repository = repository,
      .socket = visit->owner->path,
      .ticket = visit->ticket,
      .push_limit =
          json_integer_or(json_object_get(visit->owner->home->config, "git"), "push_limit", 0),
      .fd = visit->fd};
  if (!set_blocking(visit->fd, err))
    return false;
  say(visit->fd, json_pack("{s:b}", "ok", true));
  if (!git_serve(&serving, &visit->pid, err))
    return false;
  visit->phase = PHASE_SERVING;
  fd_release(&visit->fd);
  visit->pidfd = process_open_pidfd(visit->pid);
  if (visit->pidfd < 0) /* it has ended already */
    return error_set(err, ERROR_TOOL_FAILED, "git ended at once");
  visit->ended = event_new(visit->owner->base, visit->pidfd, EV_READ, on_ended, visit);
  (void)event_add(visit->ended, NULL);
  set_limit(visit, GIT_SERVE_SECONDS);
  return true;
}

static void on_opened(void *context, const json_t *result, const Error *failure) {
  Ask *ask = context;
  Visit *visit = find_visit(ask->owner, ask->visit);
  Error failed = ERROR_INIT;
  mem_free(ask);
  if (visit == NULL)
    return;
  if (failure != NULL) {
    end_with(visit, failure);
    return;
  }
  if (serve(visit, json_string_or(result, "path", ""), &failed))
    return;
  log_error(&failed, "git for a client");
  visit_free(visit);
}

/* ---- decisions ---- */

static void submit(Visit *visit, const char *job, json_t *message, JobDone *done) {
  Ask *ask = mem_new(1, sizeof *ask);
  *ask = (Ask){.owner = visit->owner, .visit = visit->serial};
  visit->phase = PHASE_ASKING;
  set_limit(visit, ASK_SECONDS);
  dispatcher_submit(visit->owner->dispatcher, route_job(job), message, NULL, 0, NULL, done, ask);
}

/* Who asks, as the API's requests say it; a request's name of its own for the audit. */
static json_t *describe_asker(const Visit *visit) {
  char request[ID_SIZE];
  id_new("req", request);
  AUTO(str_free) char *source = str_format("uid:%u", visit->uid);
  return json_pack("{s:s, s:s, s:I, s:s*, s:s}", "request", request, "source", source, "uid",
                   (json_int_t)visit->uid, "bearer", visit->request.token, "project",
                   visit->request.project);
}

static void ask_open(Visit *visit) {
  visit->asker = describe_asker(visit);
  id_new("push", visit->ticket);
  json_t *message = json_copy(visit->asker);
  (void)json_object_set_new(
      message, "body", json_pack("{s:s}", "service", git_service_text(visit->request.service)));
  submit(visit, "git-open", message, on_opened);
}

static void on_decided(void *context, const json_t *result, const Error *failure) {
  (void)result;
  Ask *ask = context;
  Visit *visit = find_visit(ask->owner, ask->visit);
  mem_free(ask);
  if (visit == NULL)
    return;
  if (failure != NULL)
    refuse(visit->fd, failure);
  else
    say(visit->fd, json_pack("{s:b}", "ok", true));
  visit_free(visit);
}

static const Visit *find_push(const GitLink *link, const char *ticket) {
  const Visit *visit = NULL;
  TAILQ_FOREACH(visit, &link->visits, link) {
    if (visit->phase == PHASE_SERVING && visit->request.service == GIT_RECEIVE_PACK &&
        str_equal(visit->ticket, ticket))
      return visit;
  }
  return NULL;
}

/* The hook asks for the one whose push it is part of. */
static bool ask_push(Visit *visit, Error *err) {
  const Visit *push = find_push(visit->owner, visit->request.ticket);
  if (visit->uid != (unsigned)geteuid() || push == NULL)
    return error_set(err, ERROR_FORBIDDEN, "no push of that ticket is under way");
  json_t *message = json_copy(push->asker);
  (void)json_object_set_new(
      message, "body",
      json_pack("{s:O}", "updates", json_object_get(visit->request.message, "updates")));
  submit(visit, "git-push", message, on_decided);
  return true;
}

/* ---- the first line ---- */

static bool take_line(Visit *visit, size_t length, Error *err) {
  event_free(visit->readable);
  visit->readable = NULL;
  if (length + 1 != visit->line.length)
    return error_set(err, ERROR_PROTOCOL, "bytes before the first line was answered");
  if (!git_request_parse(visit->line.text, length, &visit->request, err))
    return false;
  if (visit->request.service == GIT_PRE_RECEIVE)
    return ask_push(visit, err);
  ask_open(visit);
  return true;
}

static void on_readable(evutil_socket_t fd, short events, void *context) {
  (void)events;
  Visit *visit = context;
  Error failure = ERROR_INIT;
  char bytes[4096];
  ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (count <= 0) {
    visit_free(visit);
    return;
  }
  buffer_add(&visit->line, bytes, (size_t)count);
  const char *end = memchr(visit->line.text, '\n', visit->line.length);
  if (end == NULL && visit->line.length <= GIT_REQUEST_LIMIT)
    return;
  if (!take_line(visit, end != NULL ? (size_t)(end - visit->line.text) : visit->line.length - 1,
                 &failure))
    end_with(visit, &failure);
}

/* ---- connections ---- */

static size_t count_of(const GitLink *link, unsigned uid) {
  size_t count = 0;
  const Visit *visit = NULL;
  TAILQ_FOREACH(visit, &link->visits, link) {
    count += visit->uid == uid;
  }
  return count;
}

static bool check_room(const GitLink *link, unsigned uid, Error *err) {
  /* the hooks of pushes that were let in are part of those */
  size_t limit = uid == (unsigned)geteuid() ? (size_t)2 * VISITS_LIMIT : VISITS_OF_ONE;
  if (count_of(link, uid) < limit && link->count < (size_t)2 * VISITS_LIMIT)
    return true;
  (void)error_set(err, ERROR_BUSY, "too many git connections");
  return error_hint(err, "try again in a moment");
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context) {
  (void)listener;
  (void)address;
  (void)length;
  GitLink *link = context;
  unsigned uid = 0;
  int pid = 0;
  Error failure = ERROR_INIT;
  AUTO_RELEASE(fd_release) int owned = fd;
  if (!rpc_peer(fd, &uid, &pid, &failure) || !check_room(link, uid, &failure)) {
    refuse(fd, &failure);
    return;
  }
  Visit *visit = mem_new(1, sizeof *visit);
  *visit =
      (Visit){.owner = link, .serial = ++link->last_serial, .fd = owned, .uid = uid, .pidfd = -1};
  owned = -1;
  (void)fcntl(visit->fd, F_SETFD, FD_CLOEXEC);
  visit->readable = event_new(link->base, visit->fd, EV_READ | EV_PERSIST, on_readable, visit);
  visit->limit = event_new(link->base, -1, 0, on_limit, visit);
  TAILQ_INSERT_TAIL(&link->visits, visit, link);
  link->count++;
  (void)event_add(visit->readable, NULL);
  set_limit(visit, LINE_SECONDS);
}

bool git_link_open(const Home *home, struct event_base *base, Dispatcher *dispatcher, GitLink **ret,
                   Error *err) {
  AUTO(str_free) char *path = home_path(home, "git.sock");
  int fd = -1;
  if (!rpc_listen(path, 0666, &fd, err))
    return false;
  GitLink *link = mem_new(1, sizeof *link);
  *link = (GitLink){.home = home, .base = base, .dispatcher = dispatcher, .path = STEAL(path)};
  TAILQ_INIT(&link->visits);
  (void)evutil_make_socket_nonblocking(fd);
  link->listener = evconnlistener_new(base, on_accept, link,
                                      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
  if (link->listener == NULL) {
    git_link_free(link);
    return error_set(err, ERROR_INTERNAL, "could not listen for git");
  }
  *ret = link;
  return true;
}

void git_link_stop(GitLink *link) {
  if (link == NULL || link->listener == NULL)
    return;
  evconnlistener_free(link->listener);
  link->listener = NULL;
}

void git_link_free(GitLink *link) {
  if (link == NULL)
    return;
  git_link_stop(link);
  for (Visit *visit; (visit = TAILQ_FIRST(&link->visits)) != NULL;) {
    if (visit->phase == PHASE_SERVING)
      (void)kill(-visit->pid, SIGKILL);
    visit_free(visit);
  }
  str_free(link->path);
  mem_free(link);
}
