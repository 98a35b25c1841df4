/* The declared model of a project: the policy file (bough.yaml) as a value that never changes, the
 * differences of two of them, and the one function that decides (decide.h). Pure: nothing here
 * reads a clock or a catalog, nor a file but the zones of the time zone database, so the command
 * line checks a policy without a server.
 *
 * Numbers are seconds, bytes and counts; 0 says "not declared" unless a field says otherwise. All
 * strings belong to the Policy. Lines count from 1. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

enum {
  POLICY_TEXT_LIMIT = 512 * 1024, /* bytes of a policy file */
  POLICY_DEPTH_LIMIT = 16,        /* nested values */
  POLICY_NODE_LIMIT = 100000,     /* values in a file */
  POLICY_ROLE_LIMIT = 64,
  POLICY_NAME_LIMIT = 256, /* tiers and kinds together */
  POLICY_RULE_LIMIT = 2000,
  POLICY_FINDING_LIMIT = 200,
};

/* Actions in the order of the contract, see action.def. */
typedef enum PolicyAction {
#define POLICY_ACTION(name, text, flags, meaning) ACTION_##name,
#include "policy/action.def"
#undef POLICY_ACTION
  ACTION_COUNT_
} PolicyAction;

const char *policy_action_text(PolicyAction action); /* "branch.fork" */
bool policy_action_find(const char *text, PolicyAction *ret);
const char *policy_action_meaning(PolicyAction action); /* "fork branches from", for messages */

/* Statement classes that pgaudit knows. */
enum {
  AUDIT_READ = 1 << 0,
  AUDIT_WRITE = 1 << 1,
  AUDIT_FUNCTION = 1 << 2,
  AUDIT_ROLE = 1 << 3,
  AUDIT_DDL = 1 << 4,
  AUDIT_MISC = 1 << 5,
};

#define POLICY_IDLE_NEVER INT64_MAX /* "idle: never" */

/* One tier of the parent-of chain. */
typedef struct PolicyTier {
  const char *name;
  const char *parent; /* NULL: the root of the chain; there is exactly one */
  bool is_protected;  /* only promotion changes it */
  int64_t idle_s;
  const char *reset; /* cron expression in the policy's time zone; NULL: never */
  unsigned audit;    /* AUDIT_... */
  int line;
  int reset_line;
} PolicyTier;

/* One kind of ephemeral branch: "feature" (always the first) and the work branches. */
typedef struct PolicyKind {
  const char *name;
  const char *parent; /* the tier (or kind) it forks from; NULL: the tier that the change goes to */
  int64_t ttl_s;      /* given to a new one; 0: lives until it is deleted */
  int64_t ttl_max_s;  /* the longest life, from when it is made; 0: no cap, see
                         policy_ttl_cap */
  int64_t max_per_principal; /* 0: no limit */
  int64_t idle_s;
  int line; /* of its declaration; 0: "feature" of a file that says nothing about it */
} PolicyKind;

/* One row of allow:, as written; the engine uses a compiled form. */
typedef struct PolicyRule {
  json_t *value; /* in the canonical form: {"role":[...],"action":[...],"on":...} */
  int line;
} PolicyRule;

typedef struct PolicyPromotion {
  const char *from; /* a tier or a kind */
  const char *to;   /* a tier: its parent */
  int64_t approvals;
  bool author_may_approve;
  const char **require; /* names of checks, see policy_check_names */
  size_t require_count;
  int line;
} PolicyPromotion;

typedef struct PolicyCommand {
  const char *name; /* "test", "post_check" */
  const char *command;
} PolicyCommand;

typedef struct PolicyRules PolicyRules; /* the compiled form, private */

