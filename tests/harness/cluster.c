/* Makes, starts, kills and removes throw-away clusters. */
#include "harness/cluster.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLUSTERS_MAX = 16, CHILDREN_MAX = 256, ARGUMENTS_MAX = 64, TIMEOUT_MS = 120000 };

static const char programs[] = "/usr/lib/postgresql/15/bin";

/* Clusters that are still there, for the end of the program. */
static Cluster *clusters[CLUSTERS_MAX];

const char *cluster_programs(void) {
  return programs;
}

/* Servers refuse root: the packaged account takes its place, or nobody. */
static const struct passwd *owner(void) {
  if (geteuid() != 0)
    return getpwuid(geteuid());
  const struct passwd *account = getpwnam("postgres");
  return account != NULL ? account : getpwnam("nobody");
}

const char *cluster_skip_reason(void) {
  AUTO(str_free) char *initdb = path_join(programs, "initdb");
  if (!io_exists(initdb))
    return "PostgreSQL 15 is not installed in /usr/lib/postgresql/15";
  return owner() != NULL ? NULL : "there is no account to run a server under";
}

static void require(bool ok, const Error *err) {
  if (!ok)
    fail_msg("%s", err->message);
}

/* In the child before exec. The death signal comes last: a change of account clears it. */
static bool become_owner(void *context) {
  const struct passwd *account = context;
  if (geteuid() == 0 &&
      (setgroups(0, NULL) != 0 || setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0))
    return false;
  return prctl(PR_SET_PDEATHSIG, SIGQUIT) == 0;
}

static ProcessOptions options_for(const char *const *environment) {
  ProcessOptions options = PROCESS_OPTIONS;
  options.environment = environment;
  options.prepare = become_owner;
  options.context = (void *)owner();
  options.timeout_ms = TIMEOUT_MS;
  return options;
}

char *cluster_tool(Cluster *cluster, const char *const *argv, int *ret_status) {
  AUTO(str_free) char *program = path_join(programs, argv[0]);
  AUTO(str_free) char *host = str_format("PGHOST=%s", cluster->root);
  const char *environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC",
                               "PGUSER=postgres",    host,       NULL};
  const char *full[ARGUMENTS_MAX] = {program};
  for (size_t at = 1; argv[at] != NULL; at++) {
    assert_true(at + 1 < ARGUMENTS_MAX);
    full[at] = argv[at];
  }
  ProcessOptions options = options_for(environment);
  ProcessResult result = {0};
  Error err = ERROR_INIT;
  require(process_run(full, &options, &result, &err), &err);
  if (ret_status == NULL && result.status != 0)
    fail_msg("%s: status %d: %s", argv[0], result.status, result.output);
  if (ret_status != NULL)
    *ret_status = result.status;
  return result.output;
}

