/* The use case of `bough diff`. */
#include "branch/diff.h"

#include "branch/access.h"
#include "branch/alike.h"
#include "branch/branch.h"
#include "branch/endpoint.h"
#include "branch/login.h"
#include "branch/parting.h"
#include "branch/principal.h"
#include "core/clock.h"
#include "core/io.h"
#include "diff/digest.h"
#include "diff/impact.h"
#include "diff/read.h"
#include "diff/render.h"
#include "diff/sql.h"
#include "pg/platform.h"

#include <pthread.h>

enum { CONNECT_MS = 10 * 1000 };

typedef enum Format { FORMAT_JSON, FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_SQL } Format;
static const char *const formats[] = {"json", "text", "markdown", "sql"};

static bool parse_format(const char *text, Format *ret, Error *err) {
  for (size_t at = 0; at < ARRAY_LENGTH(formats); at++)
    if (text == NULL || str_equal(formats[at], text)) {
      *ret = (Format)at;
      return true;
    }
  (void)error_set(err, ERROR_USAGE, "\"%.40s\" is no format", text);
  return error_hint(err, "text, sql, markdown or json");
}

/* ---- the two sides ---- */

typedef struct Side {
  BranchRow branch;
  EndpointRow endpoint;
  char role[ROLE_SIZE];
  const Home *home;
  const char *database;
  unsigned flags;
  bool is_full; /* to be read in any case */
  Conn *conn;
  char *digest;
  Schema *schema;
  Error error;
  bool ok;
} Side;

static void side_release(Side *side) {
  schema_free(side->schema);
  str_free(side->digest);
  conn_free(side->conn);
}

/* What the comparison relies on outranks what the database and the role say. The role has no rights
 * of its own, and takes none on. */
static bool open_side(Side *side, Error *err) {
  AUTO(str_free) char *directory = path_join(side->home->run, side->endpoint.id);
  AUTO(str_free) char *port = str_format("%d", PLATFORM_PORT);
  const ConnOption options[] = {{"host", directory},
                                {"port", port},
                                {"user", side->role},
                                {"dbname", side->database},
                                {"sslmode", "disable"},
                                {"gssencmode", "disable"},
                                {"application_name", "bough diff"},
                                {"options", schema_session_options},
                                {NULL, NULL}};
  return conn_open(options, CONNECT_MS, &side->conn, err) ||
         error_prefix(err, "branch \"%s\"", side->branch.name);
}

static void *read_side(void *context) {
  Side *side = context;
  side->ok = schema_read(side->conn, side->flags, &side->schema, &side->error) ||
             error_prefix(&side->error, "branch \"%s\"", side->branch.name);
  return NULL;
}

/* One whose digest can't be had is read. */
static void *digest_side(void *context) {
  Side *side = context;
  Error ignored = ERROR_INIT;
  side->ok = open_side(side, &side->error);
  if (side->ok && !side->is_full)
    (void)!catalog_rows_digest(side->conn, &side->digest, &ignored);
  return NULL;
}

/* Each by its own thread: both servers work at the same time. */
static bool on_both(Side sides[2], void *(*work)(void *), Error *err) {
  pthread_t thread;
  bool has_thread = pthread_create(&thread, NULL, work, &sides[0]) == 0;
  (void)work(&sides[1]);
  if (has_thread)
    (void)pthread_join(thread, NULL);
  else
    (void)work(&sides[0]);
  for (size_t at = 0; at < 2; at++)
    if (!sides[at].ok) {
      *err = sides[at].error;
      return false;
    }
  return true;
}

static bool wake_side(Context *context, Side *side, Error *err) {
  principal_role(context->home, &context->caller, side->role);
  side->home = context->home;
  return endpoint_start(context, side->branch.id, &side->endpoint, err) &&
         login_for_caller(context, &side->branch, &side->endpoint, side->role, side->database,
                          err) &&
         branch_get(context->catalog, side->branch.id, &side->branch, err); /* its record, now */
}

static bool resolve_side(Context *context, const ProjectRow *project, const char *name,
                         BranchRow *ret, Error *err) {
  return branch_resolve(context, project, name, ret, err) &&
         access_branch(context, ACTION_BRANCH_READ, ret, err);
}

static bool resolve_sides(Context *context, const ProjectRow *project, const DiffRequest *request,
                          Side sides[2], Error *err) {
  if (!resolve_side(context, project, request->branch, &sides[1].branch, err))
    return false;
  const char *against = request->against != NULL ? request->against : sides[1].branch.parent_name;
  if (against[0] != '\0')
    return resolve_side(context, project, against, &sides[0].branch, err);
  (void)error_set(err, ERROR_USAGE, "branch \"%s\" has no parent", request->branch);
  return error_hint(err, "name another one with --against");
}

/* ---- the answer ---- */

static void measure(const Diff *diff, Conn *conn) {
  size_t count = 0;
  Object **subjects = impact_subjects(diff, &count);
  Error ignored = ERROR_INIT;
  if (count > 0)
    (void)!schema_measure(conn, subjects, count, &ignored); /* unknown sizes are left out */
  mem_free(subjects);
}

