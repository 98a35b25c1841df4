/* Makes, starts and stops the cluster that holds the system catalog. Every step may be cut off by
 * kill -9 and is taken up by the next start. */
#include "catalog/cluster.h"

#include "catalog/catalog.h"
#include "catalog/migrate.h"
#include "catalog/owner.h"
#include "catalog/server.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CATALOG_USER "bough_catalog"
#define CATALOG_DATABASE "system"
#define UNFINISHED "catalog.new"

enum {
  INITDB_MS = 120000,
  START_MS = 120000, /* recovery after a power loss, on a slow disk */
  ATTEMPT_MS = 2000,
  RETRY_MS = 5,
  LOG_LIMIT = 8 * 1024 * 1024,
  LOG_TAIL = 600,
};

/* postgresql.conf as a whole, written anew at every start. ALTER SYSTEM outranks it. */
static const struct {
  const char *name;
  const char *value;
  const char *reason;
} settings[] = {
    {"listen_addresses", "", "the control account only, over its socket"},
    {"unix_socket_permissions", "0700", "the same"},
    {"max_connections", "60", "boughd's workers, and somebody with psql"},
    {"superuser_reserved_connections", "3", "room for the latter"},
    {"shared_buffers", "32MB", "thousands of rows, not millions"},
    {"work_mem", "4MB", "the same"},
    {"max_worker_processes", "2", "nothing here is parallel"},
    {"max_parallel_workers", "0", "the same"},
    {"autovacuum_max_workers", "1", "a handful of small tables"},
    {"min_wal_size", "32MB", "a small log, in reused files"},
    {"max_wal_size", "128MB", "recovery takes a moment"},
    {"max_wal_senders", "2", "a base backup of the catalog is possible"},
    {"jit", "off", "statements are short"},
    {"fsync", "on", "what boughd has acknowledged survives a power loss"},
    {"full_page_writes", "on", "the same"},
    {"synchronous_commit", "on", "the same"},
    {"logging_collector", "off", "stderr is logs/catalog.log"},
    {"log_min_messages", "warning", "what somebody should read"},
    {"log_checkpoints", "off", "the same"},
    {"log_line_prefix", "%m [%p] ", "when, and who"},
    {"log_min_error_statement", "panic", "values of rows stay out of the log"},
    {"log_timezone", "UTC", "as everywhere in Bough"},
    {"timezone", "UTC", "the same"},
    {"lc_messages", "C", "one language in the log"},
};

typedef struct Place { /* paths of the cluster */
  char *data;
  char *socket_directory;
  char *log;
} Place;

static void place_init(Place *place, const Home *home) {
  place->data = home_path(home, "catalog");
  place->socket_directory = path_join(home->run, "catalog");
  place->log = home_path(home, "logs/catalog.log");
}

static void place_release(Place *place) {
  str_free(place->data);
  str_free(place->socket_directory);
  str_free(place->log);
}

/* ---- making it ---- */

