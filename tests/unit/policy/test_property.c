/* No sequence of allowed actions gives a principal what is refused to it in one step: random walks
 * over a small model of branches, in which what a branch really holds is tracked apart from what
 * the engine is told. */
#include "policies.h"

#include <stdlib.h>

enum { MODEL_BRANCHES = 80, WALKS = 2500, STEPS = 30, NAME_SIZE = 16, LIVE_LIMIT = 60 };

#define DAY_US INT64_C(86400000000)
#define START (INT64_C(20000) * DAY_US)

typedef struct ModelBranch {
  PolicyBranch told; /* what the engine is told of it */
  char name[NAME_SIZE];
  bool is_gone;
  unsigned holds; /* bits of the tiers whose data it holds */
  unsigned writes;
  bool made_by_walker; /* by create, reset or repoint, in this walk */
  const char *authors[1];
} ModelBranch;

typedef struct Model {
  const Policy *policy;
  ModelBranch branches[MODEL_BRANCHES];
  size_t count;
  size_t initial; /* branches that stood before the walk */
  const PolicyPrincipal *walker;
  int64_t now;
  uint64_t random;
  size_t allowed[ACTION_COUNT_];
} Model;

static const PolicyPrincipal walkers[] = {
    {.name = "ann", .type = "human", .roles = "developer"},
    {.name = "ag", .type = "agent", .roles = "agent", .on_behalf_of = "ann"},
    {.name = "bot", .type = "ci", .roles = "ci"},
    {.name = "rev", .type = "human", .roles = "reviewer"},
    {.name = "duo", .type = "human", .roles = "developer,reviewer"},
    {.name = "rm", .type = "human", .roles = "release-manager"},
    {.name = "mix", .type = "human", .roles = "developer,release-manager,reviewer,tester,dba"},
    {.name = "dora", .type = "human", .roles = "dba"},
    {.name = "tess", .type = "human", .roles = "tester"},
    {.name = "root", .type = "human", .roles = "platform"},
    {.name = "all", .type = "agent", .roles = "developer,agent,ci,reviewer,analyst,tester"},
};

static uint64_t draw(Model *model, uint64_t below) {
  model->random ^= model->random << 13;
  model->random ^= model->random >> 7;
  model->random ^= model->random << 17;
  return model->random % below;
}

/* The model
 * ----------------------------------------------------------------------------------------- */

/* The weakest reading of "tier": whoever has its name is it. */
static void name_branch(Model *model, ModelBranch *branch, const char *name) {
  (void)snprintf(branch->name, sizeof branch->name, "%s", name);
  branch->told.name = branch->name;
  branch->told.tier = policy_tier(model->policy, name) != NULL ? branch->name : NULL;
}

static ModelBranch *add(Model *model, const char *name, const char *kind, const char *parent,
                        const char *by) {
  ModelBranch *branch = &model->branches[model->count++];
  *branch = (ModelBranch){.told = {.kind = kind, .created_by = by, .created_at = model->now}};
  name_branch(model, branch, name);
  for (size_t at = 0; parent != NULL && at < model->count; at++)
    if (str_equal(model->branches[at].name, parent)) {
      branch->told.parent = &model->branches[at].told;
      branch->holds = model->branches[at].holds;
    }
  return branch;
}

static void begin(Model *model, const Policy *policy, uint64_t seed) {
  *model = (Model){.policy = policy, .now = START, .random = seed * 0x9E3779B97F4A7C15u + 1};
  add(model, "production", "root", NULL, "root")->holds = 1;
  add(model, "uat", "tier", "production", "root")->holds = 2;
  add(model, "staging", "tier", "uat", "root")->holds = 4;
  add(model, "f-ann", "feature", "staging", "ann");
  add(model, "f-bob", "feature", "staging", "bob");
  add(model, "f-ag", "feature", "staging", "ag")->told.created_for = "ann";
  add(model, "h-rm", "hotfix", "production", "rm");
  add(model, "c-bot", "ci", "production", "bot");
  add(model, "p-tess", "perf", "uat", "tess");
  add(model, "s-prod", "snapshot", "production", "root");
  add(model, "s-ann", "snapshot", "f-ann", "ann");
  add(model, "old", "previous", "uat", "root");
  model->initial = model->count;
  model->walker = &walkers[draw(model, ARRAY_LENGTH(walkers))];
}