/* "sql": the statements one by one, beside the script. Unless asked otherwise indexes are made in
 * the transaction: all of it works, or nothing has happened. */
static char *sql_text(const Diff *diff, const Base *base, unsigned flags, json_t **ret_details) {
  AUTO(diff_sql_free) DiffSql *sql = diff_sql_new(diff, base, flags);
  *ret_details = diff_sql_json(sql);
  return diff_sql_text(sql);
}

static json_t *answer(const Diff *diff, const Base *base, const RenderOptions *options,
                      Format format, unsigned flags) {
  if (format == FORMAT_JSON)
    return render_json(diff, options);
  AUTO(json_free) json_t *details = NULL;
  AUTO(str_free)
  char *text = format == FORMAT_TEXT       ? render_text(diff, options)
               : format == FORMAT_MARKDOWN ? render_markdown(diff, options)
                                           : sql_text(diff, base, flags, &details);
  json_t *value = json_string(text);
  json_t *whole = json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "before", options->before, "after",
                            options->after, "database", options->database, "same",
                            diff_is_empty(diff), "equivalent", diff_is_equivalent(diff), "text",
                            value != NULL ? value : json_line(text));
  if (details != NULL)
    (void)json_object_update(whole, details);
  return whole;
}

/* Holds against each other what was read, or two schemas of which nothing is known but that they
 * are the same. */
static bool compare(Context *context, Side sides[2], const DiffRequest *request,
                    const char *database, Format format, json_t **ret, Error *err) {
  AUTO(str_free) char *record = NULL;
  AUTO(base_free) Base *base = NULL;
  if (!parting_record(context, &sides[0].branch, &sides[1].branch, &record, err))
    return false;
  if (record != NULL)
    base = base_parse(record, database);
  AUTO(diff_free) Diff *diff = diff_compare(sides[0].schema, sides[1].schema, base);
  if (sides[0].conn != NULL)
    measure(diff, sides[0].conn);
  RenderOptions options = {.before =
                               request->before != NULL ? request->before : sides[0].branch.name,
                           .after = sides[1].branch.name,
                           .database = database,
                           .color = request->color,
                           .has_base = base != NULL};
  *ret = answer(diff, base, &options, format, request->concurrently ? DIFF_SQL_CONCURRENTLY : 0);
  return true;
}

/* How a difference, or that there is none, was found: fastest first. */
typedef enum Teller { TOLD_BY_STORAGE, TOLD_BY_DIGESTS, TOLD_BY_CATALOGS } Teller;
static const char *const tellers[] = {"storage", "digests", "catalogs"};

static bool ask_sides(Context *context, Side sides[2], Teller *ret, Error *err) {
  if (!wake_side(context, &sides[0], err) || !wake_side(context, &sides[1], err) ||
      !on_both(sides, digest_side, err))
    return false;
  bool is_same = sides[0].digest != NULL && str_equal(sides[0].digest, sides[1].digest);
  *ret = is_same ? TOLD_BY_DIGESTS : TOLD_BY_CATALOGS;
  return is_same || on_both(sides, read_side, err);
}

/* Schemas of which nothing is known but that they are the same are empty ones. */
static bool tell(Context *context, Side sides[2], const char *database, Teller *ret, Error *err) {
  *ret = TOLD_BY_STORAGE;
  if ((sides[0].is_full ||
       !branches_are_alike(context, &sides[0].branch, &sides[1].branch, database)) &&
      !ask_sides(context, sides, ret, err))
    return false;
  for (size_t at = 0; at < 2; at++)
    if (sides[at].schema == NULL)
      sides[at].schema = schema_new();
  return true;
}

static bool diff_sides(Context *context, const ProjectRow *project, const DiffRequest *request,
                       Side sides[2], json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  Format format = FORMAT_JSON;
  Teller teller = TOLD_BY_CATALOGS;
  const char *database = request->database != NULL
                             ? request->database
                             : json_string_or(project->details, "default_database", "app");
  if (!parse_format(request->format, &format, err) ||
      !resolve_sides(context, project, request, sides, err))
    return false;
  for (size_t at = 0; at < 2; at++) {
    sides[at].database = database;
    sides[at].flags = format == FORMAT_SQL ? SCHEMA_READ_DEPENDENCIES : 0;
    sides[at].is_full = request->full;
  }
  if (!tell(context, sides, database, &teller, err) ||
      !compare(context, sides, request, database, format, ret, err))
    return false;
  (void)json_object_set_new(*ret, "told_by", json_string(tellers[teller]));
  (void)json_object_set_new(*ret, "duration_ms",
                            json_real((double)(clock_monotonic_us() - started) / 1000.0));
  return true;
}

bool branch_diff(Context *context, const ProjectRow *project, const DiffRequest *request,
                 json_t **ret, Error *err) {
  Side *sides = mem_new(2, sizeof *sides);
  bool ok = diff_sides(context, project, request, sides, ret, err);
  side_release(&sides[0]);
  side_release(&sides[1]);
  mem_free(sides);
  return ok;
}
