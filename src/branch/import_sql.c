/* project create --sql: files that a client has sent, loaded one after the other. */
#include "branch/extension.h"
#include "branch/importing.h"
#include "branch/psql.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DATABASE "app"

enum { TITLE_LIMIT = 80 };

/* ---- uploads ---- */

static bool open_upload(const Import *import, const json_t *entry, int *ret, int64_t *ret_size,
                        Error *err) {
  const char *upload = json_string_or(entry, "upload", "");
  if (!id_check("up", upload))
    return error_set(err, ERROR_USAGE, "\"%.40s\" is no upload", upload);
  AUTO(str_free) char *path = home_path(import->context->home, "spool/%s", upload);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return error_set(err, ERROR_USAGE, "no upload \"%s\"", upload);
  *ret = fd;
  *ret_size = status.st_size;
  fd = -1;
  return true;
}

static bool check_beginning(int fd, const char *name, Error *err) {
  char magic[6] = "";
  (void)!io_pread(fd, magic, 5, 0, NULL); /* shorter files are SQL, too */
  if (strcmp(magic, "PGDMP") != 0)
    return true;
  (void)error_set(err, ERROR_IMPORT_FAILED, "\"%.80s\" is an archive of pg_dump, not SQL", name);
  return error_hint(err, "turn it into SQL first: `pg_restore -f FILE.sql ARCHIVE`");
}

bool import_check_sql(Import *import, Error *err) {
  const json_t *uploads = json_object_get(import->request, "uploads");
  if (json_array_size(uploads) == 0)
    return error_set(err, ERROR_USAGE, "\"uploads\" names no file");
  size_t at = 0;
  const json_t *entry = NULL;
  json_array_foreach(uploads, at, entry) {
    AUTO_RELEASE(fd_release) int fd = -1;
    int64_t size = 0;
    if (!open_upload(import, entry, &fd, &size, err) ||
        !check_beginning(fd, json_string_or(entry, "name", "the file"), err))
      return false;
  }
  return psql_check(import->context->home, err);
}

/* ---- one pass over all files ---- */

static bool run_files(Import *import, VerdictReport *report, Error *err) {
  size_t at = 0;
  const json_t *entry = NULL;
  json_array_foreach(json_object_get(import->request, "uploads"), at, entry) {
    AUTO_RELEASE(fd_release) int fd = -1;
    int64_t size = 0;
    const char *name = json_string_or(entry, "name", "the file");
    AUTO(str_free) char *text = str_format("loading %.*s", TITLE_LIMIT, name);
    report->file = name;
    if (!open_upload(import, entry, &fd, &size, err) ||
        !psql_run(import, DATABASE, fd, size, text, report, err))
      return false;
  }
  return true;
}

static bool prepare(Import *import, Conn *conn, bool trust, Error *err) {
  return import_make_loader(conn, trust, err) && import_make_database(conn, DATABASE, err) &&
         conn_exec(conn, "ALTER DATABASE postgres OWNER TO " IMPORT_ROLE, NULL, err);
}

/* Away with what the first pass made, so that the second one starts like it. */
static bool drop_databases(Conn *conn, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn,
                 "SELECT d.datname FROM pg_catalog.pg_database d"
                 " JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) d.datdba"
                 " WHERE r.rolname OPERATOR(pg_catalog.=) '" IMPORT_ROLE "'"
                 " AND d.datname OPERATOR(pg_catalog.<>) 'postgres'",
                 &rows, err))
    return false;
  for (size_t row = 0; row < rows_count(rows); row++) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    buffer_add_text(&sql, "ALTER DATABASE ");
    sql_add_identifier(&sql, rows_get(rows, row, 0));
    buffer_add_text(&sql, " IS_TEMPLATE false");
    if (!conn_exec(conn, sql.text, NULL, err))
      return false;
    buffer_clear(&sql);
    buffer_add_text(&sql, "DROP DATABASE ");
    sql_add_identifier(&sql, rows_get(rows, row, 0));
    buffer_add_text(&sql, " WITH (FORCE)");
    if (!conn_exec(conn, sql.text, NULL, err))
      return false;
  }
  return true;
}

/* What the first pass left in database postgres belongs to the loader. */
static bool empty_postgres(Conn *conn, Error *err) {
  return conn_exec(conn, "DROP OWNED BY " IMPORT_ROLE " CASCADE", NULL, err) &&
         conn_exec(conn, "ALTER DATABASE postgres OWNER TO " IMPORT_ROLE, NULL, err);
}

