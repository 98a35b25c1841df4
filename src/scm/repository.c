/* The local forge's bare repositories, and who may read and push. */
#include "scm/repository.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/change.h"
#include "catalog/forge.h"
#include "catalog/policy.h"
#include "catalog/promotion.h"
#include "core/io.h"
#include "core/lock.h"
#include "core/str.h"
#include "scm/workflow.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAKE_LOCK_MS = 60 * 1000 };

char *repository_path(const Context *context, const ProjectRow *project) {
  return home_path(context->home, "git/%s.git", project->id);
}

/* ---- which branches there are ---- */

/* Where no policy is in force the root stands for the one tier. */
static bool root_name(Context *context, const ProjectRow *project, char ret[NAME_MAX_LENGTH + 1],
                      Error *err) {
  BranchRow root;
  if (!branch_get(context->catalog, project->root_branch, &root, err))
    return false;
  (void)snprintf(ret, NAME_MAX_LENGTH + 1, "%s", root.name);
  return true;
}

/* The tier from which git shows a clone its first branch. */
static bool head_tier(Context *context, const ProjectRow *project, char ret[NAME_MAX_LENGTH + 1],
                      Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, project->id, &policy, NULL, err))
    return false;
  if (policy == NULL)
    return root_name(context, project, ret, err);
  (void)snprintf(ret, NAME_MAX_LENGTH + 1, "%s", policy->entry);
  return true;
}

bool repository_ensure(Context *context, const ProjectRow *project, char **ret, Error *err) {
  char head[NAME_MAX_LENGTH + 1];
  AUTO_RELEASE(fd_release) int lock = -1;
  AUTO(str_free) char *path = repository_path(context, project);
  AUTO(str_free) char *folder = home_path(context->home, "git");
  AUTO(str_free) char *marker = path_join(path, "bough");
  AUTO(str_free) char *lock_path = home_path(context->home, "locks/git-%s", project->id);
  if (!io_exists(marker) &&
      (!head_tier(context, project, head, err) ||
       !lock_take(lock_path, LOCK_EXCLUSIVE, MAKE_LOCK_MS, &lock, err) ||
       !io_make_directories(folder, 0700, err) || !git_init_bare(path, head, err) ||
       !io_write_file(marker, "1\n", 2, 0600, err)))
    return false;
  *ret = STEAL(path);
  return true;
}

bool repository_remove(Context *context, const ProjectRow *project, Error *err) {
  AUTO(str_free) char *path = repository_path(context, project);
  return io_remove_tree(path, err);
}

void repository_branch_of(const char *kind, const char *name, char ret[GIT_NAME_SIZE]) {
  (void)snprintf(ret, GIT_NAME_SIZE, "%.*s/%.*s", NAME_MAX_LENGTH, kind, NAME_MAX_LENGTH, name);
}

static bool is_tier(Context *context, const ProjectRow *project, const char *name, bool *ret,
                    Error *err) {
  const Policy *policy = NULL;
  char root[NAME_MAX_LENGTH + 1];
  if (!access_policy(context, project->id, &policy, NULL, err) ||
      (policy == NULL && !root_name(context, project, root, err)))
    return false;
  *ret = policy != NULL ? policy_tier(policy, name) != NULL : str_equal(root, name);
  return true;
}

static bool refuse_name(const char *git_branch, Error *err) {
  (void)error_set(err, ERROR_INVALID_NAME,
                  "git branch \"%.200s\" is neither a tier's nor that of a claimed change",
                  git_branch);
  return error_hint(err, "claim one: `bough scm claim ID`; its branch is feature/ID");
}

/* "KIND/NAME" as branches are named; anything else goes with a change that was claimed so. */
static bool split_name(const char *git_branch, RepositoryName *ret) {
  const char *slash = strchr(git_branch, '/');
  Error ignored = ERROR_INIT;
  if (slash == NULL || slash - git_branch > NAME_MAX_LENGTH)
    return false;
  (void)snprintf(ret->kind, sizeof ret->kind, "%.*s", (int)(slash - git_branch), git_branch);
  if (!name_check("kind", ret->kind, &ignored) || !name_check("branch", slash + 1, &ignored))
    return false;
  (void)snprintf(ret->name, sizeof ret->name, "%s", slash + 1);
  return true;
}

