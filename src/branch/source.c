/* Connects to the database to import and asks it. */
#include "branch/source.h"

#include "branch/sql.h"
#include "core/str.h"
#include "pg/platform.h"

#include <gnu/libc-version.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum {
  CONNECT_MS = 15 * 1000,
  OPTION_LIMIT = 32,
  BLOCK_SIZE = 8192,
  MAJOR_OLDEST = 10, /* what source.sql can be asked of */
};

/* The rest of libpq's settings name files, services and identities of the services' own accounts.
 */
static const char *const allowed_settings[] = {
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "connect_timeout",
    "sslmode",
    "sslsni",
    "channel_binding",
    "gssencmode",
    "options",
    "target_session_attrs",
    "application_name",
    "keepalives",
    "keepalives_idle",
    "tcp_user_timeout",
};

void source_free(Source *source) {
  if (source == NULL)
    return;
  json_free(source->settings);
  json_free(source->facts);
  str_free(source->password);
  mem_free(source);
}

/* ---- the connection string ---- */

static bool is_allowed(const char *keyword) {
  for (size_t at = 0; at < ARRAY_LENGTH(allowed_settings); at++)
    if (str_equal(allowed_settings[at], keyword))
      return true;
  return false;
}

/* Bough's own sockets would let its services in as anybody. */
static bool check_host(const Home *home, const char *host, Error *err) {
  char resolved[4096];
  if (host[0] != '/' && host[0] != '@')
    return true;
  const char *path = realpath(host, resolved) != NULL ? resolved : host;
  if (host[0] != '@' && !str_starts(path, home->root) && !str_starts(path, home->run))
    return true;
  return error_set(err, ERROR_USAGE, "\"%.200s\" is no socket directory to import from", host);
}

static bool check_settings(const Home *home, json_t *settings, Error *err) {
  const char *keyword = NULL;
  json_t *value = NULL;
  json_object_foreach(settings, keyword, value) {
    if (str_equal(keyword, "password")) {
      (void)error_set(err, ERROR_PASSWORD_IN_CONNINFO, "the connection string carries a password");
      return error_hint(err, "put it into the file that PGPASSFILE names");
    }
    if (!is_allowed(keyword))
      return error_set(err, ERROR_USAGE, "\"%s\" can't be set for a database to import", keyword);
  }
  for (const char *hosts = json_string_or(settings, "host", ""); *hosts != '\0';) {
    size_t length = strcspn(hosts, ",");
    AUTO(str_free) char *host = str_ndup(hosts, length);
    if (!check_host(home, host, err))
      return false;
    hosts += length + (hosts[length] == ',' ? 1 : 0);
  }
  return true;
}

/* Appends key='value' as libpq takes it apart. */
static void add_setting(Buffer *text, const char *keyword, const char *value) {
  buffer_add_format(text, "%s%s='", text->length > 0 ? " " : "", keyword);
  for (const char *c = value; *c != '\0'; c++) {
    if (*c == '\'' || *c == '\\')
      buffer_add_text(text, "\\");
    buffer_add(text, c, 1);
  }
  buffer_add_text(text, "'");
}

char *source_conninfo(const Source *source, const char *database) {
  Buffer text = {0};
  const char *keyword = NULL;
  json_t *value = NULL;
  json_object_foreach(source->settings, keyword, value) {
    if (database == NULL || !str_equal(keyword, "dbname"))
      add_setting(&text, keyword, json_string_value(value));
  }
  if (database != NULL)
    add_setting(&text, "dbname", database);
  return buffer_steal(&text);
}

/* database NULL: the given one. */
static bool connect_to(const Source *source, const char *database, bool replication, Conn **ret,
                       Error *err) {
  ConnOption options[OPTION_LIMIT] = {0};
  size_t count = 0;
  const char *keyword = NULL;
  json_t *value = NULL;
  json_object_foreach(source->settings, keyword, value) {
    if (count < OPTION_LIMIT - 4 && (database == NULL || !str_equal(keyword, "dbname")))
      options[count++] = (ConnOption){keyword, json_string_value(value)};
  }
  if (database != NULL)
    options[count++] = (ConnOption){"dbname", database};
  if (replication)
    options[count++] = (ConnOption){"replication", "true"};
  options[count++] = (ConnOption){"password", source->password};
  options[count] = (ConnOption){"passfile", "/nonexistent"}; /* not the services' own */
  return conn_open(options, CONNECT_MS, ret, err);
}

