/* A proxy at work: a throw-away cluster whose roles are let in by peer authentication, a fake
 * boughd, and the real program in front of them. */
#pragma once

#include "fake.h"
#include "harness/cluster.h"

typedef struct Stand {
  Cluster *cluster;
  Fake *fake;
  char *home;
  int port;
  pid_t proxy;
  uid_t uid; /* of proxy and cluster */
} Stand;

/* config is added to config.json as "proxy"; stolen, may be NULL. What goes wrong fails the test.
 */
Stand *stand_new(json_t *config);
/* The same; NULL, and says why, where no cluster can be made. */
Stand *stand_try(json_t *config);
void stand_free(Stand *stand); /* may be NULL */

/* Starts the proxy anew with that configuration, each part stolen, each may be NULL. Sessions end.
 */
void stand_configure(Stand *stand, json_t *proxy, json_t *tls);
/* Writes a file that the proxy can read. */
void stand_write(const Stand *stand, const char *path, const char *text);

/* Another proxy on the same port; the caller reaps it. */
pid_t stand_start_proxy(Stand *stand);
/* Waits for its end; returns its status as waitpid gives it. */
int stand_wait_proxy(Stand *stand, pid_t pid);
/* Resident memory of the proxy in kB. */
long stand_proxy_memory(const Stand *stand);
