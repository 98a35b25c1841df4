/* Tiers that a policy declares while there is code already: their git branches. */
#include "scm/repository.h"

#include "branch/access.h"
#include "catalog/forge.h"
#include "core/io.h"
#include "core/str.h"
#include "scm/forge.h"

static const PolicyTier *parent_of(const Policy *policy, const PolicyTier *tier) {
  return tier->parent != NULL ? policy_tier(policy, tier->parent) : NULL;
}

/* Of the nearest ancestor that has one: its database was forked there, too. */
static bool find_start(Forge *forge, const Policy *policy, const PolicyTier *tier,
                       char ret[GIT_OID_SIZE], bool *ret_found, Error *err) {
  *ret_found = false;
  for (tier = parent_of(policy, tier); tier != NULL && !*ret_found; tier = parent_of(policy, tier))
    if (!forge_branch_head(forge, tier->name, ret, ret_found, err))
      return false;
  return true;
}

static bool begin_one(Forge *forge, const Policy *policy, const PolicyTier *tier, const Git *git,
                      Error *err) {
  char head[GIT_OID_SIZE];
  bool found = false;
  if (!forge_branch_head(forge, tier->name, head, &found, err) || found)
    return found;
  if (!find_start(forge, policy, tier, head, &found, err))
    return false;
  return !found || git_move_branch(git, tier->name, NULL, head, err);
}

/* Another forge is its owner's; and none is made here. */
static bool is_built_in(Context *context, const ProjectRow *project, const char *path, bool *ret,
                        Error *err) {
  const char *kind = NULL;
  AUTO(json_free) json_t *settings = NULL;
  if (!repository_get(context->catalog, project->id, &kind, &settings, err))
    return false;
  *ret = str_equal(kind, "local") && io_exists(path);
  return true;
}

/* Before `bough init` there is nothing to begin with. */
static bool begin_all(Context *context, const ProjectRow *project, const Policy *policy,
                      Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  AUTO(str_free) char *path = repository_path(context, project);
  const Git git = git_server(path);
  char head[GIT_OID_SIZE];
  bool found = false;
  if (!is_built_in(context, project, path, &found, err) ||
      (found && !(forge_open(context, project, &forge, err) &&
                  forge_branch_head(forge, policy->entry, head, &found, err))))
    return false;
  for (size_t at = 0; found && at < policy->tier_count; at++)
    if (!begin_one(forge, policy, &policy->tiers[at], &git, err))
      return false;
  return true;
}

bool repository_begin_tiers(Context *context, const ProjectRow *project, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, project->id, &policy, NULL, err))
    return false;
  if (policy == NULL || begin_all(context, project, policy, err))
    return true;
  (void)error_prefix(err, "the policy is in force, but not every tier has a git branch");
  return error_hint(err, "apply it again, or `git push bough COMMIT:refs/heads/TIER`");
}
