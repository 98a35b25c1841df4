/* Declared policies and what hangs on them: lakebase.policies, policy_heads, tiers, authors. The
 * rows are kept here; what a policy says is src/policy's, and who asks it src/branch/access.h. */
#pragma once

#include "catalog/catalog.h"

typedef struct PolicyVersionRow {
  int version; /* from 1 */
  char applied_by[NAME_MAX_LENGTH + 1];
  int64_t applied_at;
  char *content;     /* the file as it was sent; NULL in lists */
  json_t *canonical; /* likewise */
} PolicyVersionRow;
void policy_version_release(PolicyVersionRow *row);

typedef enum PolicyLock {
  POLICY_LOOK,   /* no lock */
  POLICY_HOLD,   /* shared, until the transaction ends: nobody applies another version meanwhile */
  POLICY_CHANGE, /* exclusive: waits for those who hold it */
} PolicyLock;
/* The version in force in a project, 0: none. PROJECT_NOT_FOUND. */
CHECKED bool policy_head(Catalog *catalog, const char *project, PolicyLock lock, int *ret,
                         Error *err);

/* NOTHING_TO_DO where that version never was. */
CHECKED bool policy_version_get(Catalog *catalog, const char *project, int version,
                                PolicyVersionRow *ret, Error *err);
/* The newest first. */
CHECKED bool policy_version_list(Catalog *catalog, const char *project, PolicyVersionRow **ret,
                                 size_t *ret_count, Error *err);
/* Stores the version after the one in force, and puts it in force. For who holds POLICY_CHANGE. */
CHECKED bool policy_version_add(Catalog *catalog, const char *project, const char *content,
                                const json_t *canonical, const char *by, int *ret_version,
                                Error *err);

/* Lets the branch stand for the tier; the one that did so doesn't any more. */
CHECKED bool tier_bind(Catalog *catalog, const char *project, const char *tier, const char *branch,
                       Error *err);
/* Makes it a tier's branch: nobody's but owner's, a principal's name, and without an end. */
CHECKED bool tier_take(Catalog *catalog, const char *branch, const char *owner, Error *err);
/* Of the branch that stands for it. */
CHECKED bool tier_set_protected(Catalog *catalog, const char *project, const char *tier,
                                bool is_protected, Error *err);
/* A repoint: whatever tier the branch stands for, the other one does from now on. */
CHECKED bool tier_move(Catalog *catalog, const char *from_branch, const char *to_branch,
                       Error *err);
/* Frees the branches of all tiers but those named (an array of strings). */
CHECKED bool tier_unbind_others(Catalog *catalog, const char *project, const json_t *names,
                                Error *err);
/* The branch that stands for a tier, if there is one that isn't deleted; *ret_found. */
CHECKED bool tier_branch(Catalog *catalog, const char *project, const char *tier, BranchRow *ret,
                         bool *ret_found, Error *err);

/* The branch itself, its parent, and so on up to the root, deleted ones too. */
CHECKED bool branch_lineage(Catalog *catalog, const char *id, BranchRow **ret, size_t *ret_count,
                            Error *err);

/* Of the change on a branch; adding one twice is fine. */
CHECKED bool author_add(Catalog *catalog, const char *branch, const char *principal, Error *err);
/* A change has become part of another branch: its authors are that one's, from now on. */
CHECKED bool author_carry(Catalog *catalog, const char *from, const char *to, Error *err);
/* All that was on the branch before that time has gone on. */
CHECKED bool author_forget(Catalog *catalog, const char *branch, int64_t before, Error *err);
CHECKED bool author_list(Catalog *catalog, const char *branch, json_t **ret, Error *err);

/* Live branches of the project, counted while no other create is between its count and its insert:
 * the lock ends with the transaction. ret_person: those of kind that person made, or had an agent
 * make. */
CHECKED bool branch_count_held(Catalog *catalog, const char *project, const char *kind,
                               const char *person, int64_t *ret_all, int64_t *ret_person,
                               Error *err);

/* An open session on one of the project's branches. */
typedef struct OpenSession {
  char id[ID_SIZE];
  char branch[ID_SIZE];
  char principal[ID_SIZE];
  char access[8]; /* "read", "write", "own" */
} OpenSession;
/* Those on the catalog itself; they have no branch. */
CHECKED bool session_list_system(Catalog *catalog, OpenSession **ret, size_t *ret_count,
                                 Error *err);
CHECKED bool session_list_open(Catalog *catalog, const char *project, OpenSession **ret,
                               size_t *ret_count, Error *err);