static bool run_initdb(const Home *home, const char *directory, Error *err) {
  AUTO(str_free) char *program = path_join(home->postgres_bin, "initdb");
  const char *const argv[] = {program,
                              "--pgdata",
                              directory,
                              "--username=" CATALOG_USER,
                              "--auth-local=peer",
                              "--auth-host=reject",
                              "--encoding=UTF8",
                              "--locale=C",
                              "--data-checksums",
                              "--no-instructions",
                              NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = INITDB_MS;
  return process_check(argv, &options, err);
}

/* What killed predecessors left. Their initdb may live a moment longer than they did and still be
 * writing: what can't be removed now is at the next start. */
static void remove_unfinished(const Home *home) {
  DIR *directory = opendir(home->root);
  for (struct dirent *entry = directory != NULL ? readdir(directory) : NULL; entry != NULL;
       entry = readdir(directory)) {
    if (!str_starts(entry->d_name, UNFINISHED))
      continue;
    AUTO(str_free) char *path = path_join(home->root, entry->d_name);
    Error ignored = ERROR_INIT;
    (void)!(server_end_orphans(path, &ignored) && io_remove_tree(path, &ignored));
  }
  if (directory != NULL)
    (void)closedir(directory);
}

/* Under another name first, so that the directory is either whole or isn't there; one of its own
 * for each attempt, so that nobody else still writes to it. */
static bool make_cluster(const Home *home, const Place *place, Error *err) {
  remove_unfinished(home);
  if (io_exists(place->data))
    return true;
  char attempt[ID_SIZE];
  id_new(UNFINISHED, attempt);
  AUTO(str_free) char *unfinished = path_join(home->root, attempt);
  if (!run_initdb(home, unfinished, err))
    return false;
  if (rename(unfinished, place->data) != 0)
    return error_set_errno(err, errno, "could not rename \"%s\"", unfinished);
  return io_fsync_path(home->root, err);
}

/* ---- settings ---- */

/* A string of postgresql.conf, where quotes and backslashes are doubled. */
static void add_value(Buffer *text, const char *value) {
  buffer_add_text(text, "'");
  for (const char *c = value; *c != '\0'; c++) {
    if (*c == '\'' || *c == '\\')
      buffer_add(text, c, 1);
    buffer_add(text, c, 1);
  }
  buffer_add_text(text, "'");
}

static bool write_text(const char *directory, const char *name, const Buffer *text, Error *err) {
  AUTO(str_free) char *path = path_join(directory, name);
  return io_write_file(path, text->text, text->length, 0600, err);
}

static bool write_settings(const Place *place, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "# Written by boughd at every start. ALTER SYSTEM outranks it.\n");
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++) {
    buffer_add_format(&text, "%s = ", settings[at].name);
    add_value(&text, settings[at].value);
    buffer_add_format(&text, " # %s\n", settings[at].reason);
  }
  return write_text(place->data, "postgresql.conf", &text, err);
}

/* Peer, and nobody else: the socket's directory is closed as well. */
static bool write_access(const Home *home, const Place *place, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer access = {0};
  AUTO_RELEASE(buffer_release) Buffer map = {0};
  const char *account = home->control.name;
  if (account[0] == '/' || strpbrk(account, "\"\\\n\r,") != NULL)
    return error_set(err, ERROR_UNSUPPORTED, "the account name \"%s\" can't stand in pg_ident.conf",
                     account);
  buffer_add_text(&access, "local all " CATALOG_USER " peer map=bough\n");
  buffer_add_text(&access, "local " CATALOG_DATABASE " " CATALOG_AUDITOR " peer map=bough\n");
  buffer_add_format(&map, "bough \"%s\" " CATALOG_USER "\n", account);
  buffer_add_format(&map, "bough \"%s\" " CATALOG_AUDITOR "\n", account);
  return write_text(place->data, "pg_hba.conf", &access, err) &&
         write_text(place->data, "pg_ident.conf", &map, err);
}

/* ---- starting it ---- */

/* A directory that another user could rename or fill would let them stand in for the catalog. The
 * one above, shared with the computes' sockets, belongs to one of the service accounts. */
static bool check_owner(const Home *home, const char *path, Error *err) {
  struct stat entry;
  if (lstat(path, &entry) != 0)
    return error_set_errno(err, errno, "could not look at \"%s\"", path);
  bool ours = entry.st_uid == 0 || entry.st_uid == geteuid() || entry.st_uid == home->compute.uid;
  if (S_ISDIR(entry.st_mode) && ours && (entry.st_mode & S_IWOTH) == 0)
    return true;
  return error_set(err, ERROR_UNSUPPORTED, "\"%s\" isn't a directory of Bough's accounts alone",
                   path);
}

