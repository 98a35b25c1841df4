/* Makes and throws away the branches of a proof. */
#include "migrate/scratch.h"

#include "catalog/expiry.h"
#include "core/str.h"

#include <stdio.h>

#define LIFETIME "2h"

bool scratch_make(Context *context, const ProjectRow *project, const char *parent, bool is_copy,
                  Scratch *ret, Error *err) {
  Scratch scratch = {.context = context, .project = project};
  AUTO(json_free) json_t *made = NULL;
  id_new("verify", scratch.name);
  const BranchRequest request = {.name = scratch.name,
                                 .parent = parent,
                                 .kind = str_equal(context->caller.type, "ci") ? "ci" : "feature",
                                 .ttl = LIFETIME,
                                 .is_copy = is_copy,
                                 .is_scratch = true};
  if (!branch_create(context, project, &request, &made, err))
    return error_prefix(err, "a scratch branch of \"%s\"", parent);
  (void)snprintf(scratch.id, sizeof scratch.id, "%s",
                 json_string_or(json_object_get(made, "branch"), "id", ""));
  *ret = scratch;
  return true;
}

bool scratch_keep(Scratch *scratch, Error *err) {
  ExpiryMaker nobody = {.pid = 0};
  (void)snprintf(nobody.branch, sizeof nobody.branch, "%s", scratch->id);
  if (!expiry_set_maker(scratch->context->catalog, &nobody, err))
    return false;
  *scratch = (Scratch){0};
  return true;
}

void scratch_release(Scratch *scratch) {
  Error ignored = ERROR_INIT;
  AUTO(json_free) json_t *deleted = NULL;
  if (scratch->context != NULL)
    (void)!branch_delete(scratch->context, scratch->project, scratch->name, false, &deleted,
                         &ignored);
  *scratch = (Scratch){0};
}
