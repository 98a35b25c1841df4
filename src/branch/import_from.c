/* project create --from: a running PostgreSQL, copied as files by pg_basebackup where that is
 * possible, by pg_dump otherwise. A dump goes through the same restricted psql as anybody's file.
 */
#include "branch/importing.h"
#include "branch/pool.h"
#include "branch/psql.h"
#include "branch/source.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "pg/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE_LIMIT = 600, PASSWORD_LIMIT = 1000 };

static bool by_basebackup(const Import *import) {
  return str_equal(json_string_or(import->project.details, "method", ""), "basebackup");
}

/* ---- before anything is copied ---- */

static bool choose_method(Import *import, const char *wanted, SourceMethod *ret, Error *err) {
  if (str_equal(wanted, "dump")) {
    *ret = SOURCE_DUMP;
    return true;
  }
  AUTO(str_free) char *obstacle = source_basebackup_obstacle(import->source);
  if (obstacle == NULL) {
    *ret = SOURCE_BASEBACKUP;
    import_note(import, "copied by pg_basebackup, as files, with everything in them");
    return true;
  }
  if (str_equal(wanted, "auto")) {
    *ret = SOURCE_DUMP;
    import_note(import, "copied by pg_dump, since pg_basebackup can't copy it: %s", obstacle);
    return true;
  }
  (void)error_set(err, ERROR_SOURCE_UNSUPPORTED, "pg_basebackup can't copy the source: %s",
                  obstacle);
  return error_hint(err, "change that, or use --method dump");
}

static bool check_room(Import *import, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  int64_t size = 0;
  int64_t available = 0;
  if (!pool_describe(import->context, &status, err) ||
      !json_get_integer(status, "size", &size, err) ||
      !json_get_integer(status, "available", &available, err))
    return false;
  int64_t room = available - pool_reserve(size);
  if (import->source->size <= room)
    return true;
  (void)error_set(err, ERROR_POOL_FULL, "the source has %lld MB, the pool has room for %lld MB",
                  (long long)(import->source->size >> 20), (long long)(room > 0 ? room >> 20 : 0));
  return error_hint(err, "enlarge the pool, or delete branches");
}

static bool check_method_name(const char *method, Error *err) {
  if (str_equal(method, "auto") || str_equal(method, "basebackup") || str_equal(method, "dump"))
    return true;
  return error_set(err, ERROR_USAGE, "\"method\" is auto, basebackup or dump, not \"%.40s\"",
                   method);
}

static bool check_password(const char *password, Error *err) {
  if (password == NULL || (strlen(password) <= PASSWORD_LIMIT && strpbrk(password, "\r\n") == NULL))
    return true;
  return error_set(err, ERROR_USAGE, "the password can't be written into a password file");
}

bool import_check_from(Import *import, Error *err) {
  const Home *home = import->context->home;
  const char *conninfo = NULL;
  const char *method = json_string_or(import->request, "method", "auto");
  const char *password = json_string_or(import->request, "password", NULL);
  SourceMethod chosen = SOURCE_DUMP;
  if (!json_get_string(import->request, "conninfo", &conninfo, err) ||
      !check_method_name(method, err) || !check_password(password, err) ||
      !source_open(home, conninfo, password, import->context->caller.name, &import->source, err) ||
      !choose_method(import, method, &chosen, err) ||
      !source_check(home, import->source, chosen, err) || !check_room(import, err) ||
      (chosen == SOURCE_DUMP && !psql_check(home, err)))
    return false;
  import->superusers = source_superusers(import->source);
  return json_object_set_new(import->project.details, "method",
                             json_string(chosen == SOURCE_BASEBACKUP ? "basebackup" : "dump")) == 0;
}

/* ---- pg_basebackup ---- */

static void report_backup(void *context, const json_t *progress) {
  import_progress(context, "copying files", json_integer_or(progress, "done", 0),
                  json_integer_or(progress, "total", 0));
}

static bool copy_files(Import *import, Error *err) {
  AUTO(str_free) char *conninfo = source_conninfo(import->source, NULL);
  return agent_call_progress(import->context->agent, "cluster.basebackup",
                             json_pack("{s:s, s:s, s:s*}", "volume", import->branch.volume,
                                       "conninfo", conninfo, "password", import->source->password),
                             report_backup, import, NULL, err);
}

/* The role that PostgreSQL's own processes run as, oid 10, becomes Bough's, so that there is one
 * superuser as on every branch; its old name goes to a role without any power. Nobody can rename
 * himself, hence the helper. Every statement ends with an empty line: postgres --single -j wants
 * that. */