static bool make_socket_directory(const Home *home, const Place *place, Error *err) {
  if (strchr(place->socket_directory, ',') != NULL) {
    (void)error_set(err, ERROR_UNSUPPORTED, "there is a comma in \"%s\"", place->socket_directory);
    return error_hint(err, "libpq takes it for a list of hosts: choose another BOUGH_HOME");
  }
  return io_make_directories(home->run, 0750, err) && check_owner(home, home->run, err) &&
         io_make_directories(place->socket_directory, 0700, err) &&
         check_owner(home, place->socket_directory, err);
}

static bool open_log(const Home *home, const Place *place, int *ret, Error *err) {
  AUTO(str_free) char *directory = home_path(home, "logs");
  AUTO(str_free) char *previous = str_format("%s.1", place->log);
  if (!io_make_directories(directory, 0755, err))
    return false;
  struct stat entry;
  if (lstat(place->log, &entry) == 0 && entry.st_size > LOG_LIMIT &&
      rename(place->log, previous) != 0)
    return error_set_errno(err, errno, "could not rename \"%s\"", place->log);
  int fd = open(place->log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", place->log);
  *ret = fd;
  return true;
}

/* A list of one: an element in double quotes may hold commas and blanks. */
static char *socket_setting(const Place *place) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "unix_socket_directories=");
  sql_add_identifier(&text, place->socket_directory);
  return buffer_steal(&text);
}

static bool spawn(const Home *home, const Place *place, Server *ret, Error *err) {
  AUTO_RELEASE(fd_release) int log = -1;
  AUTO(str_free) char *program = path_join(home->postgres_bin, "postgres");
  AUTO(str_free) char *socket_directory = socket_setting(place);
  if (!open_log(home, place, &log, err))
    return false;
  const char *const argv[] = {program, "-D", place->data, "-c", socket_directory, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.output = log;
  Server server = {0};
  if (!process_spawn(argv, &options, true, &server.pid, err))
    return false;
  server.start_time = process_start_time(server.pid);
  *ret = server;
  return true;
}

static bool start_server(const Home *home, const Place *place, Server *ret, Error *err) {
  if (!server_find(place->data, ret, err))
    return false;
  if (ret->pid != 0)
    return true;
  return make_socket_directory(home, place, err) &&
         server_clear(place->data, place->socket_directory, err) && write_settings(place, err) &&
         write_access(home, place, err) && spawn(home, place, ret, err);
}

/* ---- waiting for it ---- */

static bool add_log_tail(const Place *place, Error *err) {
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_read_file(place->log, 2 * LOG_LIMIT, &text, &length, NULL))
    return false;
  return error_hint(err, "logs/catalog.log ends: %s",
                    text + (length > LOG_TAIL ? length - LOG_TAIL : 0));
}

static bool connect_once(const Place *place, const char *database, Conn **ret, Error *err) {
  const ConnOption options[] = {{"host", place->socket_directory},
                                {"port", "5432"},
                                {"user", CATALOG_USER},
                                {"dbname", database},
                                {NULL}};
  return conn_open(options, ATTEMPT_MS, ret, err);
}

/* Ours may have lost to one that a killed predecessor had started a moment before: then that one is
 * it. */
static bool is_gone(const Place *place, Server *server) {
  if (server->start_time != 0 && process_start_time(server->pid) == server->start_time)
    return false;
  Server other = {0};
  Error ignored = ERROR_INIT;
  if (!server_find(place->data, &other, &ignored) || other.pid == 0)
    return true;
  *server = other;
  return false;
}

/* One that is alive but silent may be in recovery, one that is gone won't answer. */
static bool wait_ready(const Place *place, Server *server, Conn **ret, Error *err) {
  int64_t deadline = clock_monotonic_ms() + START_MS;
  for (;;) {
    Error failure = ERROR_INIT;
    if (connect_once(place, "postgres", ret, &failure))
      return true;
    if (conn_error_is_starting(&failure) && clock_monotonic_ms() < deadline &&
        !is_gone(place, server)) {
      clock_sleep_ms(RETRY_MS);
      continue;
    }
    (void)error_set(err, ERROR_CATALOG_DOWN, "the system catalog did not start: %s",
                    failure.message);
    return add_log_tail(place, err);
  }
}

