/* From the rules as they were written to bits. */
#include "policy/compile.h"

#include "core/str.h"
#include "policy/action.h"

#include <stdlib.h>
#include <string.h>

struct PolicyRules {
  const char *subjects[POLICY_NAME_LIMIT]; /* sorted */
  size_t subject_count;
  CompiledRule *rules;
  RuleRow *rows[ACTION_COUNT_];
  size_t counts[ACTION_COUNT_];
};

static int compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names
 * --------------------------------------------------------------------------------------------- */

static void add_subject(PolicyRules *rules, const char *name) {
  if (rules->subject_count < POLICY_NAME_LIMIT)
    rules->subjects[rules->subject_count++] = name;
}

static void collect_subjects(PolicyRules *rules, const Policy *policy) {
  for (size_t at = 0; at < policy->tier_count; at++)
    add_subject(rules, policy->tiers[at].name);
  for (size_t at = 0; at < policy->kind_count; at++)
    add_subject(rules, policy->kinds[at].name);
  add_subject(rules, "snapshot");
  add_subject(rules, "previous");
  qsort(rules->subjects, rules->subject_count, sizeof rules->subjects[0], compare);
}

int rules_subject(const PolicyRules *rules, const char *name) {
  if (name == NULL)
    return NO_SUBJECT;
  const char *const *found =
      bsearch(&name, rules->subjects, rules->subject_count, sizeof rules->subjects[0], compare);
  return found != NULL ? (int)(found - rules->subjects) : NO_SUBJECT;
}

static uint64_t role_bit(const Policy *policy, const char *role) {
  const char *const *found =
      bsearch(&role, policy->roles, policy->role_count, sizeof policy->roles[0], compare);
  return found != NULL ? UINT64_C(1) << (found - policy->roles) : 0;
}

uint64_t rules_roles(const Policy *policy, const char *roles) {
  uint64_t bits = 0;
  char role[64];
  for (const char *at = roles; at != NULL && *at != '\0';) {
    size_t length = strcspn(at, ",");
    if (length < sizeof role) {
      memcpy(role, at, length);
      role[length] = '\0';
      bits |= role_bit(policy, role);
    }
    at += length + (at[length] == ',');
  }
  return bits;
}

/* Rules
 * --------------------------------------------------------------------------------------------- */

static NameSet set_of(const PolicyRules *rules, const json_t *words) {
  NameSet set = {0};
  size_t at = 0;
  const json_t *word = NULL;
  json_array_foreach(words, at, word) {
    int subject = rules_subject(rules, json_string_value(word));
    set.all = set.all || str_equal(json_string_value(word), "*");
    if (subject != NO_SUBJECT)
      set.bits[subject / 64] |= UINT64_C(1) << (subject % 64);
  }
  return set;
}

static bool has(const NameSet *set, int subject) {
  return set->all ||
         (subject != NO_SUBJECT && (set->bits[subject / 64] >> (subject % 64) & 1) != 0);
}

static CompiledRule compile(const PolicyRules *rules, const Policy *policy,
                            const PolicyRule *rule) {
  const json_t *on = json_object_get(rule->value, "on");
  const json_t *kinds = json_object_get(rule->value, "kind");
  CompiledRule compiled = {.own = json_bool_or(rule->value, "own", false),
                           .moves = json_is_object(on),
                           .line = rule->line};
  size_t at = 0;
  const json_t *role = NULL;
  json_array_foreach(json_object_get(rule->value, "role"), at, role) {
    compiled.roles |= role_bit(policy, json_string_value(role));
  }
  compiled.on = set_of(rules, compiled.moves ? NULL : on);
  compiled.from = set_of(rules, json_object_get(on, "from"));
  compiled.to = set_of(rules, json_object_get(on, "to"));
  compiled.kinds = set_of(rules, kinds);
  compiled.kinds.all = json_array_size(kinds) == 0;
  return compiled;
}

static bool speaks_of(const json_t *rule, PolicyAction action) {
  size_t at = 0;
  const json_t *word = NULL;
  json_array_foreach(json_object_get(rule, "action"), at, word) {
    const char *text = json_string_value(word);
    if (str_equal(text, "*") || str_equal(text, policy_action_text(action)))
      return true;
  }
  return false;
}

PolicyRules *rules_compile(const Policy *policy) {
  PolicyRules *rules = mem_new(1, sizeof *rules);
  collect_subjects(rules, policy);
  rules->rules = mem_new(policy->rule_count + 1, sizeof *rules->rules);
  for (int action = 0; action < ACTION_COUNT_; action++)
    rules->rows[action] = mem_new(policy->rule_count + 1, sizeof *rules->rows[0]);
  for (size_t at = 0; at < policy->rule_count; at++) {
    rules->rules[at] = compile(rules, policy, &policy->rules[at]);
    for (int action = 0; action < ACTION_COUNT_; action++)
      if (speaks_of(policy->rules[at].value, (PolicyAction)action))
        rules->rows[action][rules->counts[action]++] =
            (RuleRow){.roles = rules->rules[at].roles, .index = (int)at};
  }
  return rules;
}

void rules_free(PolicyRules *rules) {
  if (rules == NULL)
    return;
  for (int action = 0; action < ACTION_COUNT_; action++)
    mem_free(rules->rows[action]);
  mem_free(rules->rules);
  mem_free(rules);
}

/* Asking
 * -------------------------------------------------------------------------------------------- */

/* branch.create is said of a kind ("on: feature"), or of where it comes from and a kind ("on:
 * production, kind: hotfix"). */
static bool allows_create(const CompiledRule *rule, const RuleQuestion *question) {
  if (!has(&rule->kinds, question->kind))
    return false;
  return has(&rule->on, question->kind) || (!rule->kinds.all && has(&rule->on, question->subject));
}

/* A tier is rolled back wherever it was promoted from. */
static bool allows_move(const CompiledRule *rule, const RuleQuestion *question) {
  bool from_any = question->action == ACTION_ROLLBACK && question->subject == NO_SUBJECT;
  if (!rule->moves)
    return rule->on.all;
  return has(&rule->to, question->to) && (from_any || has(&rule->from, question->subject));
}

bool rule_allows(const CompiledRule *rule, const RuleQuestion *question, unsigned open) {
  if ((rule->roles & question->roles) == 0 ||
      (rule->own && !question->owns && (open & ANY_OWNER) == 0))
    return false;
  if ((policy_action_flags(question->action) & MOVES) != 0)
    return allows_move(rule, question);
  if (rule->moves)
    return false;
  if (question->action == ACTION_BRANCH_CREATE)
    return allows_create(rule, question);
  if (question->action == ACTION_BRANCH_FORK && (open & ANY_KIND) == 0 &&
      !has(&rule->kinds, question->kind))
    return false;
  return has(&rule->on, question->subject);
}

int rules_find(const PolicyRules *rules, const RuleQuestion *question) {
  const RuleRow *rows = rules->rows[question->action];
  for (size_t at = 0; at < rules->counts[question->action]; at++)
    if ((rows[at].roles & question->roles) != 0 &&
        rule_allows(&rules->rules[rows[at].index], question, 0))
      return rows[at].index;
  return -1;
}

const RuleRow *rules_rows(const PolicyRules *rules, PolicyAction action, size_t *ret_count) {
  *ret_count = rules->counts[action];
  return rules->rows[action];
}

const CompiledRule *rules_get(const PolicyRules *rules, int index) {
  return &rules->rules[index];
}