static void add_superuser(Buffer *sql, const char *bootstrap) {
  buffer_add_text(sql, "CREATE ROLE bough_helper SUPERUSER;\n\n"
                       "SET SESSION AUTHORIZATION bough_helper;\n\nALTER ROLE ");
  sql_add_identifier(sql, bootstrap);
  buffer_add_text(sql, " RENAME TO " PLATFORM_ROLE ";\n\nSET SESSION AUTHORIZATION " PLATFORM_ROLE
                       ";\n\n"
                       "DROP ROLE bough_helper;\n\nCREATE ROLE ");
  sql_add_identifier(sql, bootstrap);
  buffer_add_text(sql, " NOLOGIN;\n\n");
}

static bool has_database(const Source *source, const char *name) {
  size_t at = 0;
  const json_t *database = NULL;
  json_array_foreach(json_object_get(source->facts, "databases"), at, database) {
    if (str_equal(json_string_or(database, "name", ""), name))
      return true;
  }
  return false;
}

static bool take_over(Import *import, Error *err) {
  const char *bootstrap = json_string_or(import->source->facts, "bootstrap", "");
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  if (!str_equal(bootstrap, PLATFORM_ROLE))
    add_superuser(&sql, bootstrap);
  buffer_add_text(&sql, "ALTER ROLE " PLATFORM_ROLE " SUPERUSER LOGIN CONNECTION LIMIT -1"
                        " PASSWORD NULL VALID UNTIL 'infinity';\n\n");
  if (!has_database(import->source, "postgres"))
    buffer_add_text(&sql, "CREATE DATABASE postgres TEMPLATE template0;\n\n");
  return import_call(import, "cluster.single",
                     json_pack("{s:s, s:s}", "database", "template1", "sql", sql.text), NULL, err);
}

bool import_cluster_from(Import *import, Error *err) {
  if (!by_basebackup(import))
    return import_cluster_init(import, err);
  if (!copy_files(import, err))
    return false;
  import_progress(import, "recovering", 0, 0);
  return take_over(import, err) && import_call(import, "cluster.checksums", NULL, NULL, err);
}

/* ---- pg_dump ---- */

/* A password file that is never on disk and ends with its readers: pg_dump gets it as its standard
 * input, which it has no other use for. */
static bool make_passfile(const Source *source, int *ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  buffer_add_text(&line, "*:*:*:*:");
  for (const char *c = source->password != NULL ? source->password : ""; *c != '\0'; c++) {
    if (*c == ':' || *c == '\\')
      buffer_add_text(&line, "\\");
    buffer_add(&line, c, 1);
  }
  buffer_add_text(&line, "\n");
  AUTO_RELEASE(fd_release) int fd = memfd_create("bough-password", MFD_CLOEXEC);
  /* libpq leaves a file alone that others could read */
  if (fd < 0 || fchmod(fd, 0600) != 0)
    return error_set_errno(err, errno, "could not pass the password");
  if (!io_write(fd, line.text, line.length, err))
    return false;
  *ret = fd;
  fd = -1;
  return true;
}

typedef struct Dump { /* a running pg_dump */
  pid_t pid;
  int output; /* to read the dump from */
  int errors; /* what it said */
} Dump;

/* Whatever happens to the reader, the child is reaped. */
static void dump_release(Dump *dump) {
  fd_release(&dump->output);
  if (dump->pid > 0)
    (void)waitpid(dump->pid, NULL, 0); /* its next write fails, and it ends */
  fd_release(&dump->errors);
}