/* The lock waits for a killed predecessor's CREATE DATABASE, which goes on without it. */
static bool make_database(Conn *conn, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, "SELECT pg_advisory_lock(hashtext('bough catalog database'))", NULL, err) ||
      !conn_exec(conn, "SELECT FROM pg_catalog.pg_database WHERE datname = '" CATALOG_DATABASE "'",
                 &rows, err))
    return false;
  return rows_count(rows) == 1 ||
         conn_exec(conn, "CREATE DATABASE \"" CATALOG_DATABASE "\" TEMPLATE template0", NULL, err);
}

static char *conninfo_of(const Place *place) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "host='");
  for (const char *c = place->socket_directory; *c != '\0'; c++) {
    if (*c == '\'' || *c == '\\')
      buffer_add_text(&text, "\\");
    buffer_add(&text, c, 1);
  }
  buffer_add_text(&text, "' port=5432 user=" CATALOG_USER " dbname=" CATALOG_DATABASE);
  return buffer_steal(&text);
}

/* ---- the whole ---- */

static bool fill(const Home *home, const char *conninfo, Error *err) {
  return catalog_migrate(conninfo, err) && catalog_grant_auditor(conninfo, err) &&
         catalog_add_owner(home, conninfo, err);
}

/* The connection string of config.json, NULL if Bough runs the catalog itself. config.json can be
 * read by everybody, so a password belongs into a passfile or a service file. */
static bool external_conninfo(const Home *home, const char **ret, Error *err) {
  const json_t *section = json_object_get(home->config, "catalog");
  const char *conninfo = json_string_or(section, "conninfo", NULL);
  if (conninfo != NULL && conninfo_has_password(conninfo)) {
    (void)error_set(err, ERROR_PASSWORD_IN_CONNINFO,
                    "the catalog's connection string in config.json carries a password");
    return error_hint(err, "use passfile= or service= in it");
  }
  *ret = conninfo;
  return true;
}

static bool start_own(const Home *home, char **ret_conninfo, pid_t *ret_pid, Error *err) {
  AUTO_RELEASE(place_release) Place place = {0};
  AUTO(conn_free) Conn *conn = NULL;
  Server server = {0};
  place_init(&place, home);
  AUTO(str_free) char *conninfo = conninfo_of(&place);
  if (!make_cluster(home, &place, err) || !start_server(home, &place, &server, err) ||
      !wait_ready(&place, &server, &conn, err) || !make_database(conn, err) ||
      !fill(home, conninfo, err))
    return false;
  *ret_conninfo = STEAL(conninfo);
  *ret_pid = server.pid;
  return true;
}

bool catalog_cluster_start(const Home *home, char **ret_conninfo, pid_t *ret_pid, Error *err) {
  const char *external = NULL;
  if (!external_conninfo(home, &external, err))
    return false;
  if (external == NULL)
    return start_own(home, ret_conninfo, ret_pid, err);
  if (!fill(home, external, err))
    return false;
  *ret_conninfo = str_dup(external);
  *ret_pid = 0;
  return true;
}

char *catalog_cluster_conninfo(const Home *home) {
  const json_t *section = json_object_get(home->config, "catalog");
  const char *external = json_string_or(section, "conninfo", NULL);
  if (external != NULL)
    return str_dup(external);
  AUTO_RELEASE(place_release) Place place = {0};
  place_init(&place, home);
  return conninfo_of(&place);
}

char *catalog_cluster_socket(const Home *home) {
  const json_t *section = json_object_get(home->config, "catalog");
  return json_string_or(section, "conninfo", NULL) == NULL ? path_join(home->run, "catalog") : NULL;
}

bool catalog_cluster_stop(const Home *home, Error *err) {
  AUTO(str_free) char *data = home_path(home, "catalog");
  return server_stop(data, err);
}
