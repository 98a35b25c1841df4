/* What a tier has and its parent lacks is applied to a new branch of the parent. */
#include "core/str.h"
#include "migrate/carry.h"
#include "migrate/migrate.h"

bool migrate_reapply(Context *context, const ProjectRow *project, const BranchRow *tier,
                     const BranchRow *next, json_t **ret_applied, Error *err) {
  const Carry carry = {
      .context = context, .project = project, .from = tier, .to = next, .label = tier->name};
  AUTO(json_free) json_t *list = NULL;
  AUTO(json_free) json_t *applied = NULL;
  if (!carry_look(&carry, false, &list, err) || !carry_apply(&carry, list, &applied, err))
    return false;
  *ret_applied = STEAL(applied);
  return true;
}