static bool start_dump(const Import *import, const char *database, Dump *ret, Error *err) {
  int ends[2];
  AUTO(str_free) char *path = path_join(import->context->home->postgres_bin, "pg_dump");
  AUTO(str_free) char *conninfo = source_conninfo(import->source, database);
  AUTO_RELEASE(fd_release) int passfile = -1;
  AUTO_RELEASE(fd_release) int errors = memfd_create("pg_dump-errors", MFD_CLOEXEC);
  if (!make_passfile(import->source, &passfile, err))
    return false;
  if (errors < 0 || pipe2(ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not make a pipe");
  AUTO_RELEASE(fd_release) int reader = ends[0];
  AUTO_RELEASE(fd_release) int writer = ends[1];
  ProcessOptions options = PROCESS_OPTIONS;
  options.environment = (const char *const[]){"LANG=C.UTF-8", "TZ=UTC", "PGAPPNAME=bough import",
                                              "PGPASSFILE=/proc/self/fd/0", NULL};
  options.input = passfile;
  options.output = writer;
  options.errors = errors;
  pid_t pid = 0;
  if (!process_spawn((const char *const[]){path, "--no-password", "--create", "--no-owner",
                                           "--no-tablespaces", "--no-subscriptions",
                                           "--no-security-labels", "--encoding=UTF8", "--dbname",
                                           conninfo, NULL},
                     &options, false, &pid, err))
    return false;
  *ret = (Dump){.pid = pid, .output = reader, .errors = errors};
  reader = errors = -1;
  return true;
}

/* A dump that was cut short looks complete to psql: only pg_dump's status tells. */
static bool check_dump(Dump *dump, Error *err) {
  int status = 0;
  char text[MESSAGE_LIMIT + 1] = "";
  fd_release(&dump->output);
  while (waitpid(dump->pid, &status, 0) < 0 && errno == EINTR)
    ;
  dump->pid = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return true;
  ssize_t count = pread(dump->errors, text, MESSAGE_LIMIT, 0);
  text[count > 0 ? count : 0] = '\0';
  return error_set(err, ERROR_IMPORT_FAILED, "pg_dump failed: %s", text);
}

static const VerdictRefusal refusals[] = {
    {VERDICT_EXTENSION, ERROR_EXTENSION_MISSING, "an extension is not installed here",
     "install its package, then try again"},
    {VERDICT_SUPERUSER, ERROR_NEEDS_SUPERUSER, "parts of it can only be made by a superuser",
     "use --method basebackup, or dump it yourself and load the file with --sql and --trust"},
    {VERDICT_ROLE, ERROR_IMPORT_FAILED, "roles are missing", "try again: roles changed meanwhile"},
    {VERDICT_MADE, ERROR_IMPORT_FAILED, "extensions could not be made", "use --method basebackup"},
    {VERDICT_META, ERROR_IMPORT_FAILED, "the dump holds backslash commands",
     "is the source what "
     "you think it is?"},
    {VERDICT_FAILED, ERROR_IMPORT_FAILED, "statements of the dump failed",
     "use --method basebackup if the source allows it"},
};

static bool load_database(Import *import, const json_t *database, Error *err) {
  const char *name = json_string_or(database, "name", "");
  AUTO_RELEASE(dump_release) Dump dump = {.output = -1, .errors = -1};
  AUTO_RELEASE(verdict_report_release) VerdictReport report = {.file = name};
  AUTO(str_free) char *text = str_format("copying database %s", name);
  return start_dump(import, name, &dump, err) &&
         psql_run(import, "postgres", dump.output, json_integer_or(database, "size", 0), text,
                  &report, err) &&
         check_dump(&dump, err) && verdict_check(&report, refusals, ARRAY_LENGTH(refusals), err);
}

/* ---- what is made before ---- */

/* The platform makes those that are safe right before a database is loaded into. */
static void want_extensions(Import *import, const json_t *database) {
  json_t *wanted = json_object();
  size_t at = 0;
  const json_t *extension = NULL;
  json_array_foreach(json_object_get(database, "extensions"), at, extension) {
    (void)json_object_set_new(wanted, json_string_or(extension, "name", ""),
                              json_string(json_string_or(extension, "schema", "public")));
  }
  if (import->extensions == NULL)
    import->extensions = json_object();
  (void)json_object_set_new(import->extensions, json_string_or(database, "name", ""), wanted);
}

static bool make_all_roles(Import *import, Conn *conn, Error *err) {
  AUTO(json_free) json_t *names = json_object();
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(import->source->facts, "roles"), at, item) {
    (void)json_object_set_new(names, json_string_or(item, "name", ""), json_true());
  }
  if (!import_make_roles(import, conn, names, err))
    return false;
  json_array_foreach(json_object_get(import->source->facts, "memberships"), at, item) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    buffer_add_text(&sql, "GRANT ");
    sql_add_identifier(&sql, json_string_or(item, "team", ""));
    buffer_add_text(&sql, " TO ");
    sql_add_identifier(&sql, json_string_or(item, "member", ""));
    if (!conn_exec(conn, sql.text, NULL, err))
      return false;
  }
  return true;
}

static bool is_copied(Import *import, const json_t *database) {
  const char *name = json_string_or(database, "name", "");
  if (json_bool_or(database, "is_template", false))
    return false;
  if (!json_bool_or(database, "is_open", false)) {
    import_note(import, "database \"%s\" lets nobody in and was left out", name);
    return false;
  }
  return true;
}

static bool load_dumps(Import *import, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  size_t at = 0;
  const json_t *database = NULL;
  if (!import_open(import, "postgres", &conn, err) || !import_make_loader(conn, false, err) ||
      !conn_exec(conn, "ALTER DATABASE postgres OWNER TO " IMPORT_ROLE, NULL, err) ||
      !make_all_roles(import, conn, err))
    return false;
  json_array_foreach(json_object_get(import->source->facts, "databases"), at, database) {
    if (!is_copied(import, database))
      continue;
    want_extensions(import, database);
    if (!load_database(import, database, err))
      return error_prefix(err, "database \"%s\"", json_string_or(database, "name", ""));
  }
  return true;
}

bool import_load_from(Import *import, Error *err) {
  const char *name = json_string_or(import->source->settings, "dbname",
                                    json_string_or(import->source->settings, "user", ""));
  if (has_database(import->source, name))
    import->database = str_dup(name);
  return by_basebackup(import) || load_dumps(import, err);
}
