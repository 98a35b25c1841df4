/* What a change does to a tier, seen on a copy of it that nobody else uses. */
#include "branch/branch.h"
#include "core/str.h"
#include "diff/read.h"
#include "diff/render.h"
#include "diff/sql.h"
#include "migrate/carry.h"
#include "migrate/digest.h"
#include "migration/migration.h"
#include "pg/platform.h"
#include "scm/promotion.h"

#include <stdio.h>

#define COPY_KIND "rehearsal"
#define COPY_LIFE "2h" /* one that could not be deleted goes by itself */

typedef struct Rehearsal {
  Promotion *promotion;
  BranchRow copy;
  EndpointRow endpoint;
  Schema **before; /* by database */
  size_t count;
  json_t *databases;
  Buffer content, markdown;
  bool rights;
} Rehearsal;

static void rehearsal_release(Rehearsal *rehearsal) {
  Error ignored = ERROR_INIT;
  if (rehearsal->copy.id[0] != '\0')
    (void)!branch_delete_ended(rehearsal->promotion->context, rehearsal->copy.id, &ignored);
  for (size_t at = 0; at < rehearsal->count; at++)
    schema_free(rehearsal->before[at]);
  mem_free(rehearsal->before);
  json_free(rehearsal->databases);
  buffer_release(&rehearsal->content);
  buffer_release(&rehearsal->markdown);
}

static bool make_copy(Rehearsal *rehearsal, const BranchRow *base, Error *err) {
  Promotion *promotion = rehearsal->promotion;
  Catalog *catalog = promotion->context->catalog;
  AUTO(json_free) json_t *made = NULL;
  const char *name = promotion->copy_name;
  const BranchRequest request = {.name = name,
                                 .kind = COPY_KIND,
                                 .ttl = COPY_LIFE,
                                 .start = true,
                                 .is_copy = true,
                                 .is_scratch = true,
                                 .copied = base};
  return (branch_create(promotion->context, promotion->project, &request, &made, err) ||
          error_prefix(err, "a copy to try the change on")) &&
         branch_find(catalog, promotion->project->id, name, &rehearsal->copy, err) &&
         endpoint_of_branch(catalog, rehearsal->copy.id, &rehearsal->endpoint, err);
}

static bool read_schema(const Rehearsal *rehearsal, const char *database, Schema **ret,
                        Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  Target target = {.context = rehearsal->promotion->context,
                   .project = rehearsal->promotion->project,
                   .branch = rehearsal->copy,
                   .endpoint = rehearsal->endpoint,
                   .role = PROMOTION_ROLE,
                   .is_server = true};
  (void)snprintf(target.database, sizeof target.database, "%s", database);
  return target_connect(&target, SESSION_READER, 0, &conn, err) &&
         schema_read(conn, SCHEMA_READ_DEPENDENCIES, ret, err);
}

static const char *database_at(const Rehearsal *rehearsal, size_t at) {
  const char *name = json_string_value(json_array_get(rehearsal->databases, at));
  return name != NULL ? name : "";
}

static bool read_before(Rehearsal *rehearsal, Error *err) {
  size_t count = json_array_size(rehearsal->databases);
  rehearsal->before = mem_new(count + 1, sizeof(Schema *));
  for (size_t at = 0; at < count; at++) {
    if (!read_schema(rehearsal, database_at(rehearsal, at), &rehearsal->before[at], err))
      return false;
    rehearsal->count = at + 1;
  }
  return true;
}

/* The order of the databases counts, and where one ends: no name has a line end in it that isn't
 * escaped. */
static void add_texts(Rehearsal *rehearsal, const Diff *diff, const Base *base,
                      const char *database) {
  AUTO(diff_sql_free) DiffSql *sql = diff_sql_new(diff, base, 0);
  AUTO(str_free) char *text = diff_sql_text(sql);
  const RenderOptions options = {.before = rehearsal->promotion->row.to_tier,
                                 .after = rehearsal->promotion->source.name,
                                 .database = database,
                                 .has_base = base != NULL};
  AUTO(str_free) char *markdown = render_markdown(diff, &options);
  AUTO(json_free) json_t *name = json_line(database);
  if (diff_is_empty(diff))
    return;
  buffer_add_format(&rehearsal->content, "-- database %s\n%s", json_string_value(name), text);
  buffer_add_text(&rehearsal->markdown, markdown);
}

static bool compare(Rehearsal *rehearsal, size_t at, const char *record, Error *err) {
  const char *database = database_at(rehearsal, at);
  AUTO(schema_free) Schema *after = NULL;
  AUTO(base_free) Base *base = NULL;
  if (!read_schema(rehearsal, database, &after, err))
    return false;
  if (record != NULL)
    base = base_parse(record, database);
  AUTO(diff_free) Diff *diff = diff_compare(rehearsal->before[at], after, base);
  for (size_t change = 0; change < diff->count; change++)
    rehearsal->rights = rehearsal->rights || diff->changes[change].is_rights;
  add_texts(rehearsal, diff, base, database);
  return true;
}