static ModelBranch *any_branch(Model *model) {
  for (;;) {
    ModelBranch *branch = &model->branches[draw(model, model->count)];
    if (!branch->is_gone)
      return branch;
  }
}

/* Half of the time the one that a rule may be about: else hardly anything would be allowed. */
static ModelBranch *any_own(Model *model) {
  ModelBranch *branch = any_branch(model);
  for (int tries = 0; tries < 10 && draw(model, 4) != 0; tries++) {
    if (str_equal(branch->told.created_by, model->walker->name))
      return branch;
    branch = any_branch(model);
  }
  return branch;
}

static ModelBranch *any_source(Model *model, const char *kind) {
  const char *parent = policy_parent_of_kind(model->policy, kind);
  ModelBranch *branch = any_branch(model);
  for (int tries = 0; tries < 10 && parent != NULL && draw(model, 4) != 0; tries++) {
    if (str_equal(branch->told.kind, parent) || str_equal(branch->name, parent))
      return branch;
    branch = any_branch(model);
  }
  return branch;
}

static bool has_name(const Model *model, const char *name) {
  for (size_t at = 0; at < model->count; at++)
    if (!model->branches[at].is_gone && str_equal(model->branches[at].name, name))
      return true;
  return false;
}

static bool is_allowed(Model *model, PolicyRequest *request) {
  PolicyDecision decision;
  request->principal = model->walker;
  request->now = model->now;
  policy_decide(model->policy, request, &decision);
  model->allowed[request->action] += decision.allowed;
  return decision.allowed;
}

/* Steps
 * --------------------------------------------------------------------------------------------- */

static const char *any_name(Model *model) {
  static const char *const names[] = {"production", "uat",   "staging", "f-ann", "f-bob", "new-1",
                                      "new-2",      "new-3", "new-4",   "new-5", "h-rm"};
  return names[draw(model, ARRAY_LENGTH(names))];
}

static void step_create(Model *model) {
  static const char *const kinds[] = {"feature", "feature", "hotfix",   "ci",   "scratch",
                                      "perf",    "tier",    "snapshot", "root", "previous"};
  const char *name = any_name(model);
  const char *kind = kinds[draw(model, ARRAY_LENGTH(kinds))];
  ModelBranch *source = any_source(model, kind);
  int64_t end = draw(model, 2) == 0 ? 0 : model->now + (int64_t)draw(model, 40) * DAY_US;
  PolicyRequest request = {.action = ACTION_BRANCH_CREATE,
                           .branch = &source->told,
                           .to = {.kind = kind, .name = name, .expires_at = end}};
  if (has_name(model, name) || !is_allowed(model, &request))
    return;
  ModelBranch *branch = add(model, name, kind, NULL, model->walker->name);
  branch->told.parent = &source->told;
  branch->told.created_for = model->walker->on_behalf_of;
  branch->told.expires_at = end;
  branch->holds = source->holds;
  branch->made_by_walker = true;
}

static ModelBranch *model_of(Model *model, const PolicyBranch *told) {
  size_t at = 0;
  while (&model->branches[at].told != told)
    at++;
  return &model->branches[at];
}

static bool descends(const PolicyBranch *branch, const PolicyBranch *from) {
  while (branch != NULL && branch != from)
    branch = branch->parent;
  return branch != NULL;
}

/* reset and repoint: the content becomes that of another branch. */
static void step_renew(Model *model) {
  ModelBranch *branch = any_own(model);
  const PolicyBranch *parent = branch->told.parent;
  ModelBranch *source =
      draw(model, 2) == 0 && parent != NULL ? model_of(model, parent) : any_branch(model);
  PolicyRequest request = {.action =
                               draw(model, 2) == 0 ? ACTION_BRANCH_RESET : ACTION_ENDPOINT_REPOINT,
                           .branch = &branch->told,
                           .source = &source->told};
  if (source == branch || source->is_gone || descends(&source->told, &branch->told) ||
      !is_allowed(model, &request))
    return;
  branch->told.parent = &source->told;
  branch->holds = source->holds;
  branch->made_by_walker = true;
}

