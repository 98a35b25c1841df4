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

static void add_branch(World *world, const Words *words) {
  assert_true(world->branch_count < BRANCHES);
  char *authors = option(words, 2, "authors");
  PolicyBranch branch = {.name = words->words[1],
                         .kind = option(words, 2, "kind"),
                         .tier = option(words, 2, "tier"),
                         .created_by = option(words, 2, "by"),
                         .created_for = option(words, 2, "for"),
                         .is_protected = flag(words, "protected"),
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_decision),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
