/* Loads the policy in force and asks the engine. */
#include "branch/access.h"

#include "branch/audit.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

enum {
  CACHE_SIZE = 16, /* projects whose policy a worker keeps */
  LINEAGE_LIMIT = 1000,
};

typedef struct Cached {
  char project[ID_SIZE];
  int version;
  Policy *policy; /* NULL: version 0 */
  bool is_fresh;  /* the version was looked up in this request */
  uint64_t used;
} Cached;

/* A question that outlives its caller's rows: they are read again when it is asked again. */
typedef struct Asked {
  PolicyAction action;
  char project[ID_SIZE]; /* "": the installation */
  char branch[ID_SIZE];
  char source[ID_SIZE];
  char kind[NAME_MAX_LENGTH + 1];
  char name[NAME_MAX_LENGTH + 1];
  char target[NAME_MAX_LENGTH + 1];
  int64_t expires_at;
  int version; /* of the policy that allowed it */
} Asked;

struct Access {
  Cached cache[CACHE_SIZE];
  uint64_t clock;
  Asked *asked;
  size_t count, capacity;
  PolicyDecision last;
};

Access *access_new(void) {
  return mem_new(1, sizeof(Access));
}

void access_free(Access *access) {
  if (access == NULL)
    return;
  for (size_t at = 0; at < CACHE_SIZE; at++)
    policy_free(access->cache[at].policy);
  mem_free(access->asked);
  mem_free(access);
}

void access_refresh(Context *context) {
  for (size_t at = 0; at < CACHE_SIZE; at++)
    context->access->cache[at].is_fresh = false;
}

void access_begin(Context *context) {
  Access *access = context->access;
  access_refresh(context);
  access->count = 0;
  access->last = (PolicyDecision){.rule = -1};
}

/* ---- the policy in force ---- */

static Cached *cache_place(Access *access, const char *project) {
  Cached *oldest = &access->cache[0];
  for (size_t at = 0; at < CACHE_SIZE; at++) {
    if (str_equal(access->cache[at].project, project))
      return &access->cache[at];
    if (access->cache[at].used < oldest->used)
      oldest = &access->cache[at];
  }
  policy_free(oldest->policy);
  *oldest = (Cached){.version = -1};
  (void)snprintf(oldest->project, sizeof oldest->project, "%s", project);
  return oldest;
}

/* One that this build can't read refuses everything: what it forbade isn't known. */
static bool read_policy(Context *context, const char *project, int version, Policy **ret,
                        Error *err) {
  AUTO_RELEASE(policy_version_release) PolicyVersionRow row = {0};
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  if (version == 0) {
    *ret = NULL;
    return true;
  }
  return policy_version_get(context->catalog, project, version, &row, err) &&
         (policy_parse(row.content, strlen(row.content), ret, &findings, err) ||
          error_prefix(err, "the policy in force (version %d)", version));
}

static bool look_up(Context *context, const char *project, PolicyLock lock, Cached **ret,
                    Error *err) {
  Cached *cached = cache_place(context->access, project);
  int version = cached->version;
  cached->used = ++context->access->clock;
  if (lock != POLICY_LOOK || !cached->is_fresh) {
    Policy *policy = NULL;
    if (!policy_head(context->catalog, project, lock, &version, err))
      return false;
    if (version != cached->version) {
      if (!read_policy(context, project, version, &policy, err))
        return false;
      policy_free(cached->policy);
      cached->policy = policy;
      cached->version = version;
    }
    cached->is_fresh = true;
  }
  *ret = cached;
  return true;
}

bool access_policy(Context *context, const char *project, const Policy **ret, int *ret_version,
                   Error *err) {
  Cached *cached = NULL;
  if (!look_up(context, project, POLICY_LOOK, &cached, err))
    return false;
  *ret = cached->policy;
  if (ret_version != NULL)
    *ret_version = cached->version;
  return true;
}

/* ---- what the catalog knows, in the engine's words ---- */

/* Who set Bough up has no row of roles, but that one. */
static const char *roles_of(const PrincipalRow *row) {
  return row->roles[0] == '\0' && row->is_platform ? "platform" : row->roles;
}

static PolicyPrincipal describe_principal(const PrincipalRow *row) {
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
                        .created_by = row->created_by,
                        .created_for = str_or_null(row->created_for),
                        .is_protected = row->is_protected,
                        .expires_at = row->expires_at};
}