static void step_rename(Model *model) {
  ModelBranch *branch = any_own(model);
  const char *name = any_name(model);
  PolicyRequest request = {
      .action = ACTION_BRANCH_RENAME, .branch = &branch->told, .to = {.name = name}};
  if (!has_name(model, name) && is_allowed(model, &request))
    name_branch(model, branch, name);
}

static void step_delete(Model *model) {
  ModelBranch *branch = any_own(model);
  PolicyRequest request = {.action = ACTION_BRANCH_DELETE, .branch = &branch->told};
  if (is_allowed(model, &request))
    branch->is_gone = true;
}

static void step_expire(Model *model) {
  ModelBranch *branch = any_own(model);
  int64_t end = draw(model, 4) == 0 ? 0 : model->now + (int64_t)draw(model, 60) * DAY_US;
  PolicyRequest request = {
      .action = ACTION_BRANCH_EXPIRE, .branch = &branch->told, .to = {.expires_at = end}};
  if (is_allowed(model, &request))
    branch->told.expires_at = end;
}

static void step_write(Model *model) {
  static const PolicyAction actions[] = {ACTION_BRANCH_WRITE, ACTION_BRANCH_OWN,
                                         ACTION_MIGRATION_APPLY, ACTION_MIGRATION_PRIVILEGE};
  ModelBranch *branch = any_own(model);
  PolicyRequest request = {.action = actions[draw(model, ARRAY_LENGTH(actions))],
                           .branch = &branch->told};
  branch->writes += is_allowed(model, &request);
}

/* Approves, then promotes with that approval alone: nobody gets its own change in. */
static void step_promote(Model *model) {
  ModelBranch *branch = any_branch(model);
  const char *names[] = {model->walker->name};
  static const char *const checks[] = {"ci", "schema-diff"};
  PolicyRequest request = {
      .action = ACTION_PROMOTE_APPROVE, .branch = &branch->told, .to = {.name = "staging"}};
  bool approves = is_allowed(model, &request);
  request.action = ACTION_PROMOTE;
  request.approved_by = names;
  request.approved_count = 1;
  request.checks = checks;
  request.check_count = ARRAY_LENGTH(checks);
  const char *by = branch->told.created_by;
  bool is_own = str_equal(by, model->walker->name) ||
                (model->walker->on_behalf_of != NULL && str_equal(by, model->walker->on_behalf_of));
  if (is_own)
    assert_false(approves);
  if (is_allowed(model, &request))
    assert_false(str_equal(by, model->walker->name));
}

static void step_time(Model *model) {
  model->now += (int64_t)draw(model, 20) * DAY_US;
}

static void (*const steps[])(Model *) = {step_create, step_create,  step_create, step_renew,
                                         step_renew,  step_rename,  step_delete, step_expire,
                                         step_write,  step_promote, step_time};

/* What must hold
 * ------------------------------------------------------------------------------------- */

static bool may_fork_directly(Model *model, const ModelBranch *tier, const char *kind) {
  PolicyDecision decision;
  PolicyRequest request = {.principal = model->walker,
                           .action = ACTION_BRANCH_FORK,
                           .branch = &tier->told,
                           .to = {.kind = kind},
                           .now = model->now};
  policy_decide(model->policy, &request, &decision);
  if (decision.allowed)
    return true;
  /* A kind that forks from another kind may come from the tier at the bottom by its right alone:
   * the refusal then is about the declared parent. */
  const PolicyKind *row = policy_kind(model->policy, kind);
  return row != NULL && decision.line == row->line;
}

/* Everything that the walker made holds only what it could have forked from the tier itself. */
static void check_data(Model *model) {
  for (size_t at = 0; at < model->count; at++) {
    const ModelBranch *branch = &model->branches[at];
    if (!branch->made_by_walker)
      continue;
    const char *kind = branch->told.kind;
    if (branch->told.tier != NULL || str_equal(kind, "previous"))
      kind = NULL; /* nothing is forked as such: only rules for every kind count */
    for (size_t tier = 0; tier < 3; tier++)
      if ((branch->holds >> tier & 1) != 0 &&
          !may_fork_directly(model, &model->branches[tier], kind))
        fail_msg("%s came to the data of %s in \"%s\" (%s)", model->walker->name,
                 model->policy->tiers[tier].name, branch->name, branch->told.kind);
  }
}

