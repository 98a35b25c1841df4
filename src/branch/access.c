/* Loads the policy in force, asks the engine, and asks again before the step. */
#include "branch/access.h"

#include "branch/access_facts.h"
#include "branch/audit.h"
#include "catalog/access.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

enum {
  CACHE_SIZE = 16, /* projects whose policy a worker keeps */
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
  int64_t branches, own;
  json_t *approved_by, *checks; /* owned */
  int version;                  /* of the policy that allowed it */
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

static void asked_release(Asked *asked) {
  json_free(asked->approved_by);
  json_free(asked->checks);
}

static void forget(Access *access) {
  for (size_t at = 0; at < access->count; at++)
    asked_release(&access->asked[at]);
  access->count = 0;
}

void access_free(Access *access) {
  if (access == NULL)
    return;
  for (size_t at = 0; at < CACHE_SIZE; at++)
    policy_free(access->cache[at].policy);
  forget(access);
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
  forget(access);
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

/* ---- asking ---- */

static void copy_name(char ret[NAME_MAX_LENGTH + 1], const char *text) {
  (void)snprintf(ret, NAME_MAX_LENGTH + 1, "%s", text != NULL ? text : "");
}

/* What it holds is to be released, or kept. */
static Asked remember(const AccessQuestion *question) {
  Asked asked = {.action = question->action,
                 .expires_at = question->expires_at,
                 .branches = question->branches,
                 .own = question->own,
                 .approved_by = json_incref((json_t *)question->approved_by),
                 .checks = json_incref((json_t *)question->checks)};
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

/* The texts are borrowed. */
static const char **names_of(const json_t *list, size_t *ret_count) {
  size_t count = json_array_size(list);
  const char **names = mem_new(count + 1, sizeof *names);
  for (size_t at = 0; at < count; at++)
    names[at] = json_string_value(json_array_get(list, at));
  *ret_count = count;
  return names;
}

static void decide_with(const Policy *policy, PolicyRequest *request, const Asked *asked,
                        PolicyDecision *ret) {
  const char **approved_by = names_of(asked->approved_by, &request->approved_count);
  const char **checks = names_of(asked->checks, &request->check_count);
  request->approved_by = approved_by;
  request->checks = checks;
  policy_decide(policy, request, ret);
  mem_free(approved_by);
  mem_free(checks);
}

static bool evaluate(Context *context, const PrincipalRow *row, const Asked *asked,
                     const Policy *policy, PolicyDecision *ret, Error *err) {
  AUTO_RELEASE(facts_release) Facts branch = {0};
  AUTO_RELEASE(facts_release) Facts source = {0};
  PolicyPrincipal principal = facts_principal(row);
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
                           .standing = {asked->branches, asked->own},
                           .now = clock_wall_us()};
  decide_with(policy, &request, asked, ret);
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
  (void)error_set(err, decision->is_limit ? ERROR_LIMIT_REACHED : ERROR_FORBIDDEN, "%s",
                  decision->reason);
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
  AUTO_RELEASE(asked_release) Asked asked = remember(question);
  PolicyDecision decision;
  if (!decide(context, &context->caller, &asked, &decision, err))
    return false;
  note(context, &asked, &decision);
  if (!decision.allowed)
    return refuse(&decision, &asked, err);
  keep(context->access, &asked, &decision);
  asked.approved_by = asked.checks = NULL;
  return true;
}

bool access_explain(Context *context, const PrincipalRow *principal, const AccessQuestion *question,
                    PolicyDecision *ret, int *ret_version, Error *err) {
  AUTO_RELEASE(asked_release) Asked asked = remember(question);
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

/* Removing a principal, or revoking its token, waits for those that are at this point; whoever
 * comes later goes no further. */
static bool hold_caller(Context *context, Error *err) {
  bool there = false;
  if (context->caller.id[0] == '\0') /* the server itself */
    return true;
  if (!token_hold(context->catalog, context->caller.id, context->caller_token, &there, err))
    return false;
  return there ||
         error_set(err, ERROR_UNAUTHENTICATED, "\"%s\" was removed meanwhile, or its token revoked",
                   context->caller.name);
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
  return hold_caller(context, err);
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
