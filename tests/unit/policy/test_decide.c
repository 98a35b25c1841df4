/* The engine, held against decisions.txt: who may do what to which branch, and by which line. */
#include "policies.h"

#include <stdlib.h>

enum { PRINCIPALS = 40, BRANCHES = 60, WORDS = 40, NAMES = 12, LINE_LENGTH = 400 };

#define DAY_US INT64_C(86400000000)
#define NOW (INT64_C(20000) * DAY_US)

typedef struct World {
  Policy *policy;
  char *policy_text;
  PolicyPrincipal principals[PRINCIPALS];
  size_t principal_count;
  PolicyBranch branches[BRANCHES];
  size_t branch_count;
  int line;
  size_t decisions;
  size_t wrong;
} World;

/* Words
 * --------------------------------------------------------------------------------------------- */

typedef struct Words {
  char *words[WORDS];
  size_t count;
} Words;

static Words split(char *text, const char *separators) {
  Words words = {0};
  char *rest = NULL;
  for (char *word = strtok_r(text, separators, &rest); word != NULL;
       word = strtok_r(NULL, separators, &rest)) {
    assert_true(words.count < WORDS);
    words.words[words.count++] = word;
  }
  return words;
}

/* The value of key, among pairs that flags may follow; NULL: key isn't there. */
static char *option(const Words *words, size_t from, const char *key) {
  for (size_t at = from; at + 1 < words->count; at += 2)
    if (str_equal(words->words[at], key))
      return words->words[at + 1];
  return NULL;
}

static bool flag(const Words *words, const char *key) {
  for (size_t at = 0; at < words->count; at++)
    if (str_equal(words->words[at], key))
      return true;
  return false;
}

/* The world
 * ----------------------------------------------------------------------------------------- */

static const PolicyPrincipal *principal_of(const World *world, const char *name) {
  static const PolicyPrincipal server = {.name = "", .is_server = true};
  for (size_t at = 0; at < world->principal_count; at++)
    if (str_equal(world->principals[at].name, name))
      return &world->principals[at];
  if (!str_equal(name, "server"))
    fail_msg("line %d: no principal \"%s\"", world->line, name);
  return &server;
}

static const PolicyBranch *branch_of(const World *world, const char *name) {
  for (size_t at = 0; name != NULL && at < world->branch_count; at++)
    if (str_equal(world->branches[at].name, name))
      return &world->branches[at];
  if (name != NULL && !str_equal(name, "-"))
    fail_msg("line %d: no branch \"%s\"", world->line, name);
  return NULL;
}

static void add_principal(World *world, const Words *words) {
  const char *roles = option(words, 3, "roles");
  assert_true(words->count >= 3 && world->principal_count < PRINCIPALS);
  world->principals[world->principal_count++] =
      (PolicyPrincipal){.name = words->words[1],
                        .type = words->words[2],
                        .roles = roles,
                        .on_behalf_of = option(words, 3, "for"),
                        .is_platform = roles != NULL && str_equal(roles, "platform")};
}

static int64_t number(const Words *words, const char *name) {
  const char *text = option(words, 3, name);
  return text != NULL ? atoi(text) : 0;
}

static void add_branch(World *world, const Words *words) {
  assert_true(world->branch_count < BRANCHES);
  char *authors = option(words, 2, "authors");
  const char *age = option(words, 2, "age");
  PolicyBranch branch = {.name = words->words[1],
                         .kind = option(words, 2, "kind"),
                         .tier = option(words, 2, "tier"),
                         .stood_for = option(words, 2, "stood"),
                         .created_by = option(words, 2, "by"),
                         .created_for = option(words, 2, "for"),
                         .is_protected = flag(words, "protected"),
                         .created_at = NOW - (age != NULL ? atoi(age) : 0) * DAY_US,
                         .expires_at = flag(words, "expired") ? NOW - 1 : 0,
                         .parent = branch_of(world, option(words, 2, "from"))};
  if (authors != NULL) {
    static const char *names[NAMES]; /* one branch of the file has them */
    Words list = split(authors, ",");
    for (size_t at = 0; at < list.count && at < NAMES; at++)
      names[branch.author_count++] = list.words[at];
    branch.authors = names;
  }
  world->branches[world->branch_count++] = branch;
}

