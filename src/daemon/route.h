/* The API's one table: which method and path means which deed, and how long it may take. Help,
 * checks and docs/openapi.json come from it (`boughd --print-routes`). */
#pragma once

#include "branch/access.h"

typedef struct ApiRequest {
  const char
      *project; /* from the path, unescaped; "-" for the only one; NULL where there is none */
  const char *branch;
  const char *upload;
  const char *name; /* of a principal */
  const char *token;
  const json_t *query; /* object of strings */
  const json_t *body;  /* object, empty where there is none */
  const char *blob;    /* the raw body of a RAW route */
  size_t blob_length;
  const json_t *daemon; /* what boughd knows of itself: for status and doctor */
} ApiRequest;

typedef bool ApiHandler(Context *context, const ApiRequest *request, json_t **ret, Error *err);

typedef enum RouteFlag {
  ROUTE_RAW = 1 << 0,        /* the body is bytes, not JSON */
  ROUTE_LONG = 1 << 1,       /* may run for minutes: only some workers are lent to these */
  ROUTE_NO_CATALOG = 1 << 2, /* answers even when the catalog doesn't */
  ROUTE_INTERNAL = 1 << 3,   /* a job of boughd's own, not reachable from outside */
  ROUTE_QUICK = 1 << 4,      /* somebody waits for a connection: some workers are kept for these */
  ROUTE_WHEN_READY = 1 << 5, /* an internal one that waits for the recovery after a start */
  ROUTE_TEXT = 1 << 6,       /* answers {"text"}, sent as it is */
  ROUTE_OF_RUN = 1 << 7,     /* {n} is a CI run, whose own token opens this and nothing else */
  ROUTE_FOR_CALLER = 1 << 8, /* an internal one on behalf of who came in by another socket */
} RouteFlag;

/* Who sees to it that the caller may. It stands before the summary, so that a row without it
 * doesn't compile. */
typedef enum RouteAsk {
  ROUTE_UNDECLARED,
  ROUTE_LOOKS,  /* changes nothing, and shows what the caller may see */
  ROUTE_ASKS,   /* its use case asks for the action (branch/access.h); an answer without is a bug */
  ROUTE_OWN,    /* the caller's own things; for anybody else's its use case asks for the action */
  ROUTE_SERVER, /* the server itself does it */
} RouteAsk;

typedef struct Route {
  const char *method;
  const char *pattern; /* {p} {b} {u} {n} {t} stand for one segment */
  ApiHandler *handler;
  int limit_seconds;
  unsigned flags;
  RouteAsk ask;
  PolicyAction action; /* ACTION_COUNT_ where none is asked for */
  const char *summary;
} Route;

/* How rows of the table say it. */
#define LOOKS ROUTE_LOOKS, ACTION_COUNT_
#define ASKS(action) ROUTE_ASKS, ACTION_##action
#define OWN_OR(action) ROUTE_OWN, ACTION_##action
#define SERVER ROUTE_SERVER, ACTION_COUNT_

const Route *route_list(size_t *ret_count);

typedef struct RouteMatch {
  const Route *route;
  char *project, *branch, *upload, *name, *token; /* owned, NULL where the pattern has none */
} RouteMatch;
void route_match_release(RouteMatch *match);

/* path is still escaped. Refuses with NOTHING_TO_DO what no row fits. */
CHECKED bool route_match(const char *method, const char *path, RouteMatch *ret, Error *err);
/* The internal job of that name (its pattern), which must be there. */
const Route *route_job(const char *name);
