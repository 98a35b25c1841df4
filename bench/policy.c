/* Times decisions of the policy engine with RULES rules:
 *   bench-policy [RULES]
 * Prints one line per kind of question: its name, a tab, microseconds of the processor's time per
 * decision. Every rule but
 * the last is one that the questions have to be held against: same action, other role or branch. */
#include "core/str.h"
#include "policy/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_RULES = 200, MOST_RULES = 2000, ROUNDS = 200000 };

static char *make_policy(long rules) {
  Buffer text = {0};
  buffer_add_text(&text,
                  "version: 1\nproject: bench\ntiers:\n"
                  "  - { name: production, protected: true }\n"
                  "  - { name: staging, parent: production }\n"
                  "entry: staging\nfeatures: { ttl: 14d, ttl_max: 30d }\nroles: [last, keeper");
  for (int role = 0; role < 40; role++)
    buffer_add_format(&text, ", role-%d", role);
  buffer_add_text(&text, "]\nallow:\n  - { role: keeper, action: policy.apply, on: \"*\" }\n");
  for (long rule = 2; rule < rules; rule++)
    buffer_add_format(&text,
                      "  - { role: [role-%ld, role-%ld], action: [branch.create, branch.fork, "
                      "branch.read, branch.write], on: %s }\n",
                      rule % 40, (rule + 1) % 40, rule % 2 == 0 ? "feature" : "\"*\"");
  buffer_add_text(&text, "  - { role: last, action: [branch.create, branch.fork, branch.read, "
                         "branch.write], on: [feature, staging] }\n");
  return buffer_steal(&text);
}

static void run(const Policy *policy, const char *name, const PolicyRequest *request) {
  PolicyDecision decision;
  int allowed = 0;
  clock_t start = clock();
  for (int round = 0; round < ROUNDS; round++) {
    policy_decide(policy, request, &decision);
    allowed += decision.allowed;
  }
  double each = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / ROUNDS;
  if (allowed != 0 && allowed != ROUNDS)
    abort();
  printf("%s\t%.3f\n", name, each);
}

int main(int argc, char **argv) {
  long rules = argc > 1 ? strtol(argv[1], NULL, 10) : DEFAULT_RULES;
  AUTO(str_free) char *text = make_policy(rules < 3 ? 3 : rules > MOST_RULES ? MOST_RULES : rules);
  AUTO(policy_free) Policy *policy = NULL;
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  Error err = ERROR_INIT;
  if (!policy_parse(text, strlen(text), &policy, &findings, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  PolicyPrincipal last = {.name = "ann", .type = "human", .roles = "role-x,role-y,last"};
  PolicyPrincipal nobody = {.name = "bob", .type = "human", .roles = "role-x,role-y"};
  PolicyBranch production = {.name = "production", .kind = "root", .tier = "production"};
  PolicyBranch staging = {
      .name = "staging", .kind = "tier", .tier = "staging", .parent = &production};
  PolicyBranch feature = {.name = "f", .kind = "feature", .parent = &staging};
  PolicyRequest write = {.principal = &last, .action = ACTION_BRANCH_WRITE, .branch = &feature};
  PolicyRequest create = {.principal = &last,
                          .action = ACTION_BRANCH_CREATE,
                          .branch = &staging,
                          .to = {.kind = "feature", .name = "f"}};
  PolicyRequest refused = {.principal = &nobody, .action = ACTION_BRANCH_WRITE, .branch = &feature};
  PolicyRequest tier = {.principal = &last, .action = ACTION_BRANCH_WRITE, .branch = &production};
  run(policy, "allowed by the last rule", &write);
  run(policy, "create with its fork", &create);
  run(policy, "refused, who could is told", &refused);
  run(policy, "refused on a protected tier", &tier);
  return 0;
}
