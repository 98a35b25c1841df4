/* Rules in the form that decisions are made with: names are numbers, lists are bits, and each
 * action knows the rules that speak of it. Private to src/policy. */
#pragma once

#include "policy/policy.h"

enum { NO_SUBJECT = -1 }; /* not declared: only rules on "*" speak of it */

typedef struct NameSet {
  uint64_t bits[POLICY_NAME_LIMIT / 64];
  bool all; /* "*" */
} NameSet;

typedef struct CompiledRule {
  uint64_t roles; /* a bit per role, in the order of Policy.roles */
  NameSet on;
  NameSet kinds; /* all: not limited to kinds */
  NameSet from, to;
  bool own;
  bool moves; /* on is { from, to } */
  int line;
} CompiledRule;

/* What a rule is asked. Subjects are numbers from rules_subject. */
typedef struct RuleQuestion {
  PolicyAction action;
  uint64_t roles;
  int subject; /* of the branch; moves: where from */
  int kind;    /* of the branch that is made */
  int to;      /* moves: where to; ROLLBACK without a branch: subject is NO_SUBJECT */
  bool owns;
} RuleQuestion;

PolicyRules *rules_compile(const Policy *policy);
void rules_free(PolicyRules *rules);

/* The number of a tier, a kind or a built-in kind, NO_SUBJECT for others and NULL. */
int rules_subject(const PolicyRules *rules, const char *name);

/* The bits of roles joined by commas; those that aren't declared have none. */
uint64_t rules_roles(const Policy *policy, const char *roles);

/* What a question leaves open when it is asked who else could. */
enum { ANY_OWNER = 1 << 0, ANY_KIND = 1 << 1 };

/* Whether the rule allows it to one of the question's roles; open: what may be any. */
bool rule_allows(const CompiledRule *rule, const RuleQuestion *question, unsigned open);

/* The index of the first rule that allows it, -1 for none. */
int rules_find(const PolicyRules *rules, const RuleQuestion *question);

/* The rules that speak of an action, in the order of the file. */
typedef struct RuleRow {
  uint64_t roles; /* of the rule: most are passed over by it */
  int index;
} RuleRow;
const RuleRow *rules_rows(const PolicyRules *rules, PolicyAction action, size_t *ret_count);
const CompiledRule *rules_get(const PolicyRules *rules, int index);
