/* The connection of a worker to bough-agent. */
#include "branch/agent.h"

#include "core/io.h"
#include "core/str.h"

#include <sys/socket.h>

struct Agent {
  char *socket_path;
  int fd; /* -1: not connected */
};

Agent *agent_new(const Home *home) {
  Agent *agent = mem_new(1, sizeof *agent);
  agent->socket_path = home_path(home, "agent/agent.sock");
  agent->fd = -1;
  return agent;
}

void agent_free(Agent *agent) {
  if (agent == NULL)
    return;
  fd_release(&agent->fd);
  str_free(agent->socket_path);
  mem_free(agent);
}

/* It ended between two calls, when a new boughd or a new agent came: nothing is lost by that. */
static bool has_left(int fd) {
  char byte = 0;
  return recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool ensure_connected(Agent *agent, Error *err) {
  if (agent->fd >= 0 && has_left(agent->fd))
    fd_release(&agent->fd);
  if (agent->fd >= 0)
    return true;
  Error failure = ERROR_INIT;
  if (rpc_connect(agent->socket_path, &agent->fd, &failure))
    return true;
  (void)error_set(err, ERROR_AGENT_DOWN, "bough-agent doesn't answer: %s", failure.message);
  return error_hint(err, "run `bough up`");
}

bool agent_call_progress(Agent *agent, const char *method, json_t *params, RpcProgress *on_progress,
                         void *context, json_t **ret, Error *err) {
  AUTO(json_free) json_t *owned = params;
  Error failure = ERROR_INIT;
  if (owned == NULL)
    return error_set(err, ERROR_INTERNAL, "%s: the parameters are not valid text", method);
  if (!ensure_connected(agent, err))
    return false;
  if (rpc_call(agent->fd, method, owned, on_progress, context, ret, &failure))
    return true;
  if (failure.code == ERROR_AGENT_DOWN) /* the next call connects anew; whether this one was carried
                                           out is not known, so it isn't sent twice */
    fd_release(&agent->fd);
  if (err != NULL)
    *err = failure;
  return false;
}

bool agent_call(Agent *agent, const char *method, json_t *params, json_t **ret, Error *err) {
  return agent_call_progress(agent, method, params, NULL, NULL, ret, err);
}
