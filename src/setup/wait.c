/* Waits for what was started or stopped, by asking it. */
#include "setup/setup.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "http/client.h"

#include <string.h>

enum {
  START_TIMEOUT_MS = 120 * 1000, /* the catalog is made on the first start, recovered on others */
  LAUNCH_TIMEOUT_MS = 5 * 1000,  /* until a process that was started must be seen */
  RUNNER_TIMEOUT_MS = 30 * 1000, /* jobs of a killed one have time to clear away */
  CALL_TIMEOUT_MS = 10 * 1000,
  SHUTDOWN_TIMEOUT_MS = 15 * 60 * 1000, /* computes write their last checkpoint */
  RETRY_MS = 20,
  LOG_LIMIT = 64 * 1024 * 1024,
  LOG_TAIL = 400,
};

/* The end of a log, for the message about a process that didn't stay. */
static bool with_log(const Setup *setup, const char *log, ErrorCode code, const char *text,
                     Error *err) {
  AUTO(str_free) char *path = path_join(setup->root, log);
  AUTO(str_free) char *content = NULL;
  size_t length = 0;
  Error ignored = ERROR_INIT;
  (void)!io_read_file(path, LOG_LIMIT, &content, &length, &ignored);
  const char *tail = content != NULL ? content + (length > LOG_TAIL ? length - LOG_TAIL : 0) : "";
  (void)error_set(err, code, "%s: %s", text, tail);
  return error_hint(err, "its log is %s", path);
}

bool wait_for_agent(const Setup *setup, Error *err) {
  AUTO(str_free) char *socket = path_join(setup->root, "agent/agent.sock");
  int64_t started = clock_monotonic_ms();
  for (;;) {
    AUTO_RELEASE(fd_release) int fd = -1;
    Error ignored = ERROR_INIT;
    if (rpc_connect(socket, &fd, &ignored))
      return true;
    int64_t waited = clock_monotonic_ms() - started;
    if (waited > LAUNCH_TIMEOUT_MS && !service_agent_runs(setup))
      return with_log(setup, "logs/agent.log", ERROR_AGENT_DOWN, "bough-agent did not start", err);
    if (waited > START_TIMEOUT_MS)
      return with_log(setup, "logs/agent.log", ERROR_TIMEOUT, "bough-agent doesn't answer", err);
    clock_sleep_ms(RETRY_MS);
  }
}

bool wait_for_runner(const Setup *setup, Error *err) {
  for (int64_t started = clock_monotonic_ms(); !service_runner_runs(setup);) {
    if (clock_monotonic_ms() - started > RUNNER_TIMEOUT_MS)
      return with_log(setup, "logs/runner.log", ERROR_RUNNER_DOWN, "bough-runner did not start",
                      err);
    clock_sleep_ms(RETRY_MS);
  }
  return true;
}

static bool connect_api(const Setup *setup, Client **ret, Error *err) {
  AUTO(str_free) char *server = str_format("unix://%s/boughd.sock", setup->root);
  return client_new(server, NULL, ret, err);
}

/* Whether boughd is through with its recovery. What holds it up is put into ret_reason. */
static bool is_ready(const Client *client, Buffer *ret_reason) {
  ClientCall call = {.method = "GET", .path = "/v1/status", .timeout_ms = CALL_TIMEOUT_MS};
  AUTO(json_free) json_t *status = NULL;
  Error failure = ERROR_INIT;
  buffer_clear(ret_reason);
  if (!client_call(client, &call, &status, &failure)) {
    buffer_add_text(ret_reason, failure.message);
    return false;
  }
  const json_t *boughd = json_object_get(status, "boughd");
  const json_t *problem = json_array_get(json_object_get(boughd, "problems"), 0);
  buffer_add_text(ret_reason,
                  json_is_string(problem) ? json_string_value(problem) : "it is still starting");
  return json_bool_or(boughd, "ready", false);
}

bool wait_for_boughd(const Setup *setup, Error *err) {
  AUTO(client_free) Client *client = NULL;
  AUTO_RELEASE(buffer_release) Buffer reason = {0};
  int64_t started = clock_monotonic_ms();
  if (!connect_api(setup, &client, err))
    return false;
  while (!is_ready(client, &reason)) {
    int64_t waited = clock_monotonic_ms() - started;
    if (waited > LAUNCH_TIMEOUT_MS && !service_boughd_runs(setup))
      return with_log(setup, "logs/boughd.log", ERROR_DAEMON_DOWN, "boughd did not start", err);
    if (waited > START_TIMEOUT_MS) {
      (void)error_set(err, ERROR_TIMEOUT, "boughd is not ready after %d seconds: %s",
                      START_TIMEOUT_MS / 1000, reason.text);
      return error_hint(err, "its log is %s/logs/boughd.log", setup->root);
    }
    clock_sleep_ms(RETRY_MS);
  }
  return true;
}

static bool wait_for_end(const Setup *setup, Error *err) {
  for (int64_t started = clock_monotonic_ms(); service_boughd_runs(setup);) {
    if (clock_monotonic_ms() - started > SHUTDOWN_TIMEOUT_MS)
      return error_set(err, ERROR_TIMEOUT, "boughd doesn't end");
    clock_sleep_ms(RETRY_MS);
  }
  return true;
}

bool shut_boughd_down(const Setup *setup, Error *err) {
  AUTO(client_free) Client *client = NULL;
  AUTO(json_free) json_t *answer = NULL;
  AUTO_RELEASE(buffer_release) Buffer reason = {0};
  AUTO(json_free)
  json_t *body = json_pack("{s:b}", "computes", !setup->options.keep_computes);
  ClientCall call = {
      .method = "POST", .path = "/v1/shutdown", .body = body, .timeout_ms = SHUTDOWN_TIMEOUT_MS};
  if (!connect_api(setup, &client, err))
    return false;
  if (!is_ready(client, &reason)) /* it would not get to the request */
    return error_set(err, ERROR_BUSY, "%s", reason.text);
  setup_say(setup,
            setup->options.keep_computes ? "stopping boughd" : "stopping boughd and computes");
  return client_call(client, &call, &answer, err) && wait_for_end(setup, err);
}