/* The line of the policy that has a label; 0: "-". */
static int labelled(const World *world, const char *label) {
  if (str_equal(label, "-"))
    return 0;
  AUTO(str_free) char *mark = str_format("[%s]", label);
  const char *found = NULL;
  for (const char *at = world->policy_text; (at = strstr(at, mark)) != NULL; at++)
    found = at[-1] == ' ' && at[-2] == '#' ? at : found;
  if (found == NULL)
    fail_msg("line %d: no label \"%s\"", world->line, label);
  int line = 1;
  for (const char *at = world->policy_text; at < found; at++)
    line += *at == '\n';
  return line;
}

/* Decisions
 * ----------------------------------------------------------------------------------------- */

typedef struct Expected {
  bool allowed;
  const char *by;   /* a label; "@": the branch's name */
  const char *fork; /* a label; NULL: isn't looked at */
} Expected;

static void check(World *world, const PolicyRequest *request, const Expected *expected) {
  PolicyDecision decision;
  policy_decide(world->policy, request, &decision);
  world->decisions++;
  int line = labelled(world, str_equal(expected->by, "@") ? request->branch->name : expected->by);
  bool is_right = decision.allowed == expected->allowed && decision.line == line &&
                  (expected->fork == NULL || decision.fork_line == labelled(world, expected->fork));
  bool is_told = decision.reason[0] != '\0' &&
                 (decision.rule < 0 || world->policy->rules[decision.rule].line == decision.line);
  if (is_right && is_told)
    return;
  world->wrong++;
  print_error("decisions.txt:%d: %s %s %s: %s by line %d, fork by %d: %s\n", world->line,
              request->principal->name, policy_action_text(request->action),
              request->branch != NULL ? request->branch->name : "-",
              decision.allowed ? "allowed" : "refused", decision.line, decision.fork_line,
              decision.reason);
}

static size_t names_of(char *list, const char **names) {
  Words words = {0};
  if (list != NULL)
    words = split(list, ",");
  for (size_t at = 0; at < words.count && at < NAMES; at++)
    names[at] = words.words[at];
  return words.count;
}

/* Each principal, action and branch of a line; also each target where several are given. */
static void check_each(World *world, Words *line, PolicyRequest request, const Expected *expected) {
  Words principals = split(line->words[0], ",");
  Words actions = split(line->words[1], ",");
  Words branches = split(line->words[2], ",");
  char *to = option(line, 3, "to");
  Words targets = {.words = {NULL}, .count = 1};
  if (to != NULL)
    targets = split(to, ",");
  for (size_t who = 0; who < principals.count; who++)
    for (size_t what = 0; what < actions.count; what++)
      for (size_t on = 0; on < branches.count; on++)
        for (size_t target = 0; target < targets.count; target++) {
          request.principal = principal_of(world, principals.words[who]);
          if (!policy_action_find(actions.words[what], &request.action))
            fail_msg("line %d: no action \"%s\"", world->line, actions.words[what]);
          request.branch = branch_of(world, branches.words[on]);
          if (to != NULL)
            request.to.name = targets.words[target];
          check(world, &request, expected);
        }
}