/* A server that waits for a lock doesn't notice that its client has gone, and would keep the locks
 * that it has on the source. Before 14, and behind some poolers, it can't be told to look: then it
 * isn't. */
static void have_client_watched(Source *source) {
  AUTO(conn_free) Conn *conn = NULL;
  AUTO(json_free) json_t *given = json_incref(json_object_get(source->settings, "options"));
  const char *before = json_string_value(given);
  AUTO(str_free)
  char *options = str_format("%s%s-c client_connection_check_interval=2s",
                             before != NULL ? before : "", before != NULL ? " " : "");
  (void)json_object_set_new(source->settings, "options", json_string(options));
  if (connect_to(source, NULL, false, &conn, NULL))
    return;
  (void)json_object_del(source->settings, "options");
  if (given != NULL)
    (void)json_object_set(source->settings, "options", given);
}

/* ---- looking around ---- */

static bool ask(Conn *conn, const char *sql, json_t **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, "SET search_path = pg_catalog", NULL, err) ||
      !conn_exec(conn, sql, &rows, err))
    return false;
  if (rows_count(rows) != 1 || rows_get(rows, 0, 0) == NULL)
    return error_set(err, ERROR_SOURCE_UNSUPPORTED, "the database to import doesn't know its role");
  const char *text = rows_get(rows, 0, 0);
  return json_parse(text, strlen(text), ret, err);
}

static bool look_into_databases(Source *source, Error *err) {
  size_t at = 0;
  json_t *database = NULL;
  json_array_foreach(json_object_get(source->facts, "databases"), at, database) {
    AUTO(conn_free) Conn *conn = NULL;
    AUTO(json_free) json_t *facts = NULL;
    const char *name = json_string_or(database, "name", "");
    source->size += json_integer_or(database, "size", 0);
    if (!json_bool_or(database, "is_open", false) || !json_bool_or(database, "may_connect", false))
      continue;
    if (!connect_to(source, name, false, &conn, err) ||
        !ask(conn, branch_sql("source_database.sql"), &facts, err))
      return error_prefix(err, "database \"%s\" of the source", name);
    (void)json_object_update(database, facts);
  }
  return true;
}

static bool check_version(const Source *source, Error *err) {
  int major = source->version / 10000;
  if (major >= MAJOR_OLDEST && major <= SOURCE_MAJOR)
    return true;
  (void)error_set(err, ERROR_SOURCE_UNSUPPORTED,
                  "the database to import is PostgreSQL %d, branches here are PostgreSQL %d", major,
                  SOURCE_MAJOR);
  return major < MAJOR_OLDEST
             ? error_hint(err, "dump it with a pg_dump of its own, then use --sql")
             : error_hint(err,
                          "dump it with pg_dump %d and load the file with --sql; what a newer "
                          "version invented will be refused, the rest loads",
                          major);
}

static bool set_unreachable(const Error *failure, Error *err) {
  (void)error_set(err, ERROR_SOURCE_UNREACHABLE, "%s", failure->message);
  return error_hint(err,
                    "the server connects as its own account: over a socket, peer authentication "
                    "won't know it; use host=localhost and a password");
}

bool source_open(const Home *home, const char *conninfo, const char *password, const char *user,
                 Source **ret, Error *err) {
  AUTO(source_free) Source *source = mem_new(1, sizeof *source);
  AUTO(conn_free) Conn *conn = NULL;
  Error failure = ERROR_INIT;
  if (!conninfo_parse(conninfo, &source->settings, err) ||
      !check_settings(home, source->settings, err))
    return false;
  if (json_object_get(source->settings, "user") == NULL)
    (void)json_object_set_new(source->settings, "user", json_string(user));
  source->password = password != NULL ? str_dup(password) : NULL;
  if (!connect_to(source, NULL, false, &conn, &failure))
    return set_unreachable(&failure, err);
  source->version = conn_server_version(conn);
  if (!check_version(source, err) || !ask(conn, branch_sql("source.sql"), &source->facts, err) ||
      !look_into_databases(source, err))
    return false;
  have_client_watched(source);
  *ret = STEAL(source);
  return true;
}

