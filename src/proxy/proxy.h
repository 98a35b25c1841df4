/* What the parts of the program share: one of each, for its whole life. */
#pragma once

#include "core/name.h"
#include "proxy/control.h"
#include "proxy/ends.h"
#include "proxy/limit.h"
#include "proxy/route.h"
#include "proxy/salts.h"
#include "proxy/settings.h"
#include "proxy/tls.h"
#include "proxy/verifier.h"

#include <sys/queue.h>

typedef struct Client Client;
typedef struct Listener Listener;

typedef struct Proxy {
  Home *home;
  Settings settings;
  struct event_base *base;
  Tls *tls;
  Control *control;
  Salts *salts;
  Ends *ends;
  Limits *limits;
  RouteCache *routes;
  VerifierCache *verifiers;
  Listener *listener; /* NULL once nobody is accepted any more */
  char boot[ID_SIZE]; /* names this process */
  size_t client_count;
  uint64_t reports; /* so many were told */
  unsigned ticks;
  json_t *untold; /* refusals that were too many to be told one by one, by source and code */
  int64_t drain_until_ms; /* 0: not draining */
  TAILQ_HEAD(Clients, Client) clients;
} Proxy;
