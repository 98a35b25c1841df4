/* Facts for the engine (policy/decide.h), read from the catalog: who asks, and about what. What
 * they point to is the rows', which must outlive them. */
#pragma once

#include "branch/context.h"
#include "policy/decide.h"

/* Borrows from the row. */
PolicyPrincipal facts_principal(const PrincipalRow *row);

/* A branch with all that it was made from and who changed it. {0} holds nothing. */
typedef struct Facts {
  BranchRow *rows;
  PolicyBranch *branches; /* the first is the branch */
  size_t count;
  json_t *authors;
  const char **author_names;
} Facts;
void facts_release(Facts *facts);

/* As much as an action asks for. ret is {0} before, and is to be released after a failure, too:
 * CATALOG_INVALID when the lineage makes no sense. branch: id. */
CHECKED bool facts_read(Context *context, const char *branch, PolicyAction action, Facts *ret,
                        Error *err);

/* As far as looking at the branch goes: that depends on the branch alone, unless it is a snapshot,
 * which shows what another one holds. Borrows from row; otherwise as facts_read. */
CHECKED bool facts_look(Context *context, const BranchRow *row, Facts *ret, Error *err);