/* Protected tiers are what they were, and nobody else has their names. */
static void check_tiers(const Model *model) {
  for (size_t tier = 0; tier < 2; tier++) {
    const ModelBranch *branch = &model->branches[tier];
    assert_false(branch->is_gone);
    assert_string_equal(branch->name, model->policy->tiers[tier].name);
    assert_int_equal(branch->writes, 0);
    assert_int_equal(branch->holds, 1u << tier);
  }
  for (size_t at = 3; at < model->count; at++)
    if (policy_tier(model->policy, model->branches[at].name) != NULL)
      assert_string_equal(model->branches[at].told.kind, "tier");
}

static void check_ends(const Model *model) {
  for (size_t at = 0; at < model->count; at++) {
    const ModelBranch *branch = &model->branches[at];
    int64_t cap = policy_ttl_cap(model->policy, branch->told.kind);
    if (cap > 0 && branch->told.expires_at != 0)
      assert_true(branch->told.expires_at - branch->told.created_at <= cap * 1000000);
  }
}

typedef bool Rights[MODEL_BRANCHES][ACTION_COUNT_];

static void rights_of(const Model *model, Rights ret) {
  for (size_t at = 0; at < model->initial; at++)
    for (int action = 0; action < ACTION_COUNT_; action++) {
      PolicyDecision decision;
      PolicyRequest request = {.principal = model->walker,
                               .action = (PolicyAction)action,
                               .branch = &model->branches[at].told,
                               .to = {.kind = "feature",
                                      .name = action == ACTION_BRANCH_CREATE ? "new" : "staging",
                                      .expires_at = model->now},
                               .now = model->now};
      policy_decide(model->policy, &request, &decision);
      ret[at][action] = decision.allowed;
    }
}

/* Whatever was walked: no right over what stood before was gained. */
static void check_rights(const Model *model, Rights before) {
  static Rights after;
  rights_of(model, after);
  for (size_t at = 0; at < model->initial; at++)
    for (int action = 0; action < ACTION_COUNT_; action++)
      if (!model->branches[at].is_gone && !model->branches[at].made_by_walker &&
          after[at][action] && !before[at][action])
        fail_msg("%s gained %s on \"%s\"", model->walker->name,
                 policy_action_text((PolicyAction)action), model->branches[at].name);
}

static void walks_gain_nothing(void **state) {
  static Model model;
  static Rights before;
  AUTO(policy_free) Policy *policy = test_policy("decisions.yaml");
  size_t allowed[ACTION_COUNT_] = {0};
  for (uint64_t seed = 1; seed <= WALKS; seed++) {
    begin(&model, policy, seed);
    rights_of(&model, before);
    for (int step = 0; step < STEPS && model.count < LIVE_LIMIT; step++) {
      steps[draw(&model, ARRAY_LENGTH(steps))](&model);
      check_data(&model);
      check_tiers(&model);
      check_ends(&model);
    }
    check_rights(&model, before);
    for (int action = 0; action < ACTION_COUNT_; action++)
      allowed[action] += model.allowed[action];
  }
  /* A walk that is refused everything would show nothing. */
  static const PolicyAction walked[] = {
      ACTION_BRANCH_CREATE, ACTION_BRANCH_RESET,    ACTION_ENDPOINT_REPOINT, ACTION_BRANCH_RENAME,
      ACTION_BRANCH_DELETE, ACTION_BRANCH_EXPIRE,   ACTION_BRANCH_WRITE,     ACTION_BRANCH_OWN,
      ACTION_PROMOTE,       ACTION_PROMOTE_APPROVE, ACTION_MIGRATION_APPLY};
  for (size_t at = 0; at < ARRAY_LENGTH(walked); at++) {
    print_message("%s: %zu allowed\n", policy_action_text(walked[at]), allowed[walked[at]]);
    assert_true(allowed[walked[at]] > 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(walks_gain_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
