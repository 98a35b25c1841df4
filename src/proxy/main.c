/* bough-proxy: one port for every branch. Started by boughd, under the control account; lives on
 * when boughd is restarted. */
#include "core/io.h"
#include "core/log.h"
#include "core/process.h"
#include "core/service.h"
#include "core/str.h"
#include "proxy/client.h"
#include "proxy/listener.h"
#include "proxy/login.h"
#include "proxy/session.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_LIMIT_MS = 2000 };

static void on_tick(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  sessions_tick(context);
}

static void on_signal(evutil_socket_t signal_number, short events, void *context) {
  (void)signal_number;
  (void)events;
  sessions_drain(context, STOP_LIMIT_MS);
}

static json_t *on_hello(void *context) {
  return sessions_hello(context);
}

static void on_push(void *context, const char *name, const json_t *params) {
  sessions_push(context, name, params);
}

static void on_salts(void *context, const Error *failure) {
  login_challenge_all(context, failure);
}

static void on_late(void *context, const json_t *result) {
  const char *session = json_string_or(result, "session", NULL);
  if (session != NULL)
    session_tell_unused(context, session);
}

/* A client, its compute and a few for the rest. */
static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Who writes it is the newest one; an older one that drains leaves it alone. */
static bool write_pid(const Home *home, Error *err) {
  AUTO(str_free) char *path = home_path(home, "locks/proxy.pid");
  return service_write_pid(path, 0644, err);
}

static void add_events(Proxy *proxy) {
  static const int signals[] = {SIGTERM, SIGINT};
  struct timeval every = {.tv_usec = SESSIONS_TICK_MS * 1000};
  for (size_t at = 0; at < ARRAY_LENGTH(signals); at++)
    (void)event_add(evsignal_new(proxy->base, signals[at], on_signal, proxy), NULL);
  (void)event_add(event_new(proxy->base, -1, EV_PERSIST, on_tick, proxy), &every);
  (void)signal(SIGPIPE, SIG_IGN);
}

static bool proxy_open(Proxy *proxy, const char *root, Error *err) {
  if (!home_open(root, &proxy->home, err) || !settings_read(proxy->home, &proxy->settings, err) ||
      !tls_new(proxy->home, &proxy->settings, &proxy->tls, err))
    return false;
  AUTO(str_free) char *path = home_path(proxy->home, "locks/proxy.sock");
  const ControlHooks hooks = {
      .hello = on_hello, .push = on_push, .late = on_late, .context = proxy};
  id_new("px", proxy->boot);
  proxy->base = event_base_new();
  proxy->limits = limits_new();
  proxy->untold = json_object();
  proxy->routes = route_cache_new();
  proxy->verifiers = verifier_cache_new();
  proxy->control = control_new(proxy->base, path, &hooks);
  proxy->salts = salts_new(proxy->control, on_salts, proxy);
  proxy->ends = ends_new(proxy->base, proxy->control);
  return listener_new(proxy, &proxy->listener, err) && write_pid(proxy->home, err);
}

static void proxy_release(Proxy *proxy) {
  while (!TAILQ_EMPTY(&proxy->clients))
    client_free(TAILQ_FIRST(&proxy->clients), "the proxy was stopped");
  listener_free(proxy->listener);
  salts_free(proxy->salts);
  ends_free(proxy->ends);
  control_free(proxy->control);
  route_cache_free(proxy->routes);
  verifier_cache_free(proxy->verifiers);
  limits_free(proxy->limits);
  json_free(proxy->untold);
  tls_free(proxy->tls);
  home_free(proxy->home);
}

static int proxy_main(const char *root) {
  log_start("bough-proxy");
  Error failure = ERROR_INIT;
  AUTO_RELEASE(proxy_release) Proxy proxy = {0};
  TAILQ_INIT(&proxy.clients);
  (void)umask(0077);
  raise_descriptor_limit();
  if (!proxy_open(&proxy, root, &failure)) {
    log_error(&failure, "could not start");
    return error_info(failure.code)->exit_status;
  }
  add_events(&proxy);
  log_info("listening on port %d", proxy.settings.port);
  (void)event_base_dispatch(proxy.base);
  log_info("stopped");
  return 0;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"home", required_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
  AUTO(str_free) char *root = home_default_root();
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
    case 'h':
      str_free(root);
      root = str_dup(optarg);
      break;
    case 'v':
      return printf("bough-proxy %s\n", BOUGH_VERSION) < 0;
    default:
      return 1;
    }
  }
  return proxy_main(root);
}