static void check_line(World *world, Words *words) {
  size_t equals = 0;
  while (equals < words->count && !str_equal(words->words[equals], "="))
    equals++;
  if (equals < 3 || words->count < equals + 3)
    fail_msg("line %d: WHO ACTION BRANCH ... = DECISION DECIDER", world->line);
  Expected expected = {.allowed = str_equal(words->words[equals + 1], "allow"),
                       .by = words->words[equals + 2],
                       .fork = option(words, equals + 3, "fork")};
  assert_true(expected.allowed || str_equal(words->words[equals + 1], "refuse"));
  words->count = equals;
  const char *approved[NAMES];
  const char *checks[NAMES];
  const char *until = option(words, 3, "until");
  PolicyRequest request = {.source = branch_of(world, option(words, 3, "from")),
                           .to = {.kind = option(words, 3, "as"),
                                  .name = option(words, 3, "name"),
                                  .target = option(words, 3, "target"),
                                  .expires_at = until != NULL ? NOW + atoi(until) * DAY_US : 0},
                           .approved_by = approved,
                           .approved_count = names_of(option(words, 3, "approved"), approved),
                           .checks = checks,
                           .check_count = names_of(option(words, 3, "checks"), checks),
                           .standing = {number(words, "branches"), number(words, "own")},
                           .now = NOW};
  check_each(world, words, request, &expected);
}

static void read_line(World *world, char *line) {
  Words words = split(line, " ");
  if (words.count == 0 || words.words[0][0] == '#')
    return;
  if (str_equal(words.words[0], "principal"))
    add_principal(world, &words);
  else if (str_equal(words.words[0], "branch"))
    add_branch(world, &words);
  else
    check_line(world, &words);
}

static void every_decision(void **state) {
  AUTO(str_free) char *policy_text = test_text("decisions.yaml");
  AUTO(str_free) char *text = test_text("decisions.txt");
  AUTO(policy_free) Policy *policy = test_parse(policy_text);
  World world = {.policy = policy, .policy_text = policy_text};
  for (char *line = text, *end = NULL; *line != '\0'; line = end) {
    world.line++;
    end = line + strcspn(line, "\n");
    if (*end == '\n')
      *end++ = '\0';
    read_line(&world, line);
  }
  print_message("%zu decisions\n", world.decisions);
  assert_int_equal(world.wrong, 0);
  assert_true(world.decisions >= 300);
}

/* Before a policy is applied
 * ------------------------------------------------------------------------------ */

static bool decide_without(const PolicyPrincipal *principal, PolicyAction action,
                           const PolicyBranch *branch) {
  PolicyDecision decision;
  PolicyRequest request = {.principal = principal, .action = action, .branch = branch, .now = NOW};
  policy_decide(NULL, &request, &decision);
  assert_int_equal(decision.line, 0);
  assert_true(decision.reason[0] != '\0');
  return decision.allowed;
}

static void without_a_policy(void **state) {
  PolicyPrincipal ann = {.name = "ann", .type = "human", .roles = "developer"};
  PolicyPrincipal bob = {.name = "bob", .type = "human"};
  PolicyPrincipal root = {.name = "root", .type = "human", .is_platform = true};
  PolicyPrincipal server = {.is_server = true};
  PolicyBranch mine = {.name = "f", .kind = "feature", .created_by = "ag", .created_for = "ann"};
  PolicyBranch over = {.name = "g", .kind = "feature", .created_by = "ann", .expires_at = NOW};
  assert_true(decide_without(&ann, ACTION_BRANCH_WRITE, &mine));
  assert_true(decide_without(&ann, ACTION_BRANCH_CREATE, &mine));
  assert_true(decide_without(&root, ACTION_BRANCH_WRITE, &mine));
  assert_true(decide_without(&root, ACTION_POLICY_APPLY, NULL));
  assert_false(decide_without(&bob, ACTION_BRANCH_READ, &mine));
  assert_false(decide_without(&ann, ACTION_POLICY_APPLY, NULL));
  assert_false(decide_without(&ann, ACTION_PROMOTE, &mine));
  assert_false(decide_without(&ann, ACTION_AUDIT_READ, NULL));
  assert_true(decide_without(&server, ACTION_BRANCH_DELETE, &over));
  assert_false(decide_without(&server, ACTION_BRANCH_DELETE, &mine));
  assert_false(decide_without(&server, ACTION_BRANCH_RESET, &mine));
}

/* Answers
 * ------------------------------------------------------------------------------------------- */

