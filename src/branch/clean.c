/* Cleans a branch at its first start: what to do is asked of the cluster itself (sql/clean_*.sql),
 * one statement per finding, and a branch of a clean parent answers with nothing. */
#include "branch/clean.h"

#include "branch/identity.h"
#include "branch/sql.h"
#include "core/str.h"
#include "pg/platform.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
  CONNECT_MS = 60 * 1000,
  HELPER_LIMIT = 3,   /* databases are cleaned by so many threads beside the caller's */
  SUBJECT_LIMIT = 12, /* a note names so many */
};

static const struct {
  const char *name;
  const char *note;
} kinds[CLEAN_COUNT_] = {
#define CLEAN(name, text, note) [CLEAN_##name] = {text, note},
#include "branch/clean.def"
#undef CLEAN
};

void clean_report_release(CleanReport *report) {
  json_free(report->notes);
  str_free(report->identity);
  *report = (CleanReport){0};
}

/* ---- what was found ---- */

typedef struct Findings {
  int64_t counts[CLEAN_COUNT_];
  Buffer subjects[CLEAN_COUNT_]; /* the first SUBJECT_LIMIT, joined */
} Findings;

static void findings_release(Findings *findings) {
  for (size_t kind = 0; kind < CLEAN_COUNT_; kind++)
    buffer_release(&findings->subjects[kind]);
}

static void findings_add(Findings *findings, CleanKind kind, const char *subject) {
  Buffer *subjects = &findings->subjects[kind];
  if (findings->counts[kind] < SUBJECT_LIMIT)
    buffer_add_format(subjects, "%s%s", subjects->length > 0 ? ", " : "", subject);
  else if (findings->counts[kind] == SUBJECT_LIMIT)
    buffer_add_text(subjects, ", ...");
  findings->counts[kind]++;
}

static void findings_merge(Findings *into, const Findings *from) {
  for (size_t kind = 0; kind < CLEAN_COUNT_; kind++) {
    Buffer *subjects = &into->subjects[kind];
    if (from->counts[kind] == 0)
      continue;
    buffer_add_format(subjects, "%s%s", subjects->length > 0 ? ", " : "",
                      from->subjects[kind].text);
    into->counts[kind] += from->counts[kind];
  }
}

static json_t *findings_notes(const Findings *findings) {
  json_t *notes = json_array();
  for (size_t kind = 0; kind < CLEAN_COUNT_; kind++) {
    if (findings->counts[kind] == 0 || kinds[kind].note == NULL)
      continue;
    AUTO(str_free)
    char *text = str_format("%s: %s", kinds[kind].note, findings->subjects[kind].text);
    (void)json_array_append_new(notes, json_line(text));
  }
  return notes;
}

/* ---- statements ---- */

static bool find_kind(const char *name, CleanKind *ret, Error *err) {
  for (CleanKind kind = 0; kind < CLEAN_COUNT_; kind++) {
    if (str_equal(kinds[kind].name, name)) {
      *ret = kind;
      return true;
    }
  }
  /* "bootstrap": see clean_shared.sql */
  return error_set(err, ERROR_BRANCH_FAILED,
                   "the cluster's first superuser is not %s: it wasn't imported by Bough",
                   PLATFORM_ROLE);
}

/* Runs what rows (kind, subject, statement) ask for as one transaction. */
static bool apply(Conn *conn, const Rows *rows, Findings *findings, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  for (size_t row = 0; row < rows_count(rows); row++) {
    CleanKind kind = CLEAN_OWN;
    if (!find_kind(rows_get(rows, row, 0), &kind, err))
      return false;
    findings_add(findings, kind, rows_get(rows, row, 1));
    if (rows_get(rows, row, 2)[0] != '\0')
      buffer_add_format(&sql, "%s;\n", rows_get(rows, row, 2));
  }
  return sql.length == 0 || conn_exec(conn, sql.text, NULL, err);
}

static bool clean_shared(Conn *conn, const char *login_role, Findings *findings, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  return conn_query(conn, branch_sql("clean_shared.sql"), 1, &login_role, &rows, err) &&
         apply(conn, rows, findings, err);
}