/* A branch with all that it was made from and who changed it. */
typedef struct Facts {
  BranchRow *rows;
  PolicyBranch *branches; /* the first is the branch */
  size_t count;
  json_t *authors;
  const char **author_names;
} Facts;

static void facts_release(Facts *facts) {
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

static bool facts_read(Context *context, const char *branch, PolicyAction action, Facts *ret,
                       Error *err) {
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

/* ---- asking ---- */

static void copy_name(char ret[NAME_MAX_LENGTH + 1], const char *text) {
  (void)snprintf(ret, NAME_MAX_LENGTH + 1, "%s", text != NULL ? text : "");
}

static Asked remember(const AccessQuestion *question) {
  Asked asked = {.action = question->action, .expires_at = question->expires_at};
  const char *project = question->branch != NULL ? question->branch->project : question->project;
  (void)snprintf(asked.project, sizeof asked.project, "%s", project != NULL ? project : "");
  if (question->branch != NULL)
    (void)snprintf(asked.branch, sizeof asked.branch, "%s", question->branch->id);
  if (question->source != NULL)
    (void)snprintf(asked.source, sizeof asked.source, "%s", question->source->id);
  copy_name(asked.kind, question->kind);
  copy_name(asked.name, question->name);
  copy_name(asked.target, question->target);
  return asked;
}

/* Who set Bough up can always bring another policy: one that lets nobody do so isn't the end. */
static bool may_always(const Context *context, const PrincipalRow *principal, PolicyAction action) {
  return action == ACTION_POLICY_APPLY && principal->id[0] != '\0' &&
         principal->os_uid == (int64_t)context->home->owner_uid;
}

static bool evaluate(Context *context, const PrincipalRow *row, const Asked *asked,
                     const Policy *policy, PolicyDecision *ret, Error *err) {
  AUTO_RELEASE(facts_release) Facts branch = {0};
  AUTO_RELEASE(facts_release) Facts source = {0};
  PolicyPrincipal principal = describe_principal(row);
  if ((asked->branch[0] != '\0' &&
       !facts_read(context, asked->branch, asked->action, &branch, err)) ||
      (asked->source[0] != '\0' &&
       !facts_read(context, asked->source, asked->action, &source, err)))
    return false;
  PolicyRequest request = {.principal = &principal,
                           .action = asked->action,
                           .branch = branch.branches,
                           .source = source.branches,
                           .to = {.kind = str_or_null(asked->kind),
                                  .name = str_or_null(asked->name),
                                  .expires_at = asked->expires_at,
                                  .target = str_or_null(asked->target)},
                           .now = clock_wall_us()};
  policy_decide(policy, &request, ret);
  return true;
}

/* *ret is the decision, whatever it is. */
static bool decide(Context *context, const PrincipalRow *principal, Asked *asked,
                   PolicyDecision *ret, Error *err) {
  Cached *cached = NULL;
  if (may_always(context, principal, asked->action)) {
    *ret = (PolicyDecision){.allowed = true, .rule = -1};
    (void)snprintf(ret->reason, sizeof ret->reason, "who set Bough up may always apply a policy");
    return true;
  }
  if (asked->project[0] != '\0' && !look_up(context, asked->project, POLICY_LOOK, &cached, err))
    return false;
  asked->version = cached != NULL ? cached->version : 0;
  return evaluate(context, principal, asked, cached != NULL ? cached->policy : NULL, ret, err);
}

static void keep(Access *access, const Asked *asked, const PolicyDecision *decision) {
  if (access->count == access->capacity) {
    access->capacity = access->capacity * 2 + 8;
    access->asked = mem_resize(access->asked, access->capacity, sizeof *access->asked);
  }
  access->asked[access->count++] = *asked;
  access->last = *decision;
}

static bool refuse(const PolicyDecision *decision, const Asked *asked, Error *err) {
  (void)error_set(err, ERROR_FORBIDDEN, "%s", decision->reason);
  return asked->version == 0
             ? error_hint(err, "ask a principal with the role platform")
             : error_hint(err, "by the policy in force, version %d: `bough policy show`",
                          asked->version);
}

/* For the audit: by which version it was decided, and by which line of it. */
static void note(Context *context, const Asked *asked, const PolicyDecision *decision) {
  audit_note(context, "policy_version", json_integer(asked->version));
  if (decision->line > 0)
    audit_note(context, "policy_line", json_integer(decision->line));
  if (asked->project[0] != '\0')
    audit_about(context, asked->project, asked->branch[0] != '\0' ? asked->branch : NULL);
}

bool access_ask(Context *context, const AccessQuestion *question, Error *err) {
  Asked asked = remember(question);
  PolicyDecision decision;
  if (!decide(context, &context->caller, &asked, &decision, err))
    return false;
  note(context, &asked, &decision);
  if (!decision.allowed)
    return refuse(&decision, &asked, err);
  keep(context->access, &asked, &decision);
  return true;
}

bool access_explain(Context *context, const PrincipalRow *principal, const AccessQuestion *question,
                    PolicyDecision *ret, int *ret_version, Error *err) {
  Asked asked = remember(question);
  if (!decide(context, principal, &asked, ret, err))
    return false;
  *ret_version = asked.version;
  return true;
}

bool access_branch(Context *context, PolicyAction action, const BranchRow *branch, Error *err) {
  return access_ask(context, &(AccessQuestion){.action = action, .branch = branch}, err);
}

/* The audit is of all projects: who may read that of each may read all of it. */
static bool ask_all_projects(Context *context, PolicyAction action, bool *ret_asked, Error *err) {
  ProjectRow *rows = NULL;
  size_t count = 0;
  if (!project_list(context->catalog, &rows, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; at < count; at++) {
    const AccessQuestion question = {.action = action, .project = rows[at].id};
    ok = ok && access_ask(context, &question, err);
    project_row_release(&rows[at]);
  }
  mem_free(rows);
  *ret_asked = count > 0;
  return ok;
}

bool access_system(Context *context, PolicyAction action, Error *err) {
  bool asked = false;
  if (action == ACTION_AUDIT_READ && !context->caller.is_platform &&
      !ask_all_projects(context, action, &asked, err))
    return false;
  return asked || access_ask(context, &(AccessQuestion){.action = action}, err);
}

bool access_is_platform(const Context *context) {
  return context->caller.is_platform;
}

/* ---- before the step ---- */

/* What was decided by another version is decided by this one. */
static bool decide_again(Context *context, Asked *asked, Error *err) {
  PolicyDecision decision;
  if (!decide(context, &context->caller, asked, &decision, err))
    return false;
  if (!decision.allowed)
    return refuse(&decision, asked, err);
  context->access->last = decision;
  return true;
}

/* The lock comes first in every transaction that has it, so nobody waits in a circle. */
bool access_confirm(Context *context, Error *err) {
  const char *held = "";
  Cached *cached = NULL;
  for (size_t at = 0; at < context->access->count; at++) {
    Asked *asked = &context->access->asked[at];
    if (asked->project[0] == '\0')
      continue;
    if (!str_equal(held, asked->project) &&
        !look_up(context, asked->project, POLICY_HOLD, &cached, err))
      return false;
    held = asked->project;
    if (cached->version != asked->version && !decide_again(context, asked, err))
      return false;
  }
  return true;
}

bool access_was_asked(const Context *context, PolicyAction action) {
  for (size_t at = 0; at < context->access->count; at++)
    if (context->access->asked[at].action == action)
      return true;
  return false;
}

int access_version(const Context *context) {
  const Access *access = context->access;
  return access->count > 0 ? access->asked[access->count - 1].version : 0;
}

const char *access_rule(const Context *context) {
  return context->access->last.reason;
}

/* ---- looking ---- */

static const char *const right_texts[] = {"none", "read", "write", "own"};

const char *access_right_text(AccessRight right) {
  return right_texts[right];
}

bool access_right_find(const char *text, AccessRight *ret) {
  for (AccessRight right = RIGHT_NONE; right <= RIGHT_OWN; right++)
    if (str_equal(right_texts[right], text)) {
      *ret = right;
      return true;
    }
  return false;
}

static AccessRight right_of(PolicyAction action) {
  switch (action) {
  case ACTION_BRANCH_READ:
    return RIGHT_READ;
  case ACTION_BRANCH_WRITE:
    return RIGHT_WRITE;
  case ACTION_BRANCH_OWN:
    return RIGHT_OWN;
  default:
    return RIGHT_NONE;
  }
}

/* The branch as far as looking at it goes: it depends on the branch alone, unless that is a
 * snapshot, which shows what another one holds. */
static bool facts_look(Context *context, const BranchRow *row, Facts *ret, Error *err) {
  if (row->tier[0] == '\0' && str_equal(row->kind, "snapshot"))
    return facts_read(context, row->id, ACTION_BRANCH_READ, ret, err);
  ret->count = 1;
  ret->branches = mem_new(1, sizeof *ret->branches);
  ret->branches[0] = describe_branch_row(row);
  return true;
}

bool access_session(Context *context, const PrincipalRow *principal, const BranchRow *branch,
                    AccessRight *ret, int *ret_version, Error *err) {
  Cached *cached = NULL;
  PolicyDecision decision;
  PolicyPrincipal who = describe_principal(principal);
  AUTO_RELEASE(facts_release) Facts facts = {0};
  if (!look_up(context, branch->project, POLICY_LOOK, &cached, err) ||
      !facts_look(context, branch, &facts, err))
    return false;
  *ret = right_of(
      policy_session_right(cached->policy, &who, facts.branches, clock_wall_us(), &decision));
  *ret_version = cached->version;
  return true;
}

/* A way by which the caller may do something with a branch. */
typedef struct Way {
  PolicyAction action;
  const char *kind; /* of forks */
  const char *to;   /* of promotions */
} Way;

static bool is_open(const Policy *policy, const PolicyPrincipal *who, const PolicyBranch *what,
                    const Way *way) {
  PolicyDecision decision;
  const PolicyRequest request = {.principal = who,
                                 .action = way->action,
                                 .branch = what,
                                 .to = {.kind = way->kind, .name = way->to},
                                 .now = clock_wall_us()};
  policy_decide(policy, &request, &decision);
  return decision.allowed;
}

static bool is_any_open(const Policy *policy, const PolicyPrincipal *who,
                        const PolicyBranch *what) {
  for (PolicyAction action = 0; action <= ACTION_CI_REPORT; action++)
    if (is_open(policy, who, what, &(Way){.action = action}))
      return true;
  for (size_t at = 0; policy != NULL && at < policy->kind_count; at++)
    if (is_open(policy, who, what,
                &(Way){.action = ACTION_BRANCH_FORK, .kind = policy->kinds[at].name}))
      return true;
  for (size_t at = 0; policy != NULL && at < policy->promotion_count; at++)
    for (PolicyAction action = ACTION_PROMOTE; action <= ACTION_ROLLBACK; action++)
      if (is_open(policy, who, what, &(Way){.action = action, .to = policy->promotions[at].to}))
        return true;
  return false;
}

/* That there are tiers the policy says itself, to all who have a role in it. */
static bool sees_tiers(const Policy *policy, const char *roles) {
  for (size_t at = 0; policy != NULL && at < policy->role_count; at++) {
    size_t length = strlen(policy->roles[at]);
    for (const char *role = roles; role != NULL && *role != '\0';) {
      size_t end = strcspn(role, ",");
      if (end == length && strncmp(role, policy->roles[at], length) == 0)
        return true;
      role += end + (role[end] == ',');
    }
  }
  return false;
}

bool access_sees(Context *context, const BranchRow *branch) {
  Error ignored = ERROR_INIT;
  const Policy *policy = NULL;
  PolicyPrincipal who = describe_principal(&context->caller);
  AUTO_RELEASE(facts_release) Facts facts = {0};
  return who.is_server || (access_policy(context, branch->project, &policy, NULL, &ignored) &&
                           ((branch->tier[0] != '\0' && sees_tiers(policy, who.roles)) ||
                            (facts_look(context, branch, &facts, &ignored) &&
                             is_any_open(policy, &who, facts.branches))));
}

bool access_may(Context *context, PolicyAction action, const BranchRow *branch) {
  Error ignored = ERROR_INIT;
  const Policy *policy = NULL;
  PolicyPrincipal who = describe_principal(&context->caller);
  AUTO_RELEASE(facts_release) Facts facts = {0};
  return access_policy(context, branch->project, &policy, NULL, &ignored) &&
         facts_look(context, branch, &facts, &ignored) &&
         is_open(policy, &who, facts.branches, &(Way){.action = action});
}
