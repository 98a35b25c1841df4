/* The end of boughd: what runs is waited for, answers leave, and the proxy goes before the catalog.
 */
#include "daemon/daemon.h"

#include "core/clock.h"
#include "core/log.h"
#include "daemon/route.h"

enum {
  DRAIN_SECONDS = 60, /* for running jobs when boughd is told to stop */
  PROXY_END_MS = 5000,
  FAREWELL_MS = 200, /* for the last answers to leave */
};

static void on_farewell(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  const Daemon *daemon = context;
  (void)event_base_loopexit(daemon->base, NULL);
}

static void exit_soon(Daemon *daemon) {
  struct timeval soon = {.tv_usec = FAREWELL_MS * 1000};
  (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_farewell, daemon, &soon);
}

static void on_drain(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  static int waited;
  Daemon *daemon = context;
  if (dispatcher_running(daemon->dispatcher) == 0 || ++waited > DRAIN_SECONDS * 10) {
    exit_soon(daemon);
    return;
  }
  struct timeval again = {.tv_usec = 100 * 1000};
  (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_drain, daemon, &again);
}

void daemon_stop(Daemon *daemon) {
  if (daemon->draining)
    return;
  daemon->stopping = true;
  daemon->draining = true;
  log_info("stopping");
  http_server_stop_accepting(daemon->api);
  git_link_stop(daemon->git);
  proxy_link_stop(daemon->proxies);
  (void)event_del(daemon->tick);
  on_drain(-1, 0, daemon);
}

static void on_catalog_stopped(void *context, const json_t *result, const Error *failure) {
  (void)result;
  if (failure != NULL)
    log_error(failure, "could not stop the catalog");
  daemon_stop(context);
}

static void on_proxy_look(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Daemon *daemon = context;
  struct timeval again = {.tv_usec = 50 * 1000};
  if (!proxy_process_is_gone(daemon->proxy) && clock_monotonic_ms() < daemon->proxy_limit_ms)
    (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_proxy_look, daemon, &again);
  else
    dispatcher_submit(daemon->dispatcher, route_job("catalog-stop"), json_object(), NULL, 0, NULL,
                      on_catalog_stopped, daemon);
}

/* The proxy before the catalog: it has the ends of its sessions recorded. */
void daemon_stop_with_catalog(Daemon *daemon) {
  daemon->proxy_limit_ms = clock_monotonic_ms() + PROXY_END_MS;
  proxy_process_end(daemon->proxy);
  on_proxy_look(-1, 0, daemon);
}