/* ROLLBACK PREPARED must be a transaction of its own, in the database of the prepared one. */
static bool roll_back_prepared(Conn *conn, Findings *findings, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn,
                 "SELECT gid FROM pg_catalog.pg_prepared_xacts"
                 " WHERE database OPERATOR(pg_catalog.=) pg_catalog.current_database()",
                 &rows, err))
    return false;
  for (size_t row = 0; row < rows_count(rows); row++) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    buffer_add_text(&sql, "ROLLBACK PREPARED ");
    sql_add_literal(&sql, rows_get(rows, row, 0));
    if (!conn_exec(conn, sql.text, NULL, err))
      return false;
    findings_add(findings, CLEAN_PREPARED, rows_get(rows, row, 0));
  }
  return true;
}

/* ---- databases ---- */

typedef struct Visit { /* one database */
  char *name;
  bool is_open; /* lets sessions in; others are opened for the visit */
  int64_t prepared;
  Conn *conn; /* NULL: not connected yet */
  Findings findings;
  Buffer identity;
  Error error;
} Visit;

typedef struct Tour { /* all databases that are visited */
  const char *socket_directory;
  Conn *conn; /* the caller's; the visit of its database uses it, too */
  Visit *visits;
  size_t count;
  atomic_size_t next; /* to be taken by a thread */
} Tour;

static void tour_release(Tour *tour) {
  for (size_t at = 0; at < tour->count; at++) {
    Visit *visit = &tour->visits[at];
    str_free(visit->name);
    if (visit->conn != tour->conn)
      conn_free(visit->conn);
    findings_release(&visit->findings);
    buffer_release(&visit->identity);
  }
  mem_free(tour->visits);
}

/* template0 is as initdb made it, a sealed database as it was cleaned, and nobody can enter them,
 * unless something is pending there. */
static bool is_worth_a_visit(const Rows *rows, size_t row) {
  bool is_shut = rows_get_bool(rows, row, 6) ||
                 (!rows_get_bool(rows, row, 2) && str_equal(rows_get(rows, row, 0), "template0"));
  return !is_shut || rows_get_integer(rows, row, 4) > 0 || rows_get_integer(rows, row, 5) > 0;
}

static bool plan_tour(Tour *tour, Findings *findings, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(tour->conn, branch_sql("databases.sql"), &rows, err))
    return false;
  tour->visits = mem_new(rows_count(rows), sizeof *tour->visits);
  for (size_t row = 0; row < rows_count(rows); row++) {
    const char *name = rows_get(rows, row, 0);
    if (rows_get_bool(rows, row, 3))
      findings_add(findings, CLEAN_SKIPPED, name);
    else if (is_worth_a_visit(rows, row))
      tour->visits[tour->count++] = (Visit){.name = str_dup(name),
                                            .is_open = rows_get_bool(rows, row, 2),
                                            .prepared = rows_get_integer(rows, row, 4)};
  }
  return true;
}

/* Opens the databases that let nobody in, or closes them again. Killed in between, one stays open:
 * it is clean all the same after the next try. */
static bool set_doors(const Tour *tour, bool open, Error *err) {
  for (size_t at = 0; at < tour->count; at++) {
    if (tour->visits[at].is_open)
      continue;
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    buffer_add_text(&sql, "ALTER DATABASE ");
    sql_add_identifier(&sql, tour->visits[at].name);
    buffer_add_format(&sql, " ALLOW_CONNECTIONS %s", open ? "true" : "false");
    if (!conn_exec(tour->conn, sql.text, NULL, err))
      return false;
  }
  return true;
}

static bool visit_connect(const Tour *tour, Visit *visit, Error *err) {
  if (str_equal(visit->name, conn_database(tour->conn)))
    visit->conn = tour->conn;
  return visit->conn != NULL ||
         platform_open(tour->socket_directory, visit->name, CONNECT_MS, &visit->conn, err);
}

static bool visit_clean(const Tour *tour, Visit *visit, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  return visit_connect(tour, visit, err) &&
         conn_exec(visit->conn, branch_sql("clean_database.sql"), &rows, err) &&
         apply(visit->conn, rows, &visit->findings, err) &&
         identity_read(visit->conn, &visit->identity, err);
}

static void *work(void *context) {
  Tour *tour = context;
  for (size_t at = atomic_fetch_add(&tour->next, 1); at < tour->count;
       at = atomic_fetch_add(&tour->next, 1))
    (void)!visit_clean(tour, &tour->visits[at], &tour->visits[at].error); /* looked at afterwards */
  return NULL;
}

