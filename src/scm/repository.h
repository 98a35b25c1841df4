/* The bare repositories of the local forge: $BOUGH_HOME/git/PROJECT-ID.git, the control account's
 * alone. Nobody reaches them but through boughd, which asks here who may.
 *
 * A branch of git stands for a tier (its name is the tier's), or for a database branch of some kind
 * ("feature/inventory-split": branch inventory-split of kind feature). There are no others. */
#pragma once

#include "branch/context.h"
#include "git/git.h"

/* Where it is; owned by the caller. */
char *repository_path(const Context *context, const ProjectRow *project);
/* Makes it if it isn't there; path as above. */
CHECKED bool repository_ensure(Context *context, const ProjectRow *project, char **ret, Error *err);
/* Goes with its project; one that isn't there is fine. */
CHECKED bool repository_remove(Context *context, const ProjectRow *project, Error *err);

/* For the server, now and then: removes what projects that are gone left behind, packs each of the
 * others once a day. ret_events: texts of what went wrong, owned by the caller. */
CHECKED bool repository_keep(Context *context, json_t **ret_events, Error *err);

/* In the built-in forge, where there is code: the tiers of the policy in force that have no git
 * branch get one, with the commit of the tier that they were forked from. For who has just applied
 * it. */
CHECKED bool repository_begin_tiers(Context *context, const ProjectRow *project, Error *err);

/* What a git branch's name says: a tier's (kind is ""), or KIND/NAME. INVALID_NAME for others. */
typedef struct RepositoryName {
  bool is_tier;
  char kind[NAME_MAX_LENGTH + 1];
  char name[NAME_MAX_LENGTH + 1]; /* of the database branch, or of the tier */
} RepositoryName;
CHECKED bool repository_name(Context *context, const ProjectRow *project, const char *git_branch,
                             RepositoryName *ret, Error *err);
/* "feature/inventory-split" for a branch of that kind and name. */
void repository_branch_of(const char *kind, const char *name, char ret[GIT_NAME_SIZE]);

/* The database branch that goes with a git branch: that of a claimed change, else by its name.
 * INVALID_NAME for tiers and for what goes with none. */
CHECKED bool repository_branch(Context *context, const ProjectRow *project, const char *git_branch,
                               BranchRow *ret, Error *err);

/* May the caller fetch? Whoever sees any branch of the project. */
CHECKED bool repository_ask_read(Context *context, const ProjectRow *project, Error *err);

/* One ref that a push would move. Texts are borrowed; oids are full names, zeros for none. */
typedef struct PushedRef {
  const char *ref, *old, *new;
  bool is_forced; /* the old head isn't part of the new one */
} PushedRef;
enum { PUSH_REFS_LIMIT = 16 };

/* May the caller push all of these? Refuses the whole push when it may not push one of them, naming
 * the rule. Records the push (catalog/forge.h has the rows) and who it is as author of each change,
 * before any ref moves, and takes back what was proved of another head. */
CHECKED bool repository_ask_push(Context *context, const ProjectRow *project, const PushedRef *refs,
                                 size_t count, Error *err);
