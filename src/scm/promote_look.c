/* Finds what a promotion is about, and what it would run now. */
#include "branch/branch.h"
#include "branch/previous.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"
#include "migrate/carry.h"
#include "migration/migration.h"
#include "scm/promotion.h"
#include "scm/step.h"

#include <stdio.h>
#include <string.h>

void promotion_release(Promotion *promotion) {
  promotion_row_release(&promotion->row);
  json_free(promotion->list);
  str_free(promotion->text);
  schema_diff_row_release(&promotion->diff);
  json_free(promotion->approved_by);
  json_free(promotion->changes_by);
  json_free(promotion->checks);
  forge_free(promotion->forge);
  pull_request_release(&promotion->request);
  operation_row_release(&promotion->operation);
  json_free(promotion->digests);
  json_free(promotion->begun_checks);
}

/* ---- who and what ---- */

bool promotion_find_tier(Context *context, const ProjectRow *project, const char *tier,
                         BranchRow *ret, Error *err) {
  bool found = false;
  if (!tier_branch(context->catalog, project->id, tier, ret, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_BRANCH_NOT_FOUND,
                   "no branch stands for a tier \"%.63s\" of project \"%s\"", tier, project->name);
}

static bool find_source(Context *context, const ProjectRow *project, const char *from,
                        BranchRow *ret, Error *err) {
  bool found = false;
  if (!tier_branch(context->catalog, project->id, from, ret, &found, err))
    return false;
  return (found && access_sees(context, ret)) || branch_resolve(context, project, from, ret, err);
}

static bool check_ready(const BranchRow *branch, Error *err) {
  if (branch->state == ROW_READY && branch->expired_at == 0)
    return true;
  return error_set(err, branch->state == ROW_FAILED ? ERROR_BRANCH_FAILED : ERROR_BRANCH_BUSY,
                   "branch \"%s\" is %s", branch->name,
                   branch->expired_at != 0 ? "closed" : row_state_text(branch->state));
}

/* As the policy calls it. */
static const char *from_of(const BranchRow *branch) {
  return branch->tier[0] != '\0' ? branch->tier : branch->kind;
}

static void describe(Promotion *promotion, const char *tier) {
  PromotionRow *row = &promotion->row;
  const BranchRow *source = &promotion->source;
  *row = (PromotionRow){.pull = -1, .state = PROMOTION_OPEN, .created_at = clock_wall_us()};
  id_new("pm", row->id);
  (void)snprintf(row->project, sizeof row->project, "%s", promotion->project->id);
  (void)snprintf(row->from_name, sizeof row->from_name, "%s", from_of(source));
  (void)snprintf(row->to_tier, sizeof row->to_tier, "%s", tier);
  (void)snprintf(row->source, sizeof row->source, "%s", source->id);
  (void)snprintf(row->source_name, sizeof row->source_name, "%s", source->name);
  (void)snprintf(row->target, sizeof row->target, "%s", promotion->target.id);
  (void)snprintf(row->requested_by, sizeof row->requested_by, "%s",
                 promotion->context->caller.name);
  previous_name(promotion->snapshot_name, tier);
  id_new("rehearsal", promotion->copy_name);
}

static bool check_path(Promotion *promotion, Error *err) {
  const Policy *policy = NULL;
  const PromotionRow *row = &promotion->row;
  if (!access_policy(promotion->context, promotion->project->id, &policy, NULL, err))
    return false;
  if (policy != NULL && policy_promotion(policy, row->from_name, row->to_tier) != NULL)
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "no promotion from %s to %s is declared", row->from_name,
                  row->to_tier);
  return error_hint(err, "changes go along the chain of tiers: `bough policy show`");
}

bool promotion_find(Context *context, const ProjectRow *project, const PromoteRequest *request,
                    Promotion *ret, Error *err) {
  Promotion *promotion = ret;
  *promotion = (Promotion){.context = context, .project = project};
  if (!promotion_find_tier(context, project, request->to, &promotion->target, err) ||
      !find_source(context, project, request->from, &promotion->source, err))
    return false;
  describe(promotion, request->to);
  return check_ready(&promotion->target, err) && check_ready(&promotion->source, err) &&
         check_path(promotion, err) && promotion_find_commits(promotion, request, err);
}

/* ---- what would be run ---- */

static bool add_author(Promotion *promotion, const char *name, Error *err) {
  PrincipalRow row;
  Error ignored = ERROR_INIT;
  Catalog *catalog = promotion->context->catalog;
  if (name[0] == '\0' || !author_add(catalog, promotion->source.id, name, err))
    return false;
  if (!principal_by_name(catalog, name, &row, &ignored) || row.on_behalf_of[0] == '\0')
    return true;
  return author_add(catalog, promotion->source.id, row.on_behalf_of, err);
}