/* Visits all databases, several at a time: connecting to one takes longer than cleaning it. */
static bool make_tour(Tour *tour, Error *err) {
  pthread_t helpers[HELPER_LIMIT];
  size_t helper_count = 0;
  while (helper_count < HELPER_LIMIT && helper_count + 1 < tour->count &&
         pthread_create(&helpers[helper_count], NULL, work, tour) == 0)
    helper_count++;
  (void)work(tour);
  while (helper_count > 0)
    (void)pthread_join(helpers[--helper_count], NULL);
  for (size_t at = 0; at < tour->count; at++) {
    if (tour->visits[at].error.code != ERROR_NONE) {
      *err = tour->visits[at].error;
      return error_prefix(err, "database \"%s\"", tour->visits[at].name);
    }
  }
  return true;
}

/* Prepared transactions hold locks, on rows of roles, too: they go before anything else. */
static bool roll_back_all(Tour *tour, Error *err) {
  for (size_t at = 0; at < tour->count; at++) {
    Visit *visit = &tour->visits[at];
    if (visit->prepared > 0 && (!visit_connect(tour, visit, err) ||
                                !roll_back_prepared(visit->conn, &visit->findings, err)))
      return false;
  }
  return true;
}

static void report_tour(const Tour *tour, Findings *findings, CleanReport *ret) {
  Buffer identity = {0};
  for (size_t at = 0; at < tour->count; at++) {
    findings_merge(findings, &tour->visits[at].findings);
    buffer_add(&identity, tour->visits[at].identity.text, tour->visits[at].identity.length);
  }
  memcpy(ret->counts, findings->counts, sizeof ret->counts);
  ret->notes = findings_notes(findings);
  ret->identity = buffer_steal(&identity);
  identity_digest(ret->identity, ret->identity_digest);
}

bool clean_branch(Conn *conn, const char *socket_directory, const Home *home, CleanReport *ret,
                  Error *err) {
  AUTO_RELEASE(findings_release) Findings findings = {0};
  AUTO_RELEASE(tour_release) Tour tour = {.socket_directory = socket_directory, .conn = conn};
  if (!plan_tour(&tour, &findings, err) || !set_doors(&tour, true, err))
    return false;
  bool ok = roll_back_all(&tour, err) &&
            clean_shared(tour.conn, home->login_role, &findings, err) && make_tour(&tour, err);
  Error closing = ERROR_INIT; /* only the first failure is told */
  bool closed = set_doors(&tour, false, ok ? err : &closing);
  if (!ok || !closed)
    return false;
  CleanReport report = {0};
  report_tour(&tour, &findings, &report);
  if (!identity_count(report.identity, &report.objects, err)) {
    clean_report_release(&report);
    return false;
  }
  *ret = report;
  return true;
}

/* Whether anything was ever made in the database: objects of initdb have smaller oids. */
static bool is_untouched(Conn *conn, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn,
                 "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class"
                 " WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)"
                 " AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc"
                 " WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)"
                 " AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace"
                 " WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)"
                 " AND NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper)"
                 " AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger)",
                 &rows, err))
    return false;
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

static bool limit_connections(Conn *conn, const char *database, int limit, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "ALTER DATABASE ");
  sql_add_identifier(&sql, database);
  buffer_add_format(&sql, " CONNECTION LIMIT %d", limit);
  return conn_exec(conn, sql.text, NULL, err);
}

bool clean_seal(Conn *conn, const char *socket_directory, const char *main_database, Error *err) {
  AUTO(conn_free) Conn *own = NULL;
  bool untouched = false;
  if (!limit_connections(conn, "template1", 0, err))
    return false;
  if (str_equal(main_database, "postgres"))
    return true;
  return platform_open(socket_directory, "postgres", CONNECT_MS, &own, err) &&
         is_untouched(own, &untouched, err) &&
         (!untouched || limit_connections(conn, "postgres", 0, err));
}

bool clean_unseal(Conn *conn, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn,
                 "SELECT datname FROM pg_catalog.pg_database"
                 " WHERE datconnlimit OPERATOR(pg_catalog.=) 0",
                 &rows, err))
    return false;
  for (size_t row = 0; row < rows_count(rows); row++)
    if (!limit_connections(conn, rows_get(rows, row, 0), -1, err))
      return false;
  return true;
}