static bool compare_all(Rehearsal *rehearsal, Error *err) {
  AUTO(str_free) char *record = NULL;
  const char *identity = rehearsal->copy.identity;
  buffer_add_text(&rehearsal->content, "");
  buffer_add_text(&rehearsal->markdown, "");
  if (identity[0] != '\0' &&
      !identity_load(rehearsal->promotion->context->catalog, identity, &record, err))
    return false;
  for (size_t at = 0; at < rehearsal->count; at++)
    if (!compare(rehearsal, at, record, err))
      return false;
  return true;
}

static void take_diff(Rehearsal *rehearsal, const json_t *base_digests) {
  Promotion *promotion = rehearsal->promotion;
  AUTO(str_free) char *base = json_text(base_digests);
  schema_diff_row_release(&promotion->diff);
  promotion->diff = (SchemaDiffRow){.rights = rehearsal->rights,
                                    .content = buffer_steal(&rehearsal->content),
                                    .markdown = buffer_steal(&rehearsal->markdown)};
  SchemaDiffRow *diff = &promotion->diff;
  (void)snprintf(diff->change, sizeof diff->change, "%s", promotion->row.change);
  migration_checksum(base, diff->base);
  migration_checksum(diff->content, diff->digest);
  (void)snprintf(diff->measured_by, sizeof diff->measured_by, "%s",
                 promotion->context->caller.name);
}

/* Code alone: the schema stays. */
static bool take_nothing(Promotion *promotion) {
  Rehearsal rehearsal = {.promotion = promotion};
  AUTO(json_free) json_t *none = json_object();
  take_diff(&rehearsal, none);
  json_free(STEAL(promotion->digests));
  return true;
}

static bool run(Rehearsal *rehearsal, Error *err) {
  Promotion *promotion = rehearsal->promotion;
  const Carry carry = {.context = promotion->context,
                       .project = promotion->project,
                       .from = &promotion->source,
                       .to = &rehearsal->copy,
                       .label = promotion->source.name};
  AUTO(json_free) json_t *done = NULL;
  AUTO(json_free) json_t *before = NULL;
  json_free(STEAL(promotion->digests));
  if (!read_before(rehearsal, err) ||
      !carry_read_back(&carry, promotion->list, false, &before, err) ||
      !carry_apply(&carry, promotion->list, &done, err) ||
      !carry_read_back(&carry, promotion->list, true, &promotion->digests, err) ||
      !compare_all(rehearsal, err))
    return error_prefix(err, "on a copy of %s", promotion->row.to_tier);
  take_diff(rehearsal, before);
  return true;
}

bool promotion_rehearse(Promotion *promotion, const BranchRow *base, Error *err) {
  if (json_array_size(promotion->list) == 0)
    return take_nothing(promotion);
  AUTO_RELEASE(rehearsal_release)
  Rehearsal rehearsal = {.promotion = promotion,
                         .databases = carry_databases(promotion->project, promotion->list)};
  id_new(COPY_KIND, promotion->copy_name);
  if (promotion->row.state == PROMOTION_RUNNING && !promotion_save(promotion, err))
    return false; /* who takes it over must know what to throw away */
  return make_copy(&rehearsal, base, err) && run(&rehearsal, err);
}

bool promotion_keep_diff(Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  if (!schema_diff_store(promotion->context->catalog, row->project, row->source, row->to_tier,
                         &promotion->diff, err))
    return false;
  promotion->has_diff = true;
  (void)snprintf(promotion->row.diff, sizeof promotion->row.diff, "%s", promotion->diff.digest);
  return true;
}

static json_t *describe(const Promotion *promotion) {
  json_t *migrations = json_array();
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(promotion->list, at, item) {
    (void)json_array_append_new(migrations, json_pack("{s:O, s:O, s:O, s:O}", "version",
                                                      json_object_get(item, "version"), "name",
                                                      json_object_get(item, "name"), "checksum",
                                                      json_object_get(item, "checksum"), "database",
                                                      json_object_get(item, "database")));
  }
  const SchemaDiffRow *diff = &promotion->diff;
  json_t *sql = json_string(diff->content);
  json_t *markdown = json_string(diff->markdown);
  return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:b}", "digest", diff->digest, "change",
                   diff->change, "migrations", migrations, "sql",
                   sql != NULL ? sql : json_line(diff->content), "markdown",
                   markdown != NULL ? markdown : json_line(diff->markdown), "same",
                   diff->content[0] == '\0', "rights", diff->rights);
}

bool promote_measure(Context *context, const ProjectRow *project, const PromoteRequest *request,
                     json_t **ret, Error *err) {
  AUTO_RELEASE(promotion_release) Promotion promotion = {0};
  const PromoteRequest own = {.from = request->from, .to = request->to};
  if (!promotion_find(context, project, &own, &promotion, err) ||
      !access_branch(context, ACTION_BRANCH_READ, &promotion.source, err))
    return false;
  if (request->expected_head != NULL)
    (void)snprintf(promotion.row.head, sizeof promotion.row.head, "%s", request->expected_head);
  if (!promotion_look(&promotion, err) || !promotion_rehearse(&promotion, &promotion.target, err) ||
      !promotion_keep_diff(&promotion, err))
    return false;
  *ret = describe(&promotion);
  return true;
}