/* Who wrote a migration is its author on every tier that it comes through, also on one that was
 * built anew meanwhile. */
static bool note_authors(Promotion *promotion, Error *err) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(promotion->list, at, item) {
    if (!add_author(promotion, json_string_or(item, "author", ""), err))
      return false;
  }
  return true;
}

static bool load_diff(Promotion *promotion, Error *err) {
  SchemaDiffRow *diff = &promotion->diff;
  char digest[PROMOTION_DIGEST_SIZE];
  bool found = false;
  schema_diff_row_release(diff);
  promotion->has_diff = false;
  promotion->row.diff[0] = '\0';
  if (!schema_diff_load(promotion->context->catalog, promotion->source.id, promotion->row.to_tier,
                        diff, &found, err))
    return false;
  if (!found || !str_equal(diff->change, promotion->row.change))
    return true;
  migration_checksum(diff->content, digest);
  if (!str_equal(digest, diff->digest))
    return error_set(err, ERROR_CATALOG_INVALID,
                     "the schema diff of %s isn't what was measured: its content was changed",
                     promotion->source.name);
  promotion->has_diff = true;
  (void)snprintf(promotion->row.diff, sizeof promotion->row.diff, "%s", diff->digest);
  return true;
}

static Carry carry_of(const Promotion *promotion) {
  return (Carry){.context = promotion->context,
                 .project = promotion->project,
                 .from = &promotion->source,
                 .to = &promotion->target,
                 .label = promotion->source.name};
}

/* What CI tested and people approved is a commit. Its author owns the database branch, and can have
 * run something else there since. */
static bool check_code(const Promotion *promotion, Error *err) {
  const Carry carry = carry_of(promotion);
  Step step = {
      .context = promotion->context, .project = promotion->project, .forge = promotion->forge};
  AUTO(json_free) json_t *set = NULL;
  if (promotion->source.tier[0] != '\0' || promotion->row.head[0] == '\0')
    return true;
  return step_migrations(&step, promotion->row.head, &set, err) &&
         carry_check_code(&carry, set, promotion->list, err);
}

static bool read_change(Promotion *promotion, Error *err) {
  const Carry carry = carry_of(promotion);
  json_free(STEAL(promotion->list));
  str_free(STEAL(promotion->text));
  if (!carry_look(&carry, true, &promotion->list, err) || !check_code(promotion, err))
    return false;
  promotion->text = json_text(promotion->list);
  migration_checksum(promotion->text, promotion->row.change);
  return true;
}

static bool is_same_item(const json_t *left, const json_t *right) {
  static const char *const keys[] = {"database", "layout", "version", "name", "checksum"};
  for (size_t at = 0; at < ARRAY_LENGTH(keys); at++)
    if (!str_equal(json_string_or(left, keys[at], ""), json_string_or(right, keys[at], "")))
      return false;
  return true;
}

static bool has_item(const json_t *list, const json_t *wanted) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    if (is_same_item(item, wanted))
      return true;
  }
  return false;
}

static bool has_all(const json_t *list, const json_t *items) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(items, at, item) {
    if (!has_item(list, item))
      return false;
  }
  return true;
}

bool promotion_load_list(Promotion *promotion, Error *err) {
  json_free(STEAL(promotion->list));
  str_free(STEAL(promotion->text));
  if (!promotion_text_load(promotion->context->catalog, promotion->row.change, &promotion->text,
                           err))
    return false;
  return json_parse(promotion->text, strlen(promotion->text), &promotion->list, err);
}

/* Half of it is in the tier, so that the ledgers tell of another change by now: while the rest
 * belongs to what was begun, at the same commits, that is what everybody saw and approved. */
static bool take_begun(Promotion *promotion, const PromotionRow *begun, Error *err) {
  PromotionRow *row = &promotion->row;
  AUTO(json_free) json_t *rest = json_incref(promotion->list);
  bool same = str_equal(row->head, begun->head) &&
              (str_equal(row->base, begun->base) || !promotion->moves_git);
  if (!same)
    return true;
  memcpy(row->change, begun->change, sizeof row->change);
  if (!promotion_load_list(promotion, err) || !load_diff(promotion, err))
    return false;
  promotion->goes_on = promotion->has_diff && has_all(promotion->list, rest);
  if (!promotion->goes_on)
    return read_change(promotion, err);
  memcpy(row->base, begun->base, sizeof row->base);
  json_free(promotion->begun_checks);
  promotion->begun_checks = json_incref(json_object_get(begun->details, "checks"));
  promotion->is_run = json_array_size(rest) == 0;
  json_free(promotion->digests);
  promotion->digests = json_incref(json_object_get(begun->details, "digests"));
  return true;
}

