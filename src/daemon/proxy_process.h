/* The process of bough-proxy: started by boughd, kept by the next one, ended by `bough down`.
 *
 * It outlives boughd with all its sessions; a boughd that starts finds it by locks/proxy.pid. When
 * the program on disk is another one by then (an upgrade), a new process is started beside it; both
 * have the port for a moment, and once the new one has said hello the old one is drained: it takes
 * nobody any more and ends with its last session, or when its time is over. */
#pragma once

#include "core/home.h"
#include "core/json.h"

#include <event2/event.h>

typedef struct ProxyProcess ProxyProcess;

/* drain is called with the pid of a process that is to take nobody any more. */
typedef struct ProxyProcessHooks {
  void (*drain)(void *context, int pid, int64_t limit_ms);
  void *context;
} ProxyProcessHooks;

/* Starts it, or takes over the one that runs. What fails is tried again, with a growing delay. With
 * "proxy": {"enabled": false} in config.json there is none. */
ProxyProcess *proxy_process_new(const Home *home, struct event_base *base,
                                const ProxyProcessHooks *hooks);
/* It runs on. */
void proxy_process_free(ProxyProcess *process);

/* The process with that pid has said hello. */
void proxy_process_said(ProxyProcess *process, int pid);
/* Ends it, sessions and all; nothing starts it again. */
void proxy_process_end(ProxyProcess *process);
bool proxy_process_is_gone(const ProxyProcess *process);
/* {state, pid, port, error}, for status. */
json_t *proxy_process_describe(const ProxyProcess *process);
