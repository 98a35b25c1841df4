/* The state directory: where everything of one installation lies, and its settings.
 *
 *   config.json      settings, written by bough-setup, read by all            0644
 *   boughd.sock      the API                                                  0666
 *   git.sock         the built-in forge, for git-remote-bough                 0666
 *   agent/           agent.sock, agent.pid                                    compute 0750
 *   run/ID/          socket directories; run/catalog is the system catalog's  compute 0750
 *   catalog/         data directory of the system catalog                     control 0700
 *   pool/            the storage pool (a mount or a plain directory)          compute 0700
 *   wal/VOLUME/      logs of the volumes, outside the pool                    compute 0700
 *   compute/VOLUME/  settings and server log of one compute                   compute 0700
 *   runner/          runner.sock, runner.pid, jobs/ of running commands       command 0750
 *   locks/           flock files, boughd.pid: {"pid","start_time"}            control 0700
 *   spool/           uploads                                                  control 0700
 *   ci/              logs of CI runs                                          control 0700
 *   git/PROJECT.git  bare repositories of the built-in forge                  control 0700
 *   audit/           key.pem, key.pub, anchors.jsonl                          control 0700
 *   logs/            boughd.log, agent.log, catalog.log                       0755
 *
 * control, compute and command are the service accounts; in user mode all are the one who ran bough
 * up. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

#include <sys/types.h>

typedef struct Account {
  char name[64];
  uid_t uid;
  gid_t gid;
} Account;

typedef struct Home {
  char *root;       /* absolute, without a slash at the end */
  char *run;        /* root/run, or a short directory where that would not fit into sun_path */
  bool system_mode; /* set up by root, with service accounts */
  Account control;  /* boughd, the proxy, the system catalog */
  Account compute;  /* bough-agent and every postgres of a branch */
  Account command;  /* commands that users declare */
  uid_t owner_uid;  /* who ran the first bough up: the first platform principal */
  char owner_name[64];
  char login_role[80]; /* the database role of that principal on every branch: bough_u_NAME, where
                          characters other than a-z, 0-9 become '_' */
  char *postgres_bin;  /* directory of initdb, postgres, psql ... */
  char *pool_driver;   /* "btrfs", "files"; NULL before a pool is made */
  char *pool_path;     /* where the pool is mounted, or the directory itself; NULL likewise */
  json_t *config;      /* the whole of config.json, for what only one module reads */
} Home;

/* BOUGH_HOME, else /var/lib/bough for root, else $XDG_DATA_HOME or ~/.local/share, /bough. Owned.
 */
char *home_default_root(void);

/* Reads root/config.json. ERROR_NOTHING_TO_DO with a hint to run `bough up` when it isn't there. */
CHECKED bool home_open(const char *root, Home **ret, Error *err);
void home_free(Home *home);
DEFINE_AUTO(Home *, home_free)

/* root/format..., owned by the caller. */
char *home_path(const Home *home, const char *format, ...) PRINTF(2, 3);

/* The socket directory for a root of that length: root/run, or /tmp/bough-UID-HASH. Owned. */
char *home_run_directory(const char *root, uid_t uid);