char *source_superusers(const Source *source) {
  Buffer names = {0};
  buffer_add_text(&names, "{");
  size_t at = 0;
  const json_t *role = NULL;
  json_array_foreach(json_object_get(source->facts, "roles"), at, role) {
    if (!json_bool_or(role, "super", false))
      continue;
    buffer_add_text(&names, names.length > 1 ? ",\"" : "\"");
    for (const char *c = json_string_or(role, "name", ""); *c != '\0'; c++)
      buffer_add_format(&names, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    buffer_add_text(&names, "\"");
  }
  buffer_add_text(&names, "}");
  return buffer_steal(&names);
}

/* ---- pg_basebackup ---- */

static bool replication_answers(const Source *source) {
  AUTO(conn_free) Conn *conn = NULL;
  return connect_to(source, NULL, true, &conn, NULL) &&
         conn_exec(conn, "IDENTIFY_SYSTEM", NULL, NULL);
}

static bool has_locale(const char *name) {
  locale_t locale = newlocale(LC_ALL_MASK, name, (locale_t)0);
  if (locale == (locale_t)0)
    return false;
  freelocale(locale);
  return true;
}

/* The first database whose text indexes would be sorted differently here. */
static const char *differently_sorted(const Source *source) {
  size_t at = 0;
  const json_t *database = NULL;
  json_array_foreach(json_object_get(source->facts, "databases"), at, database) {
    const char *version = json_string_or(database, "collation_version", NULL);
    bool is_libc = str_equal(json_string_or(database, "provider", "c"), "c");
    if (!has_locale(json_string_or(database, "collate", "C")) ||
        (is_libc && version != NULL && !str_equal(version, gnu_get_libc_version())))
      return json_string_or(database, "name", "");
  }
  return NULL;
}

/* "PostgreSQL 15.20 ... on x86_64-pc-linux-gnu, compiled by ..." */
static bool is_same_machine_type(const Source *source) {
  struct utsname here;
  const char *version = json_string_or(source->facts, "version", "");
  const char *machine = strstr(version, " on ");
  return machine != NULL && uname(&here) == 0 && str_starts(machine + 4, here.machine) &&
         strstr(machine, "linux") != NULL;
}

char *source_basebackup_obstacle(const Source *source) {
  const json_t *facts = source->facts;
  int major = source->version / 10000;
  if (major != SOURCE_MAJOR)
    return str_format("it is PostgreSQL %d, branches here are PostgreSQL %d", major, SOURCE_MAJOR);
  if (!is_same_machine_type(source))
    return str_dup("it runs on another type of machine");
  if (json_integer_or(facts, "block_size", 0) != BLOCK_SIZE)
    return str_dup("its block size is another one");
  if (json_array_size(json_object_get(facts, "tablespaces")) > 0)
    return str_dup("it uses tablespaces, which a branch can't have");
  if (str_equal(json_string_or(facts, "wal_level", ""), "minimal"))
    return str_dup("its wal_level is minimal");
  if (json_integer_or(facts, "max_wal_senders", 0) < 2 + json_integer_or(facts, "wal_senders", 0))
    return str_dup("it has too few max_wal_senders free (two are needed)");
  if (!json_bool_or(facts, "may_replicate", false))
    return str_dup("the role has no REPLICATION attribute there");
  const char *database = differently_sorted(source);
  if (database != NULL)
    return str_format("database \"%s\" was sorted by a locale or C library that isn't here, so its "
                      "indexes would be wrong",
                      database);
  if (!replication_answers(source))
    return str_dup("its pg_hba.conf lets no replication connection in");
  return NULL;
}
