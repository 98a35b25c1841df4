/* The engine: may this principal do this, here, now? A pure function of the policy and what the
 * caller knows; the same for API, proxy, jobs and schedules. Nothing is allowed unless a rule
 * allows it (docs/policy.md tells the order in which things are judged).
 *
 * One question covers what the action needs as a whole:
 *   branch.fork      forking branch; to.kind NULL: any kind, rules limited to a kind don't count
 *   branch.create    creating to (name, kind) from branch: includes branch.fork of branch
 *   branch.reset     replacing branch's content by what `source` holds: includes forking source
 *   endpoint.repoint the same, source being the snapshot
 *   branch.rename    to.name is the new name
 *   branch.expire    to.expires_at is the new end, 0 for never: judged against the cap
 *   promote, promote.approve, rollback   from is `branch`, the target tier is to.name
 *   policy.apply, principal.manage, audit.read, project.manage   branch isn't looked at
 *   the rest         on branch */
#pragma once

#include "policy/policy.h"

/* Who asks. Strings are borrowed. */
typedef struct PolicyPrincipal {
  const char *name;
  const char *type;         /* "human", "agent", "ci" */
  const char *roles;        /* names joined by commas, as PrincipalRow has them */
  const char *on_behalf_of; /* for whom an agent acts; NULL or "": itself */
  bool is_platform;         /* asked only where no policy is in force; with one, roles count */
  bool is_server;           /* the server itself: schedules and the reaper. May reset a tier whose
                               reset is declared from its declared parent, and delete what expired */
} PolicyPrincipal;

/* A branch and what it was made from. Strings are borrowed. */
typedef struct PolicyBranch {
  const char *name;
  const char *kind;           /* "root", "tier", "feature", "previous", "snapshot", ... */
  const char *tier;           /* the declared tier that it stands for now; NULL: none */
  const char *stood_for;      /* the tier that it stood for until another took its place; or NULL */
  const char *created_by;     /* principal's name; NULL or "": nobody */
  const char *created_for;    /* the one that its creator acted for; NULL or "": itself */
  const char *const *authors; /* of the change on it: claimed, pushed, acted for; may be NULL */
  size_t author_count;
  bool is_protected;  /* by `bough branch protect`: no delete, reset, repoint until unprotected */
  int64_t created_at; /* microseconds since 1970 */
  int64_t expires_at; /* likewise; 0: never */
  const struct PolicyBranch *parent; /* what it was forked from, deleted ones too, up to the root;
                                        NULL: it is a root */
} PolicyBranch;

typedef struct PolicyRequest {
  const PolicyPrincipal *principal;
  PolicyAction action;
  const PolicyBranch *branch; /* may be NULL where it isn't looked at */
  const PolicyBranch *source; /* of a reset or a repoint; NULL: branch's parent */
  struct {
    const char *kind;   /* of the branch that is made */
    const char *name;   /* of the branch that is made or renamed; the tier that is promoted to */
    int64_t expires_at; /* branch.expire, branch.create: the end asked for; 0: never, or the
                           kind's default */
    const char *target; /* branch.create of a kind that goes by its target: that tier */
  } to;
  const char *const *approved_by; /* promote: who approved this very state */
  size_t approved_count;
  const char *const *checks; /* promote: required checks that passed on this very state */
  size_t check_count;
  struct {            /* branch.create: what stands already, live branches */
    int64_t branches; /* of the project */
    int64_t own;      /* of to.kind: those of who asks, or of whom it acts for, agents' included */
  } standing;         /* 0 where it isn't counted yet: policy_limit judges it then */
  int64_t now;        /* microseconds since 1970 */
} PolicyRequest;

typedef struct PolicyDecision {
  bool allowed;
  bool is_limit; /* refused for a number alone: less of it, and it is allowed */
  int rule;      /* index of the rule of allow: that decided; -1: none */
  int line; /* of what decided: that rule, a tier, a kind, a promotion; 0: nothing declared did */
  int fork_line;    /* of the rule that allows the included fork; 0: none was needed */
  char reason[512]; /* allowed: by what. Refused: what is missing, and who could */
} PolicyDecision;

/* policy NULL: none is in force, then only a branch's creator, who it was made for, and the
 * platform may use it, and only the platform manages. */
void policy_decide(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret);

/* The part of branch.create that is about numbers, for who counts while nobody else makes any:
 * to.kind and standing of the request are looked at. */
void policy_limit(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret);

/* The same as an Error: true, or FORBIDDEN with the reason. ret may be NULL. */
CHECKED bool policy_require(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret,
                            Error *err);

/* {"allowed","reason","line"?,"rule"?,"fork_line"?}: what the audit and explain show. Owned by the
 * caller. */
json_t *policy_decision_json(const PolicyDecision *decision);

/* The widest of branch.own > branch.write > branch.read that is allowed on the branch:
 * ACTION_COUNT_ when none is. For sessions: which database role a principal gets. */
PolicyAction policy_session_right(const Policy *policy, const PolicyPrincipal *principal,
                                  const PolicyBranch *branch, int64_t now, PolicyDecision *ret);
