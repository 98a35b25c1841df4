/* Throw-away PostgreSQL clusters for tests: a real initdb, real servers, never as root.
 *
 * What goes wrong here fails the running test (cmocka), so nothing returns an error. Clusters that
 * a failed test leaves behind are removed at exit; a server dies with the test program in any case.
 */
#pragma once

#include "core/base.h"

#include <sys/types.h>

typedef struct Cluster {
  char *root;          /* directory of everything below, in /tmp; also the socket directory */
  char *data;          /* PGDATA */
  char *wal;           /* what data/pg_wal is a link to */
  char *log;           /* the server's words */
  pid_t pid;           /* of the postmaster; 0: not running */
  uint64_t start_time; /* core/process.h */
} Cluster;

/* NULL, or why no cluster can be made here. Print it and skip. */
const char *cluster_skip_reason(void);

/* A cluster that runs with these settings (see cluster_start), for tests that are nothing without
 * one: where none can be made the program says so and ends as skipped. */
Cluster *cluster_started(const char *const *settings);

/* initdb with superuser "postgres", trust, no fsync, and arguments (NULL-terminated, may be NULL).
 */
Cluster *cluster_new(const char *const *arguments);
/* The same without initdb: the directory that data, wal and log lie in, and nothing else. */
Cluster *cluster_new_empty(void);
/* Gives what a test put into data and wal to the account that servers run under. */
void cluster_take(Cluster *cluster);
/* Stops the server and removes the directories. */
void cluster_free(Cluster *cluster);
DEFINE_AUTO(Cluster *, cluster_free)

/* Starts postgres, settings ("name=value", NULL-terminated, may be NULL) on its command line, and
 * waits until it takes connections. Listens on its socket only. */
void cluster_start(Cluster *cluster, const char *const *settings);
/* Clean shutdown with its checkpoint. */
void cluster_stop(Cluster *cluster);
/* kill -9 of the postmaster and all of its children. */
void cluster_kill(Cluster *cluster);

/* Runs sql by psql; the rows as text, unaligned, without the last line end. Owned by the caller. */
char *cluster_sql(Cluster *cluster, const char *database, const char *sql);
/* The same where nobody wants the rows. */
void cluster_exec(Cluster *cluster, const char *database, const char *sql);
/* Runs a file of statements, to its end. */
void cluster_run_file(Cluster *cluster, const char *database, const char *path);

/* Runs one of PostgreSQL's programs (argv[0] without a directory) as the owner of the cluster, with
 * PGHOST and PGUSER set. Returns what it printed on both streams, owned; ret_status may be NULL,
 * then another status than 0 fails the test. */
char *cluster_tool(Cluster *cluster, const char *const *argv, int *ret_status);

/* The directory of initdb, postgres and so on. */
const char *cluster_programs(void);