static void session_rights(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("decisions.yaml");
  PolicyPrincipal ann = {.name = "ann", .type = "human", .roles = "developer"};
  PolicyPrincipal bob = {.name = "bob", .type = "human", .roles = "developer"};
  PolicyPrincipal bot = {.name = "bot", .type = "ci", .roles = "ci"};
  PolicyPrincipal tess = {.name = "tess", .type = "human", .roles = "tester"};
  PolicyPrincipal root = {.name = "root", .type = "human", .roles = "platform"};
  PolicyBranch production = {.name = "production", .kind = "root", .tier = "production"};
  PolicyBranch mine = {.name = "f", .kind = "feature", .created_by = "ann", .parent = &production};
  PolicyBranch perf = {.name = "p", .kind = "perf", .created_by = "bob", .parent = &production};
  PolicyDecision decision;
  assert_int_equal(policy_session_right(policy, &ann, &mine, NOW, &decision), ACTION_BRANCH_OWN);
  assert_int_equal(policy_session_right(policy, &tess, &perf, NOW, &decision), ACTION_BRANCH_WRITE);
  assert_int_equal(policy_session_right(policy, &bob, &mine, NOW, &decision), ACTION_BRANCH_READ);
  assert_int_equal(policy_session_right(policy, &bot, &mine, NOW, &decision), ACTION_COUNT_);
  assert_false(decision.allowed);
  assert_int_equal(policy_session_right(policy, &root, &production, NOW, NULL), ACTION_BRANCH_READ);
  assert_int_equal(policy_session_right(NULL, &bob, &mine, NOW, NULL), ACTION_COUNT_);
}

static void check_reason(const Policy *policy, const char *who, const char *roles,
                         PolicyAction action, const PolicyBranch *branch, const char *expected) {
  PolicyPrincipal principal = {.name = who, .type = "agent", .roles = roles};
  PolicyRequest request = {.principal = &principal, .action = action, .branch = branch};
  PolicyDecision decision;
  Error err = ERROR_INIT;
  bool allowed = policy_require(policy, &request, &decision, &err);
  assert_int_equal(allowed, decision.allowed);
  assert_string_equal(decision.reason, expected);
  AUTO(json_free) json_t *json = policy_decision_json(&decision);
  assert_string_equal(json_string_or(json, "reason", ""), expected);
  if (decision.allowed)
    return;
  assert_int_equal(err.code, ERROR_FORBIDDEN);
  assert_string_equal(err.message, expected);
}

/* A refusal names what is missing, and who could. */
static void reasons(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("contract.yaml");
  PolicyBranch production = {.name = "production", .kind = "root", .tier = "production"};
  PolicyBranch staging = {
      .name = "staging", .kind = "tier", .tier = "staging", .parent = &production};
  PolicyBranch feature = {.name = "f", .kind = "feature", .created_by = "bob", .parent = &staging};
  check_reason(policy, "agent-7", "agent", ACTION_BRANCH_FORK, &production,
               "agent-7 may not fork branches from \"production\": no rule gives branch.fork on "
               "\"production\" to its roles agent; it is for ci for kind ci (line 23); "
               "release-manager for kind hotfix (line 27); platform (line 29)");
  check_reason(policy, "agent-7", "agent", ACTION_BRANCH_FORK, &staging,
               "agent-7 may fork branches from \"staging\" (line 21)");
  check_reason(policy, "agent-7", "agent", ACTION_BRANCH_WRITE, &feature,
               "agent-7 may not write data on \"f\": branch.write on \"f\" is only for developer, "
               "agent on its own (line 20); platform (line 29)");
  check_reason(policy, "root", "platform", ACTION_BRANCH_WRITE, &production,
               "root may not write data on \"production\": the tier production is protected: only "
               "promotion changes it");
  check_reason(policy, "bob", NULL, ACTION_POLICY_APPLY, NULL,
               "bob may not apply a policy: no rule gives policy.apply to somebody without a role; "
               "it is for platform (line 29)");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_decision),
      cmocka_unit_test(without_a_policy),
      cmocka_unit_test(session_rights),
      cmocka_unit_test(reasons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