char *cluster_sql(Cluster *cluster, const char *database, const char *sql) {
  const char *argv[] = {"psql", "-X",     "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                        "-d",   database, "-c", sql,  NULL};
  char *output = cluster_tool(cluster, argv, NULL);
  size_t length = strlen(output);
  if (length > 0 && output[length - 1] == '\n')
    output[length - 1] = '\0';
  return output;
}

void cluster_exec(Cluster *cluster, const char *database, const char *sql) {
  str_free(cluster_sql(cluster, database, sql));
}

void cluster_run_file(Cluster *cluster, const char *database, const char *path) {
  const char *const argv[] = {"psql", "-X",     "-q", "-v", "ON_ERROR_STOP=1",
                              "-d",   database, "-f", path, NULL};
  str_free(cluster_tool(cluster, argv, NULL));
}

static void remove_all(void) {
  for (size_t at = 0; at < CLUSTERS_MAX; at++)
    cluster_free(clusters[at]);
}

static void remember(Cluster *cluster) {
  static bool registered;
  if (!registered)
    assert_int_equal(atexit(remove_all), 0);
  registered = true;
  for (size_t at = 0; at < CLUSTERS_MAX; at++)
    if (clusters[at] == NULL) {
      clusters[at] = cluster;
      return;
    }
  fail_msg("more than %d clusters at once", CLUSTERS_MAX);
}

static void run_initdb(Cluster *cluster, const char *const *arguments) {
  const char *argv[ARGUMENTS_MAX] = {
      "initdb", "-D",    cluster->data, "-X",   cluster->wal, "-U",        "postgres",
      "-A",     "trust", "-E",          "UTF8", "--locale=C", "--no-sync", "--no-instructions"};
  size_t count = 0;
  while (argv[count] != NULL)
    count++;
  for (size_t at = 0; arguments != NULL && arguments[at] != NULL; at++)
    argv[count++] = arguments[at];
  str_free(cluster_tool(cluster, argv, NULL));
}

Cluster *cluster_new_empty(void) {
  const char *parent = getenv("TMPDIR");
  char *root = str_format("%s/bough-test-XXXXXX", parent != NULL ? parent : "/tmp");
  assert_non_null(mkdtemp(root));
  assert_int_equal(chown(root, owner()->pw_uid, owner()->pw_gid), 0);
  Cluster *cluster = mem_new(1, sizeof *cluster);
  cluster->root = root;
  cluster->data = path_join(root, "data");
  cluster->wal = path_join(root, "wal");
  cluster->log = path_join(root, "log");
  remember(cluster);
  return cluster;
}

Cluster *cluster_new(const char *const *arguments) {
  Cluster *cluster = cluster_new_empty();
  run_initdb(cluster, arguments);
  return cluster;
}

void cluster_take(Cluster *cluster) {
  AUTO(str_free)
  char *account = str_format("%u:%u", (unsigned)owner()->pw_uid, (unsigned)owner()->pw_gid);
  const char *argv[] = {"chown", "-hR", account, cluster->data, cluster->wal, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  require(process_check(argv, &options, &err), &err);
}

/* The postmaster writes its state into the eighth line of its pid file. */
static bool is_ready(const Cluster *cluster) {
  AUTO(str_free) char *path = path_join(cluster->data, "postmaster.pid");
  AUTO(str_free) char *text = NULL;
  if (!io_read_file(path, 4096, &text, NULL, NULL))
    return false;
  return atoi(text) == (int)cluster->pid && strstr(text, "\nready") != NULL;
}

static void wait_ready(const Cluster *cluster) {
  int64_t deadline = clock_monotonic_ms() + TIMEOUT_MS;
  while (!is_ready(cluster)) {
    if (process_start_time(cluster->pid) == cluster->start_time &&
        clock_monotonic_ms() < deadline) {
      clock_sleep_ms(5);
      continue;
    }
    AUTO(str_free) char *log = NULL;
    bool readable = io_read_file(cluster->log, 1 << 20, &log, NULL, NULL);
    fail_msg("the server did not start: %s", readable ? log : "no log");
  }
}

void cluster_start(Cluster *cluster, const char *const *settings) {
  AUTO(str_free) char *program = path_join(programs, "postgres");
  const char *argv[ARGUMENTS_MAX] = {program, "-D", cluster->data, "-k", cluster->root,        "-h",
                                     "",      "-c", "fsync=off",   "-c", "shared_buffers=16MB"};
  size_t count = 0;
  while (argv[count] != NULL)
    count++;
  for (size_t at = 0; settings != NULL && settings[at] != NULL; at++) {
    argv[count++] = "-c";
    argv[count++] = settings[at];
  }
  AUTO_RELEASE(fd_release)
  int log = open(cluster->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  assert_true(log >= 0);
  ProcessOptions options = options_for(NULL);
  options.output = log;
  Error err = ERROR_INIT;
  require(process_spawn(argv, &options, false, &cluster->pid, &err), &err);
  cluster->start_time = process_start_time(cluster->pid);
  wait_ready(cluster);
}

/* The postmaster is this program's child: it must be reaped. */
static void reap(Cluster *cluster) {
  (void)waitpid(cluster->pid, NULL, 0);
  cluster->pid = 0;
}

void cluster_stop(Cluster *cluster) {
  if (cluster->pid == 0)
    return;
  assert_int_equal(kill(cluster->pid, SIGINT), 0);
  reap(cluster);
}

static size_t list_children(pid_t pid, pid_t children[CHILDREN_MAX]) {
  AUTO(str_free) char *path = str_format("/proc/%d/task/%d/children", (int)pid, (int)pid);
  AUTO(str_free) char *text = NULL;
  if (!io_read_file(path, 65536, &text, NULL, NULL))
    return 0;
  size_t count = 0;
  char *at = text;
  for (char *end; count < CHILDREN_MAX; at = end) {
    long child = strtol(at, &end, 10);
    if (end == at)
      break;
    children[count++] = (pid_t)child;
  }
  return count;
}

void cluster_kill(Cluster *cluster) {
  if (cluster->pid == 0)
    return;
  (void)kill(cluster->pid, SIGSTOP); /* so that it starts no further child meanwhile */
  pid_t children[CHILDREN_MAX];
  uint64_t start_times[CHILDREN_MAX];
  size_t count = list_children(cluster->pid, children);
  for (size_t at = 0; at < count; at++)
    start_times[at] = process_start_time(children[at]);
  (void)kill(cluster->pid, SIGKILL);
  reap(cluster);
  Error err = ERROR_INIT;
  for (size_t at = 0; at < count; at++)
    if (start_times[at] != 0) {
      require(process_signal(children[at], start_times[at], SIGKILL, &err), &err);
      require(process_wait_gone(children[at], start_times[at], TIMEOUT_MS, &err), &err);
    }
}

void cluster_free(Cluster *cluster) {
  if (cluster == NULL)
    return;
  for (size_t at = 0; at < CLUSTERS_MAX; at++)
    if (clusters[at] == cluster)
      clusters[at] = NULL;
  cluster_kill(cluster);
  Error err = ERROR_INIT;
  if (!io_remove_tree(cluster->root, &err))
    (void)fprintf(stderr, "left behind: %s\n", err.message);
  str_free(cluster->root);
  str_free(cluster->data);
  str_free(cluster->wal);
  str_free(cluster->log);
  mem_free(cluster);
}

Cluster *cluster_started(const char *const *settings) {
  enum { SKIPPED = 77 }; /* for meson */
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    (void)printf("skipped: %s\n", reason);
    exit(SKIPPED);
  }
  Cluster *cluster = cluster_new(NULL);
  cluster_start(cluster, settings);
  return cluster;
}
