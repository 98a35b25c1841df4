/* The caller of a job, for a while. */
#include "scm/disguise.h"

#include "branch/access.h"

void disguise_release(Disguise *disguise) {
  if (disguise->context == NULL)
    return;
  disguise->context->caller = disguise->before;
  access_begin(disguise->context);
  disguise->context = NULL;
}

void disguise_as(Context *context, const PrincipalRow *principal, Disguise *ret) {
  *ret = (Disguise){.context = context, .before = context->caller};
  context->caller = *principal;
  access_begin(context);
}
