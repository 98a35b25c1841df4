/* Who may do what: the one place that asks. It loads the policy in force, tells the engine
 * (policy/decide.h) what the catalog knows of caller and branches, and hands back its decision.
 * API, proxy, jobs and schedules all come by here.
 *
 * What was allowed is remembered for the request at hand: operation_begin writes the version and
 * the rule to its row, and access_confirm decides all of it again right before a step that can't be
 * taken back. */
#pragma once

#include "branch/context.h"
#include "policy/decide.h"

/* The policies that this worker has read, and what it was asked in this request. */
typedef struct Access Access;
Access *access_new(void);
void access_free(Access *access);
/* For the next request: forgets what was asked. */
void access_begin(Context *context);

/* A question, as decide.h explains it. Only action is always there. */
typedef struct AccessQuestion {
  PolicyAction action;
  const char *project;     /* id, for actions of a whole project; else branch's. NULL without a
                              branch: the whole installation, which no policy rules: the platform's */
  const BranchRow *branch; /* that it is about; of a create: the one that is forked */
  const BranchRow *source; /* of a reset or repoint; NULL: the parent */
  const char *kind;        /* of what is made */
  const char *name;        /* of what is made, the new name, or the tier that is promoted to */
  const char *target;      /* tier, for kinds that go by their target */
  int64_t expires_at;
  int64_t branches, own; /* of a create: what stands, see decide.h; 0: counted later, by limit.h */
  const json_t *approved_by; /* of promote: names of those who approved this very state; borrowed */
  const json_t *checks;      /* of promote: those that passed on it; borrowed */
} AccessQuestion;

/* FORBIDDEN with the reason. */
CHECKED bool access_ask(Context *context, const AccessQuestion *question, Error *err);
/* The same for somebody else and without consequences: for explain. */
CHECKED bool access_explain(Context *context, const PrincipalRow *principal,
                            const AccessQuestion *question, PolicyDecision *ret, int *ret_version,
                            Error *err);
/* For actions on a standing branch. */
CHECKED bool access_branch(Context *context, PolicyAction action, const BranchRow *branch,
                           Error *err);
/* For what belongs to no project. */
CHECKED bool access_system(Context *context, PolicyAction action, Error *err);
/* Whether the caller manages the whole installation: sees what belongs to no project of its own. */
bool access_is_platform(const Context *context);

/* Inside of a transaction, before its first write: holds the policies in force until it ends, and
 * decides again where one has changed since; holds the caller and its token, too. */
CHECKED bool access_confirm(Context *context, Error *err);

/* Whether this request asked for that action, and was allowed. */
bool access_was_asked(const Context *context, PolicyAction action);
/* Of the last question: for the operation's row. The text is borrowed. */
int access_version(const Context *context);
const char *access_rule(const Context *context);

/* Whether the caller may do anything with the branch: others are told that it isn't there. What
 * can't be decided isn't seen. */
bool access_sees(Context *context, const BranchRow *branch);
/* Whether it may do that, for what is shown: nothing is remembered. Not for actions that depend on
 * more than the branch. */
bool access_may(Context *context, PolicyAction action, const BranchRow *branch);

/* Whether the principal may read the audit, which is of all projects: all of their policies say so.
 */
CHECKED bool access_may_read_audit(Context *context, const PrincipalRow *principal, bool *ret,
                                   Error *err);

/* What a session on a branch is let do, by the decision's words "read", "write", "own". */
typedef enum AccessRight { RIGHT_NONE, RIGHT_READ, RIGHT_WRITE, RIGHT_OWN } AccessRight;
const char *access_right_text(AccessRight right);
bool access_right_find(const char *text, AccessRight *ret);
/* *ret_version: of the policy that said so. */
CHECKED bool access_session(Context *context, const PrincipalRow *principal,
                            const BranchRow *branch, AccessRight *ret, int *ret_version,
                            Error *err);

/* Looks up anew which one is in force: this request has changed it. */
void access_refresh(Context *context);
/* The policy in force, borrowed until the next request; NULL: none is. */
CHECKED bool access_policy(Context *context, const char *project, const Policy **ret,
                           int *ret_version, Error *err);
