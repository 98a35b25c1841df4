/* What the catalog knows of who asks and of branches, in the engine's words. */
#include "branch/access_facts.h"

#include "catalog/policy.h"
#include "core/str.h"

enum { LINEAGE_LIMIT = 1000 };

/* Who set Bough up has no row of roles, but that one. */
static const char *roles_of(const PrincipalRow *row) {
  return row->roles[0] == '\0' && row->is_platform ? "platform" : row->roles;
}

PolicyPrincipal facts_principal(const PrincipalRow *row) {
  return (PolicyPrincipal){.name = row->name,
                           .type = row->type,
                           .roles = roles_of(row),
                           .on_behalf_of = row->on_behalf_of,
                           .is_platform = row->is_platform,
                           .is_server = row->id[0] == '\0' && str_equal(row->name, "system")};
}

static PolicyBranch describe_branch_row(const BranchRow *row) {
  return (PolicyBranch){.name = row->name,
                        .kind = row->kind,
                        .tier = str_or_null(row->tier),
                        .stood_for = str_or_null(row->stood_for),
                        .created_by = row->created_by,
                        .created_for = str_or_null(row->created_for),
                        .is_protected = row->is_protected,
                        .created_at = row->created_at,
                        .expires_at = row->expires_at};
}

void facts_release(Facts *facts) {
  mem_free(facts->rows);
  mem_free(facts->branches);
  mem_free(facts->author_names);
  json_free(facts->authors);
}

static bool add_authors(Context *context, const char *branch, Facts *facts, Error *err) {
  if (!author_list(context->catalog, branch, &facts->authors, err))
    return false;
  size_t count = json_array_size(facts->authors);
  facts->author_names = mem_new(count, sizeof *facts->author_names);
  for (size_t at = 0; at < count; at++)
    facts->author_names[at] = json_string_value(json_array_get(facts->authors, at));
  facts->branches[0].authors = facts->author_names;
  facts->branches[0].author_count = count;
  return true;
}

static bool wants_authors(PolicyAction action) {
  return action == ACTION_PROMOTE || action == ACTION_PROMOTE_APPROVE;
}

bool facts_read(Context *context, const char *branch, PolicyAction action, Facts *ret, Error *err) {
  if (!branch_lineage(context->catalog, branch, &ret->rows, &ret->count, err))
    return false;
  if (ret->count == 0 || ret->count > LINEAGE_LIMIT || !str_equal(ret->rows[0].id, branch))
    return error_set(err, ERROR_CATALOG_INVALID, "the lineage of branch %.40s makes no sense",
                     branch);
  ret->branches = mem_new(ret->count, sizeof *ret->branches);
  for (size_t at = 0; at < ret->count; at++) {
    ret->branches[at] = describe_branch_row(&ret->rows[at]);
    if (at + 1 < ret->count)
      ret->branches[at].parent = &ret->branches[at + 1];
  }
  return !wants_authors(action) || add_authors(context, branch, ret, err);
}

bool facts_look(Context *context, const BranchRow *row, Facts *ret, Error *err) {
  if (row->tier[0] == '\0' && str_equal(row->kind, "snapshot"))
    return facts_read(context, row->id, ACTION_BRANCH_READ, ret, err);
  ret->count = 1;
  ret->branches = mem_new(1, sizeof *ret->branches);
  ret->branches[0] = describe_branch_row(row);
  return true;
}
