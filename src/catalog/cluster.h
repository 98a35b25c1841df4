/* The cluster that boughd runs for its own catalog, when no connection string was given: initdb,
 * start, stop, adopt. Runs as the control account. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"

#include <sys/types.h>

/* Reads the audit and what it is about, and nothing else: whoever comes to database "system"
 * through the proxy. */
#define CATALOG_AUDITOR "bough_auditor"

/* Sees to it that the catalog answers: makes the cluster on the first run (data checksums, peer
 * only, no TCP), starts it when it doesn't run, creates database system, applies the schema,
 * inserts the first platform principal (home->owner_uid). *ret_conninfo is owned by the caller.
 * With "catalog" in config.json that connection string is used and nothing is run; *ret_pid is 0
 * then. */
CHECKED bool catalog_cluster_start(const Home *home, char **ret_conninfo, pid_t *ret_pid,
                                   Error *err);
/* How to reach the catalog, running or not; owned by the caller. */
char *catalog_cluster_conninfo(const Home *home);
/* Where the proxy finds the catalog that boughd runs, owned; NULL when it is a user's own. */
char *catalog_cluster_socket(const Home *home);
CHECKED bool catalog_cluster_stop(const Home *home, Error *err);
