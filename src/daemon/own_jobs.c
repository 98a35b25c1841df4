/* Jobs of boughd's own: recovery, computes that ended by themselves, and what is looked after each
 * second. */
#include "daemon/daemon.h"

#include "core/log.h"
#include "core/str.h"
#include "daemon/route.h"

enum {
  IDLE_TICKS = 2,
  MEASURE_TICKS = 15,
};

static void keep_problems(Daemon *daemon, const json_t *result) {
  size_t at = 0;
  json_t *text = NULL;
  json_array_foreach(json_object_get(result, "problems"), at, text) {
    log_warning("recovery: %s", json_string_value(text));
    (void)json_array_append(daemon->problems, text);
  }
}

static void submit_recovery(Daemon *daemon);

static void on_lost_again(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Daemon *daemon = context;
  daemon->recovery_waits = false;
  submit_recovery(daemon);
}

/* What ends workers, such as a catalog that is away, may end this one too. */
static void recover_later(Daemon *daemon) {
  static const struct timeval later = {.tv_sec = 2};
  if (daemon->recovery_waits || daemon->stopping)
    return;
  daemon->recovery_waits = true;
  (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_lost_again, daemon, &later);
}

static void on_recovered(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  if (failure == NULL) {
    keep_problems(daemon, result);
    return;
  }
  log_error(failure, "recovery");
  recover_later(daemon);
}

static void on_started(void *context, const json_t *result, const Error *failure);

void daemon_begin(Daemon *daemon) {
  dispatcher_submit(daemon->dispatcher, route_job("start"), json_object(), NULL, 0, NULL,
                    on_started, daemon);
}

static void on_start_again(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  daemon_begin(context);
}

/* Until recovery has been through, nothing is changed: rows and reality may differ. */
static void on_started(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  if (failure != NULL) {
    struct timeval later = {.tv_sec = 2};
    log_error(failure, "could not start");
    (void)json_array_clear(daemon->problems);
    (void)json_array_append_new(daemon->problems, json_string(failure->message));
    (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_start_again, daemon, &later);
    return;
  }
  (void)json_array_clear(daemon->problems);
  keep_problems(daemon, result);
  daemon->ready = true;
  log_info("ready");
  dispatcher_set_ready(daemon->dispatcher);
}

static void submit_recovery(Daemon *daemon) {
  dispatcher_submit(daemon->dispatcher, route_job("recover"), json_object(), NULL, 0, NULL,
                    on_recovered, daemon);
}

/* One that ended behind its answer could not reach the catalog: not so soon. */
void daemon_on_lost(void *context, bool had_job) {
  if (had_job)
    submit_recovery(context);
  else
    recover_later(context);
}

typedef struct Revival {
  Daemon *daemon;
  char *endpoint;
} Revival;

static void on_revived(void *context, const json_t *result, const Error *failure) {
  (void)result;
  Revival *revival = context;
  if (failure != NULL) {
    log_error(failure, "could not start endpoint %s again", revival->endpoint);
    if (failure->code != ERROR_CATALOG_INVALID)
      supervisor_retry(revival->daemon->supervisor, revival->endpoint);
  }
  str_free(revival->endpoint);
  mem_free(revival);
}

void daemon_on_revive(void *context, const char *endpoint) {
  Daemon *daemon = context;
  if (daemon->stopping)
    return;
  Revival *revival = mem_new(1, sizeof *revival);
  *revival = (Revival){.daemon = daemon, .endpoint = str_dup(endpoint)};
  dispatcher_submit(daemon->dispatcher, route_job("revive"),
                    json_pack("{s:{s:s}}", "body", "endpoint", endpoint), NULL, 0, NULL, on_revived,
                    revival);
}

static void log_events(const json_t *result) {
  size_t at = 0;
  const json_t *event = NULL;
  json_array_foreach(json_object_get(result, "events"), at, event) {
    log_warning("%s", json_string_value(event));
  }
}

static void on_ticked(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  daemon->ticking = false;
  if (failure != NULL && failure->code != ERROR_POOL_MISSING)
    log_error(failure, "looking after the pool");
  log_events(result);
}

static void on_looked(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  daemon->looking_for_idle = false;
  if (failure != NULL)
    log_error(failure, "looking for idle computes");
  log_events(result);
}

/* Apart from the tick: stopping a compute may take a while. */
static void look_for_idle(Daemon *daemon) {
  if (daemon->looking_for_idle || daemon->ticks % IDLE_TICKS != 0)
    return;
  daemon->looking_for_idle = true;
  dispatcher_submit(daemon->dispatcher, route_job("idle"),
                    json_pack("{s:{s:o}}", "body", "boots", proxy_link_boots(daemon->proxies)),
                    NULL, 0, NULL, on_looked, daemon);
}

static void on_sealed(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  daemon->sealing = false;
  if (failure != NULL)
    log_error(failure, "looking after the audit");
  log_events(result);
}

static void look_after_audit(Daemon *daemon) {
  if (daemon->sealing)
    return;
  daemon->sealing = true;
  dispatcher_submit(daemon->dispatcher, route_job("audit"), json_object(), NULL, 0, NULL, on_sealed,
                    daemon);
}

void daemon_on_tick(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Daemon *daemon = context;
  if (!daemon->ready || daemon->stopping)
    return;
  look_after_audit(daemon);
  if (daemon->home->pool_path == NULL)
    return;
  daemon->ticks++;
  look_for_idle(daemon);
  periodic_tick(daemon->periodic);
  if (daemon->ticking)
    return;
  daemon->ticking = true;
  dispatcher_submit(daemon->dispatcher, route_job("tick"),
                    json_pack("{s:{s:b}}", "body", "measure", daemon->ticks % MEASURE_TICKS == 0),
                    NULL, 0, NULL, on_ticked, daemon);
}