static bool start_again(Import *import, Conn *conn, const VerdictReport *first, Error *err) {
  import->extensions = json_incref(first->extensions);
  return drop_databases(conn, err) && empty_postgres(conn, err) &&
         import_make_roles(import, conn, first->roles, err) &&
         import_make_database(conn, DATABASE, err);
}

/* ---- what came of it ---- */

static const VerdictRefusal refusals[] = {
    {VERDICT_EXTENSION, ERROR_EXTENSION_MISSING, "an extension is not installed here",
     "install its package (apt-cache search postgresql-15 NAME), then try again"},
    {VERDICT_META, ERROR_IMPORT_FAILED,
     "backslash commands other than \\connect DATABASE are not run", "take them out of the file"},
    {VERDICT_SUPERUSER, ERROR_NEEDS_SUPERUSER, "some statements need superuser rights",
     "if you trust the file, give --trust; everything else in it would load without"},
    {VERDICT_MADE, ERROR_NEEDS_SUPERUSER, "these extensions need an empty database to be made in",
     "move CREATE EXTENSION to the beginning of the file"},
    {VERDICT_FAILED, ERROR_IMPORT_FAILED, "statements failed", "correct the file, then try again"},
};

static void note_ignored(Import *import, const VerdictReport *report) {
  if (report->counts[VERDICT_IGNORED] > 0)
    import_note(import, "%lld statements on owners, roles and settings were left out: %.500s",
                (long long)report->counts[VERDICT_IGNORED], report->examples[VERDICT_IGNORED].text);
}

static void note_roles(Import *import, json_t *roles) {
  AUTO_RELEASE(buffer_release) Buffer names = {0};
  const char *name = NULL;
  json_t *value = NULL;
  if (json_object_size(roles) == 0)
    return;
  json_object_foreach(roles, name, value) {
    buffer_add_format(&names, "%s%s", names.length > 0 ? ", " : "", name);
  }
  import_note(import, "roles were made without login: %.500s", names.text);
}

/* A role is only missing in the first pass; what is still said about roles in the second, such as
 * CREATE ROLE for one that was made meanwhile, is of no more interest. */
static bool load_files(Import *import, Conn *conn, Error *err) {
  AUTO_RELEASE(verdict_report_release) VerdictReport first = {0};
  AUTO_RELEASE(verdict_report_release) VerdictReport second = {0};
  if (!run_files(import, &first, err))
    return false;
  const VerdictReport *report = &first;
  bool is_better_prepared = first.counts[VERDICT_ROLE] + first.counts[VERDICT_MADE] > 0;
  if (is_better_prepared && first.counts[VERDICT_EXTENSION] == 0 &&
      first.counts[VERDICT_META] == 0) {
    if (!start_again(import, conn, &first, err) || !run_files(import, &second, err))
      return false;
    note_roles(import, first.roles);
    report = &second;
  }
  if (!verdict_check(report, refusals, ARRAY_LENGTH(refusals), err))
    return false;
  note_ignored(import, report);
  return true;
}

/* ---- which database was meant ---- */

/* A dump that brings its own databases leaves ours empty. */
static bool is_empty(Import *import, bool *ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  return import_open(import, DATABASE, &conn, err) && database_is_empty(conn, ret, err);
}

static bool choose_database(Import *import, Conn *conn, Error *err) {
  AUTO(json_free) json_t *names = NULL;
  bool empty = false;
  if (!import_list_databases(conn, false, &names, err) || !is_empty(import, &empty, err))
    return false;
  const char *chosen = DATABASE;
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(names, at, name) {
    const char *text = json_string_value(name);
    if (empty && str_equal(chosen, DATABASE) && !str_equal(text, DATABASE) &&
        !str_equal(text, "postgres"))
      chosen = text;
  }
  import->database = str_dup(chosen);
  return str_equal(chosen, DATABASE) || conn_exec(conn, "DROP DATABASE " DATABASE, NULL, err);
}

bool import_load_sql(Import *import, Error *err) {
  bool trust = json_bool_or(import->request, "trust", false);
  AUTO(conn_free) Conn *conn = NULL;
  if (trust) {
    import->superusers = str_dup("{" IMPORT_ROLE "}");
    import_note(import, "the files were loaded with superuser rights, as --trust says");
  }
  return import_open(import, "postgres", &conn, err) && prepare(import, conn, trust, err) &&
         load_files(import, conn, err) && choose_database(import, conn, err);
}
