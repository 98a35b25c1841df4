/* Sets a proxy up for tests. */
#include "stand.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <arpa/inet.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void stand_write(const Stand *stand, const char *path, const char *text) {
  Error err = ERROR_INIT;
  if (!io_write_file(path, text, strlen(text), 0600, &err))
    fail_msg("%s", err.message);
  assert_int_equal(chown(path, stand->uid, (gid_t)-1), 0);
}

static void start_cluster(Stand *stand) {
  static const char *const settings[] = {"max_connections=120", NULL};
  stand->cluster = cluster_new(NULL);
  struct stat status;
  assert_int_equal(stat(stand->cluster->root, &status), 0);
  stand->uid = status.st_uid;
  const char *account = getpwuid(stand->uid)->pw_name;
  AUTO(str_free) char *hba = path_join(stand->cluster->data, "pg_hba.conf");
  AUTO(str_free) char *ident = path_join(stand->cluster->data, "pg_ident.conf");
  AUTO(str_free)
  char *map = str_format("bough %s postgres\nbough %s bough_u_dev1\nbough %s bough_u_dev2\n",
                         account, account, account);
  stand_write(stand, hba,
              "local all all peer map=bough\nhost all all 127.0.0.1/32 scram-sha-256\n");
  stand_write(stand, ident, map);
  cluster_start(stand->cluster, settings);
  AUTO(str_free)
  char *roles = cluster_sql(stand->cluster, "postgres",
                            "CREATE ROLE bough_u_dev1 LOGIN PASSWORD 'secret-one';"
                            "CREATE ROLE bough_u_dev2 LOGIN");
  AUTO(str_free)
  char *database =
      cluster_sql(stand->cluster, "postgres", "CREATE DATABASE app OWNER bough_u_dev1");
}

static int free_port(void) {
  AUTO_RELEASE(fd_release) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  return ntohs(address.sin_port);
}

static void write_config(const Stand *stand, json_t *config, json_t *tls) {
  AUTO(str_free) char *path = path_join(stand->home, "config.json");
  json_t *account =
      json_pack("{s:s, s:i, s:i}", "name", "test", "uid", (int)stand->uid, "gid", (int)stand->uid);
  json_t *proxy = config != NULL ? config : json_object();
  (void)json_object_set_new(proxy, "port", json_integer(stand->port));
  AUTO(json_free)
  json_t *all =
      json_pack("{s:s, s:O, s:O, s:o, s:{s:i, s:s}, s:s, s:o, s:o*}", "mode", "user", "control",
                account, "compute", account, "command", account, "owner", "uid", 0, "name", "root",
                "postgres_bin", cluster_programs(), "proxy", proxy, "tls", tls);
  AUTO(str_free) char *text = json_text(all);
  stand_write(stand, path, text);
}

static void make_home(Stand *stand) {
  stand->home = path_join(stand->cluster->root, "home");
  stand->port = free_port();
  AUTO(str_free) char *locks = path_join(stand->home, "locks");
  Error err = ERROR_INIT;
  if (!io_make_directories(locks, 0700, &err))
    fail_msg("%s", err.message);
  assert_int_equal(chown(stand->home, stand->uid, (gid_t)-1), 0);
  assert_int_equal(chown(locks, stand->uid, (gid_t)-1), 0);
}

/* In the child, before exec. */
static bool become_owner(void *context) {
  const Stand *stand = context;
  if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(getpwuid(stand->uid)->pw_gid) != 0 ||
                         setuid(stand->uid) != 0))
    return false;
  return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;
}

static bool is_listening(int port) {
  AUTO_RELEASE(fd_release) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

pid_t stand_start_proxy(Stand *stand) {
  AUTO(str_free) char *log = path_join(stand->home, "proxy.log");
  AUTO_RELEASE(fd_release) int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  assert_true(output >= 0);
  const char *const argv[] = {BOUGH_PROXY, "--home", stand->home, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.output = output;
  options.prepare = become_owner;
  options.context = stand;
  size_t hellos = fake_count(stand->fake, "hello");
  pid_t pid = 0;
  Error err = ERROR_INIT;
  if (!process_spawn(argv, &options, false, &pid, &err))
    fail_msg("%s", err.message);
  AUTO(str_free) char *said = NULL;
  if (!fake_wait(stand->fake, "hello", hellos) || !is_listening(stand->port))
    fail_msg("the proxy did not start: %s",
             io_read_file(log, 65536, &said, NULL, &err) ? said : err.message);
  return pid;
}

int stand_wait_proxy(Stand *stand, pid_t pid) {
  int status = -1;
  int64_t deadline = clock_monotonic_ms() + 10000;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (clock_monotonic_ms() > deadline)
      fail_msg("the proxy doesn't end");
    clock_sleep_ms(10);
  }
  if (pid == stand->proxy)
    stand->proxy = 0;
  return status;
}

long stand_proxy_memory(const Stand *stand) {
  AUTO(str_free) char *path = str_format("/proc/%d/status", (int)stand->proxy);
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  if (!io_read_file(path, 65536, &text, NULL, &err))
    fail_msg("%s", err.message);
  const char *line = strstr(text, "VmRSS:");
  assert_non_null(line);
  return strtol(line + strlen("VmRSS:"), NULL, 10);
}

Stand *stand_new(json_t *config) {
  Stand *stand = mem_new(1, sizeof *stand);
  start_cluster(stand);
  make_home(stand);
  write_config(stand, config, NULL);
  AUTO(str_free) char *socket = path_join(stand->home, "locks/proxy.sock");
  stand->fake = fake_new(socket, stand->cluster->root);
  assert_int_equal(chown(socket, stand->uid, (gid_t)-1), 0);
  stand->proxy = stand_start_proxy(stand);
  return stand;
}

void stand_configure(Stand *stand, json_t *proxy, json_t *tls) {
  assert_int_equal(kill(stand->proxy, SIGTERM), 0);
  assert_int_equal(stand_wait_proxy(stand, stand->proxy), 0);
  write_config(stand, proxy, tls);
  stand->proxy = stand_start_proxy(stand);
}

Stand *stand_try(json_t *config) {
  if (cluster_skip_reason() == NULL)
    return stand_new(config);
  (void)printf("skipped: %s\n", cluster_skip_reason());
  json_free(config);
  return NULL;
}

void stand_free(Stand *stand) {
  if (stand == NULL)
    return;
  if (stand->proxy != 0) {
    (void)kill(stand->proxy, SIGTERM);
    assert_int_equal(stand_wait_proxy(stand, stand->proxy), 0); /* leaks are a status too */
  }
  fake_free(stand->fake);
  cluster_free(stand->cluster);
  str_free(stand->home);
  mem_free(stand);
}