bool repository_name(Context *context, const ProjectRow *project, const char *git_branch,
                     RepositoryName *ret, Error *err) {
  RepositoryName name = {0};
  if (!git_branch_check(git_branch, err) ||
      !is_tier(context, project, git_branch, &name.is_tier, err))
    return false;
  if (name.is_tier)
    (void)snprintf(name.name, sizeof name.name, "%.*s", NAME_MAX_LENGTH, git_branch);
  else if (!split_name(git_branch, &name))
    return refuse_name(git_branch, err);
  *ret = name;
  return true;
}

/* A claimed change says which it is; without one the names do. */
static bool branch_by_change(Context *context, const ProjectRow *project, const char *git_branch,
                             BranchRow *ret, bool *ret_found, Error *err) {
  ChangeRow change;
  bool found = false;
  if (!change_of_git(context->catalog, project->id, git_branch, &change, &found, err))
    return false;
  *ret_found = found && change.ended_at == 0;
  return !*ret_found || branch_get(context->catalog, change.branch, ret, err);
}

bool repository_branch(Context *context, const ProjectRow *project, const char *git_branch,
                       BranchRow *ret, Error *err) {
  RepositoryName name;
  bool found = false;
  Error missing = ERROR_INIT;
  if (!git_branch_check(git_branch, err) ||
      !branch_by_change(context, project, git_branch, ret, &found, err))
    return false;
  if (found)
    return true;
  if (!repository_name(context, project, git_branch, &name, err))
    return false;
  if (name.is_tier || !branch_find(context->catalog, project->id, name.name, ret, &missing) ||
      !str_equal(ret->kind, name.kind))
    return refuse_name(git_branch, err);
  return true;
}

/* ---- who may ---- */

bool repository_ask_read(Context *context, const ProjectRow *project, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  bool sees = false;
  if (!branch_list(context->catalog, project->id, false, &rows, &count, &invalid, err))
    return false;
  for (size_t at = 0; at < count && !sees; at++)
    sees = access_sees(context, &rows[at]);
  mem_free(rows);
  audit_about(context, project->id, NULL);
  if (sees)
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "\"%s\" sees no branch of project \"%s\", nor its code",
                  context->caller.name, project->name);
  return error_hint(err, "who may see a branch may read the code: `bough policy explain`");
}

/* Tiers move by what was reviewed and tested. Only a repository without that branch gets its first
 * commit from outside, by who manages the project. */
static bool ask_tier(Context *context, const ProjectRow *project, const PushedRef *ref,
                     const char *tier, Error *err) {
  audit_note(context, "rule", json_string("tier branches move by merge and promote alone"));
  if (git_oid_is_zero(ref->old))
    return access_ask(
        context, &(AccessQuestion){.action = ACTION_PROJECT_MANAGE, .project = project->id}, err);
  audit_about(context, project->id, NULL);
  (void)error_set(err, ERROR_FORBIDDEN,
                  "\"%s\" is a tier: its git branch moves by merge and promote alone", tier);
  return error_hint(err, "claim a feature: `bough scm claim ID`");
}

typedef struct Wanted { /* of one ref */
  PushRow row;
  bool is_tier;
} Wanted;

static bool check_shape(const PushedRef *ref, const char **ret_branch, Error *err) {
  const char *branch = git_ref_branch(ref->ref);
  if (!git_oid_check(ref->old) || !git_oid_check(ref->new))
    return error_set(err, ERROR_PROTOCOL, "a push without the names of its commits");
  if (branch == NULL)
    return error_set(err, ERROR_FORBIDDEN,
                     "\"%.200s\" can't be pushed: only branches are, by plain names", ref->ref);
  if (git_oid_is_zero(ref->new)) {
    (void)error_set(err, ERROR_FORBIDDEN, "branch \"%s\" isn't removed by a push", branch);
    return error_hint(err, "the pair goes together: `bough scm abandon`");
  }
  *ret_branch = branch;
  return true;
}