/* The row that waits is this one: who asked first, and since when. */
static bool find_row(Promotion *promotion, Error *err) {
  PromotionRow *row = &promotion->row;
  AUTO_RELEASE(promotion_row_release) PromotionRow open = {0};
  if (!promotion_find_open(promotion->context->catalog, row->source, row->to_tier, &open,
                           &promotion->has_row, err))
    return false;
  if (!promotion->has_row)
    return true;
  memcpy(row->id, open.id, sizeof row->id);
  memcpy(row->requested_by, open.requested_by, sizeof row->requested_by);
  memcpy(row->snapshot, open.snapshot, sizeof row->snapshot);
  row->created_at = open.created_at;
  row->state = open.state;
  promotion->resumes = open.state == PROMOTION_STOPPED;
  return !promotion->resumes || take_begun(promotion, &open, err);
}

bool promotion_look(Promotion *promotion, Error *err) {
  return read_change(promotion, err) && find_row(promotion, err) && note_authors(promotion, err) &&
         load_diff(promotion, err) && promotion_read_evidence(promotion, err);
}

/* ---- the row ---- */

static json_t *describe_details(const Promotion *promotion) {
  json_t *versions = json_array();
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(promotion->list, at, item) {
    (void)json_array_append_new(versions, json_pack("{s:O, s:O, s:O, s:O}", "database",
                                                    json_object_get(item, "database"), "version",
                                                    json_object_get(item, "version"), "name",
                                                    json_object_get(item, "name"), "checksum",
                                                    json_object_get(item, "checksum")));
  }
  return json_pack("{s:o, s:O*, s:O*, s:O*, s:b, s:b, s:s, s:s, s:s}", "migrations", versions,
                   "approved_by", promotion->approved_by, "checks", promotion->checks, "digests",
                   promotion->digests, "moves_git", promotion->moves_git, "resumes",
                   promotion->resumes, "message", promotion->message, "snapshot_name",
                   promotion->snapshot_name, "copy_name", promotion->copy_name);
}

typedef bool PromotionUpdate(Catalog *catalog, const PromotionRow *row, Error *err);

static bool save_by(Promotion *promotion, PromotionUpdate *update, Error *err) {
  Catalog *catalog = promotion->context->catalog;
  json_free(promotion->row.details);
  promotion->row.details = describe_details(promotion);
  if (!promotion_text_store(catalog, promotion->row.change, promotion->text, err))
    return false;
  if (promotion->has_row)
    return update(catalog, &promotion->row, err);
  promotion->has_row = promotion_insert(catalog, &promotion->row, err);
  return promotion->has_row;
}

bool promotion_save(Promotion *promotion, Error *err) {
  return save_by(promotion, promotion_update, err);
}

bool promotion_save_open(Promotion *promotion, Error *err) {
  return save_by(promotion, promotion_update_open, err);
}

/* ---- one that was begun ---- */

static bool load_snapshot(Promotion *promotion, Error *err) {
  return promotion->row.snapshot[0] == '\0' ||
         branch_get(promotion->context->catalog, promotion->row.snapshot, &promotion->snapshot,
                    err);
}

static void load_details(Promotion *promotion) {
  const json_t *details = promotion->row.details;
  promotion->digests = json_incref(json_object_get(details, "digests"));
  promotion->approved_by = json_incref(json_object_get(details, "approved_by"));
  promotion->checks = json_incref(json_object_get(details, "checks"));
  promotion->moves_git = json_bool_or(details, "moves_git", false);
  promotion->resumes = json_bool_or(details, "resumes", false);
  (void)snprintf(promotion->message, sizeof promotion->message, "%s",
                 json_string_or(details, "message", ""));
  (void)snprintf(promotion->snapshot_name, sizeof promotion->snapshot_name, "%s",
                 json_string_or(details, "snapshot_name", ""));
  (void)snprintf(promotion->copy_name, sizeof promotion->copy_name, "%s",
                 json_string_or(details, "copy_name", ""));
}

bool promotion_load(Promotion *promotion, Error *err) {
  Catalog *catalog = promotion->context->catalog;
  promotion->has_row = true;
  load_details(promotion);
  return branch_get(catalog, promotion->row.source, &promotion->source, err) &&
         branch_get(catalog, promotion->row.target, &promotion->target, err) &&
         load_snapshot(promotion, err) && promotion_load_list(promotion, err);
}
