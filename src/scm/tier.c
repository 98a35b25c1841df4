/* The lock between what moves a tier and what copies it. */
#include "scm/tier.h"

#include "catalog/promotion.h"
#include "core/str.h"

bool tier_hold(const Context *context, const char *project, const char *tier, LockMode mode,
               int timeout_ms, int *ret, Error *err) {
  AUTO(str_free) char *path = home_path(context->home, "locks/tier-%s-%s", project, tier);
  return lock_take(path, mode, timeout_ms, ret, err) ||
         error_prefix(err, "tier \"%s\" is being changed", tier);
}

bool tier_is_half_way(Context *context, const char *project, const char *tier, bool *ret,
                      Error *err) {
  return promotion_is_half_way(context->catalog, project, tier, ret, err);
}