typedef struct Policy {
  int64_t version;         /* of the format: 1 */
  const char *project;     /* name of the project it is meant for */
  const char *timezone;    /* an IANA name, "UTC" when none is declared */
  const PolicyTier *tiers; /* in the order of the file */
  size_t tier_count;
  const char *entry;       /* the tier that features fork from */
  const PolicyKind *kinds; /* [0] is "feature" */
  size_t kind_count;
  const char *const *roles;
  size_t role_count;
  const PolicyRule *rules;
  size_t rule_count;
  const PolicyPromotion *promotions;
  size_t promotion_count;
  const PolicyCommand *commands;
  size_t command_count;
  bool migrations_idempotent;    /* a migration's file must be one that can be run again */
  const char *migrations_layout; /* of the folder's files, as migration.h names them; NULL: found
                                    out by looking */
  bool tests_from_target;        /* tests that the target has are run as the target has them */
  int64_t keep_snapshots_s;
  int64_t keep_audit_s;
  int limits_line;        /* of limits:, 0: not declared */
  int64_t limit_branches; /* of the project, live ones */
  int64_t limit_branch_bytes;
  int64_t limit_connections;     /* per branch */
  const char *const *extensions; /* the platform installs these when a migration asks */
  size_t extension_count;
  json_t *json; /* the canonical form, see policy_json */
  PolicyRules *compiled;
} Policy;

/* One thing that is wrong in a file. */
typedef struct PolicyFinding {
  int line; /* from 1, as is column (in characters) */
  int column;
  char *message;  /* "tier \"staging\" has no parent named \"prod\"" */
  char *expected; /* "one of: production"; "" when there is nothing to say */
} PolicyFinding;

typedef struct PolicyFindings { /* {0} is empty; sorted by place once parsed */
  PolicyFinding *items;
  size_t count;
  size_t capacity;
} PolicyFindings;
void policy_findings_release(PolicyFindings *findings);
/* [{"line","column","message","expected"}], owned by the caller. */
json_t *policy_findings_json(const PolicyFindings *findings);
/* "FILE:LINE:COLUMN: message (expected ...)\n" for each, owned by the caller. */
char *policy_findings_text(const PolicyFindings *findings, const char *file);

/* Reads and checks a policy file. POLICY_INVALID when anything is wrong: ret_findings (never NULL,
 * must be empty) then holds all of it, the message of err the first. Store the text: parsing it
 * again gives the same policy with the same lines. */
CHECKED bool policy_parse(const char *text, size_t length, Policy **ret,
                          PolicyFindings *ret_findings, Error *err);
void policy_free(Policy *policy);
DEFINE_AUTO(Policy *, policy_free)

/* The same model for the same meaning: every default written out, durations and sizes as numbers,
 * lists of one for single words, keys sorted, no lines. Borrowed. */
const json_t *policy_json(const Policy *policy);

/* NULL: not declared. */
const PolicyTier *policy_tier(const Policy *policy, const char *name);
const PolicyKind *policy_kind(const Policy *policy, const char *name);
const PolicyPromotion *policy_promotion(const Policy *policy, const char *from, const char *to);
const char *policy_command(const Policy *policy, const char *name);
bool policy_has_role(const Policy *policy, const char *role);
bool policy_has_extension(const Policy *policy, const char *extension);

/* What a branch of that kind is forked from unless told otherwise, and the only thing it may be
 * forked from: a tier or, where a work branch is declared so, another kind. NULL: the kind isn't
 * declared, or goes by its target. */
const char *policy_parent_of_kind(const Policy *policy, const char *kind);
/* The longest life of a branch of that kind, counted from when it was made: ttl_max, else ttl where
 * one is declared, else 0 for no cap. */
int64_t policy_ttl_cap(const Policy *policy, const char *kind);
/* How long what promotions, rollbacks and resets leave is kept, in seconds: keep.snapshots, a week
 * where it isn't declared. policy may be NULL. */
int64_t policy_keep_snapshots(const Policy *policy);

/* What changes between two policies, as an array, in the order of the file:
 *   {"path":"tiers.staging.idle", "change":"added"|"removed"|"changed", "before", "after",
 *    "effect":"widens"|"narrows"|"changes", "meaning":"one sentence for people"}
 * before may be NULL: no policy was in force. Owned by the caller. */
json_t *policy_difference(const Policy *before, const Policy *after);
/* One line per change: "+", "-" or "~", path, meaning. Owned by the caller. */
char *policy_difference_text(const json_t *difference);
