/* The life of one postgres: its settings, its start and stop, and finding it again. Runs as the
 * compute account (in bough-agent). */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"
#include "core/json.h"
#include "pg/control.h"

#include <sys/types.h>

typedef struct SizeClass { /* table in size_class.c */
  const char *name;        /* "small", "medium", "large" */
  int shared_buffers_mb, work_mem_mb, maintenance_work_mem_mb, effective_cache_size_mb;
  int max_connections;
  int temp_file_limit_mb;
  int memory_limit_mb; /* of all its processes, page cache included; where cgroups are delegated */
  const char *summary;
} SizeClass;
const SizeClass *size_class_find(const char *name); /* NULL when there is none */
const SizeClass *size_class_list(size_t *ret_count);

typedef struct ComputeSpec {
  const char *data;             /* PGDATA */
  const char *wal;              /* its log directory, for the confinement */
  const char *directory;        /* compute/VOLUME: settings and log, made when missing */
  const char *socket_directory; /* run/ENDPOINT, made when missing */
  const SizeClass *size;
  const char *preload;  /* shared_preload_libraries, NULL: none */
  const char *audit;    /* classes of statements that pgaudit records, "ddl,write"; NULL: none */
  bool first_start;     /* not yet clean: no logical workers, no preload libraries, no autovacuum
                           launcher until the branch is cleaned */
  int oom_score_adj;    /* higher dies first */
  const json_t *logins; /* roles that the control account may log in as, beside Bough's own; an
                           array of names with the prefix "bough_u_", may be NULL */
  const json_t
      *settings; /* further "name": "value" settings, may be NULL; never those that Bough fixes */
} ComputeSpec;

typedef struct ComputeProcess {
  pid_t pid;
  uint64_t start_time; /* with pid: this very process (core/process.h) */
} ComputeProcess;

/* Writes the settings (postgresql.conf, pg_hba.conf, pg_ident.conf in directory; peer with a map
 * that admits the control account, in user mode the one user, and root), clears what a killed
 * predecessor left (postmaster.pid of a dead process, its shared memory in ipcs and /dev/shm), and
 * starts postgres in a session of its own, confined by Landlock to its directories. fsync,
 * full_page_writes and wal_level stand on its command line; settings with a floor in pg_control are
 * raised to it. Doesn't wait until it answers. Already running: that process is returned. */
CHECKED bool compute_start(const Home *home, const ComputeSpec *spec, ComputeProcess *ret,
                           Error *err);

/* Waits until the server says in its postmaster.pid that it takes connections, has ended, or
 * limit_ms are over. Only spares the caller attempts to connect, each of which would cost the
 * starting server a process; the caller connects all the same. */
void compute_wait_ready(const ComputeSpec *spec, const ComputeProcess *process, int limit_ms);

/* Writes the settings again and has the running server read them: what differs between a first
 * start and later ones, as far as it can change without a restart (autovacuum). */
CHECKED bool compute_configure(const Home *home, const ComputeSpec *spec, Error *err);

typedef enum StopMode { STOP_FAST, STOP_IMMEDIATE } StopMode;
/* Stops it and waits; after timeout_ms a fast stop becomes immediate, then SIGKILL. Nothing to stop
 * is fine. Afterwards no process of it is left, also no orphaned backend of a killed postmaster. */
CHECKED bool compute_stop(const ComputeSpec *spec, const ComputeProcess *process, StopMode mode,
                          int timeout_ms, Error *err);

/* The postmaster that runs on data, if one does: pid from postmaster.pid, checked by start time,
 * executable and working directory. pid 0: none runs. */
CHECKED bool compute_find(const char *data, ComputeProcess *ret, Error *err);

/* Runs statements in database with a lone server process (postgres --single): no event triggers, no
 * libraries, nobody else. Each statement ends with a semicolon and an empty line. The cluster must
 * not run; of spec only data and wal are looked at. The first error ends it (ERROR_SQL). *ret is
 * what it printed, owned. */
CHECKED bool compute_single(const Home *home, const ComputeSpec *spec, const char *database,
                            const char *sql, char **ret, Error *err);

/* Moves the caller, the agent, out of the way in its delegated cgroup subtree, so that computes can
 * get limits. *ret: whether there is one. Without it computes run without these limits. */
CHECKED bool compute_limits_begin(const Home *home, bool *ret, Error *err);
bool compute_limits_possible(const Home *home); /* whether a subtree is delegated */

/* Removes what a compute has outside of its volume: settings, log, control group, and its socket
 * directory if the spec names one. It must be
 * stopped. */
CHECKED bool compute_remove(const Home *home, const ComputeSpec *spec, Error *err);

/* Makes sure that nothing of a cluster runs or is left in shared memory, before its files are
 * removed or changed by other programs. ERROR_BRANCH_BUSY when its postmaster lives. */
CHECKED bool compute_check_stopped(const char *data, Error *err);

/* The last lines of its server log, owned; for error messages. */
char *compute_log_tail(const char *directory, size_t max_bytes);
/* Keeps the log small: past limit it becomes postgres.log.1. */
CHECKED bool compute_log_rotate(const char *directory, uint64_t limit, Error *err);

/* ---- statements that pgaudit recorded: data/log/audit-*.json, written by the server itself ----
 */

typedef struct StatementPlace {
  char file[64];  /* "" in front of the first one */
  int64_t offset; /* of the first byte that wasn't read */
} StatementPlace;

/* Reads what is there behind place, and moves it on: *ret is an array of {time, user, database,
 * pid, session_start, application, message}, owned. Files in front of place's were read whole, and
 * are removed. A line that is too long is told as one without a message. An empty array: that was
 * all.
 */
CHECKED bool compute_statements(const char *data, StatementPlace *place, json_t **ret, Error *err);

/* Bytes that the compute's processes wrote since it started (/proc/PID/io), -1 when unknown, and
 * its memory in bytes (proportional set size of all its processes), -1 likewise. ret_memory may be
 * NULL: adding up the memory costs milliseconds. */
void compute_measure(const ComputeProcess *process, int64_t *ret_written, int64_t *ret_memory);

/* Confines the calling process: it can read what a PostgreSQL server needs of the system, write
 * below the given directories only, reach no other process by signal or abstract socket where the
 * kernel has those scopes. ret_level: the Landlock ABI in force, 0 for none. See confine.c. */
typedef struct Confinement {
  const char *const *writable;   /* directories, NULL-terminated */
  const char *const *readable;   /* further ones to read, NULL-terminated; may be NULL */
  const char *const *executable; /* what may be executed; NULL-terminated */
  bool network;                  /* may use TCP */
  bool is_command; /* a command of a user's: programs are whole directories, and it may make links
                      and fifos */
} Confinement;
CHECKED bool confine(const Confinement *confinement, int *ret_level, Error *err);
int confine_level(void); /* the ABI that this kernel offers, 0 for none */