/* Its migrations are in the tier, or may be in a moment: what goes with them is the commit that the
 * gates saw. */
static bool check_still(Context *context, const BranchRow *branch, Error *err) {
  AUTO_RELEASE(promotion_row_release) PromotionRow row = {0};
  bool found = false;
  if (!promotion_find_begun(context->catalog, branch->id, &row, &found, err))
    return false;
  if (!found)
    return true;
  bool stopped = row.state == PROMOTION_STOPPED;
  (void)error_set(err, ERROR_BRANCH_BUSY, "the merge of \"%s\" into \"%s\" %s", branch->name,
                  row.to_tier, stopped ? "stopped half-way" : "is being done");
  return error_hint(err, stopped
                             ? "finish it: `bough scm merge`, or take it back: `bough scm doctor "
                               "--fix undo-merge`; then push"
                             : "push again when it is over: `bough scm status` tells");
}

static bool ask_ref(Context *context, const ProjectRow *project, const PushedRef *ref, Wanted *ret,
                    Error *err) {
  const char *git_branch = NULL;
  BranchRow branch;
  if (!check_shape(ref, &git_branch, err) ||
      !is_tier(context, project, git_branch, &ret->is_tier, err))
    return false;
  (void)snprintf(ret->row.git_branch, sizeof ret->row.git_branch, "%s", git_branch);
  (void)snprintf(ret->row.new, sizeof ret->row.new, "%s", ref->new);
  (void)snprintf(ret->row.old, sizeof ret->row.old, "%s",
                 git_oid_is_zero(ref->old) ? "" : ref->old);
  (void)snprintf(ret->row.principal, sizeof ret->row.principal, "%s", context->caller.name);
  (void)snprintf(ret->row.on_behalf_of, sizeof ret->row.on_behalf_of, "%s",
                 context->caller.on_behalf_of);
  ret->row.is_forced = ref->is_forced;
  if (ret->is_tier)
    return ask_tier(context, project, ref, git_branch, err);
  if (!repository_branch(context, project, git_branch, &branch, err) ||
      !access_branch(context, ACTION_BRANCH_WRITE, &branch, err) ||
      !check_still(context, &branch, err))
    return error_prefix(err, "push to \"%s\"", git_branch);
  (void)snprintf(ret->row.branch, sizeof ret->row.branch, "%s", branch.id);
  return true;
}

static bool record_one(Context *context, const ProjectRow *project, const PushRow *row,
                       Error *err) {
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s*, s:s, s:b}", "git_branch", row->git_branch, "old",
                             str_or_null(row->old), "new", row->new, "forced", row->is_forced);
  audit_about(context, project->id, str_or_null(row->branch));
  if (row->branch[0] != '\0' &&
      (!author_add(context->catalog, row->branch, row->principal, err) ||
       (row->on_behalf_of[0] != '\0' &&
        !author_add(context->catalog, row->branch, row->on_behalf_of, err))))
    return false;
  return push_row_insert(context->catalog, project->id, row, err) &&
         audit_record(context, "git.push", params, err);
}

static bool record(Context *context, const ProjectRow *project, const Wanted *wanted, size_t count,
                   Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (!record_one(context, project, &wanted[at].row, err))
      return false;
  return catalog_commit(&guard, err);
}

bool repository_ask_push(Context *context, const ProjectRow *project, const PushedRef *refs,
                         size_t count, Error *err) {
  Wanted wanted[PUSH_REFS_LIMIT] = {0};
  if (count == 0 || count > PUSH_REFS_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "a push of %zu branches; at most %d are let be", count,
                     PUSH_REFS_LIMIT);
  for (size_t at = 0; at < count; at++)
    if (!ask_ref(context, project, &refs[at], &wanted[at], err))
      return false;
  if (!record(context, project, wanted, count, err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (!wanted[at].is_tier && !workflow_pushed(context, project->id, wanted[at].row.git_branch,
                                                wanted[at].row.new, &context->caller, err))
      return false;
  return true;
}
