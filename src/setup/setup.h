/* bough-setup: what has to be there before Bough can run, and the start and end of its processes.
 * Every step looks first whether it was done, so that any of them may be cut off and run again. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"
#include "core/json.h"
#include "core/str.h"

#include <sys/types.h>

/* What the command line asks for; strings are borrowed. */
typedef struct SetupOptions {
  const char *postgres; /* directory, or NULL */
  const char *path;     /* of the pool: a directory */
  const char *device;   /* of the pool */
  const char *image;    /* of the pool: a file to be made */
  int64_t size;         /* of the image, bytes; 0: not given */
  int64_t pool_size;    /* of the image that `up` makes by itself; 0: not given */
  int http_port;        /* -1: not given, 0: none */
  int port;             /* of the proxy; -1: not given */
  bool quota;
  bool keep_computes;
  bool quiet;
} SetupOptions;

typedef struct Setup {
  SetupOptions options;
  char *root; /* the state directory */
  char *run;  /* socket directories */
  bool system_mode;
  Account control, compute, command;
  uid_t owner_uid;
  char owner_name[64];
  json_t *config;  /* of config.json, an empty object before it is written */
  json_t *notes;   /* texts for whoever called */
  bool is_changed; /* config differs from the file */
} Setup;

/* One line about what is being done, on stderr. */
void setup_say(const Setup *setup, const char *format, ...) PRINTF(2, 3);

/* accounts.c: as root the three service accounts, made when missing; else the caller for all three.
 */
CHECKED bool setup_accounts(Setup *setup, Error *err);

/* layout.c: the state directory and what lies in it, with owners and modes of core/home.h. */
CHECKED bool setup_layout(const Setup *setup, Error *err);

/* config.c */
CHECKED bool config_load(Setup *setup, Error *err);
/* Who, where and as what: everything but PostgreSQL and the pool. */
void config_describe(Setup *setup);
/* Writes what changed; the last step of setting up, since config.json is what says that it was
 * done. */
CHECKED bool config_save(Setup *setup, Error *err);
/* Sets a member and notes that the file must be written. value is stolen. */
void config_set(Setup *setup, const char *key, json_t *value);

/* postgres.c: finds initdb and postgres and checks their version. */
CHECKED bool setup_postgres(Setup *setup, Error *err);

/* pool.c */
CHECKED bool setup_pool_make(Setup *setup, Error *err);  /* where the options or the defaults say */
CHECKED bool setup_pool_mount(Setup *setup, Error *err); /* again, after a reboot */
/* The mount unit of a pool that needs one: name and text, owned; NULL where none does. */
CHECKED bool setup_pool_unit(const Setup *setup, char **ret_name, char **ret_text, Error *err);

/* process.c: start and stop without systemd. */
CHECKED bool service_start(const Setup *setup, Error *err);
/* By a signal, and waits; *ret_stopped tells whether it ran. */
CHECKED bool service_stop_agent(const Setup *setup, bool *ret_stopped, Error *err);
CHECKED bool service_stop_runner(const Setup *setup, bool *ret_stopped, Error *err);
CHECKED bool service_stop_boughd(const Setup *setup, bool *ret_stopped, Error *err);
/* Whether agent and boughd of this installation run. */
bool service_agent_runs(const Setup *setup);
bool service_runner_runs(const Setup *setup);
bool service_boughd_runs(const Setup *setup);

/* wait.c: by asking, not by sleeping. */
CHECKED bool wait_for_agent(const Setup *setup, Error *err);
CHECKED bool wait_for_runner(const Setup *setup, Error *err);
CHECKED bool wait_for_boughd(const Setup *setup, Error *err);
/* POST /v1/shutdown and the end of boughd. Fails when it runs but can't take the request. */
CHECKED bool shut_boughd_down(const Setup *setup, Error *err);

/* units.c: start and stop by systemd, where it is PID 1 and the installation the machine's own. */
bool units_apply(const Setup *setup);
/* Writes the units into directory. */
CHECKED bool units_install(const Setup *setup, const char *directory, Error *err);
CHECKED bool units_start(const Setup *setup, Error *err);
CHECKED bool units_stop(Error *err);
