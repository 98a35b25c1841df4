/* Why: the sentence of a decision, for people. */
#include "policy/judge.h"

#include "core/str.h"
#include "policy/action.h"

#include <stdio.h>
#include <string.h>

enum { ROLES_SHOWN = 8, RULES_SHOWN = 4, EVERYBODY_ELSE = ANY_OWNER | ANY_KIND };

/* What the action is done to, as the sentence names it. */
static void add_object(const PolicyRequest *request, char *text, size_t size) {
  const PolicyBranch *branch = request->branch;
  const char *name = request->to.name;
  if ((policy_action_flags(request->action) & PROJECT) != 0)
    text[0] = '\0';
  else if (request->action == ACTION_BRANCH_CREATE)
    (void)snprintf(text, size, " \"%.63s\" (%.63s)", name != NULL ? name : "-",
                   request->to.kind != NULL ? request->to.kind : "-");
  else if (request->action == ACTION_ROLLBACK)
    (void)snprintf(text, size, " \"%.63s\"", name != NULL ? name : "-");
  else if ((policy_action_flags(request->action) & MOVES) != 0)
    (void)snprintf(text, size, " \"%.63s\" to \"%.63s\"", branch != NULL ? branch->name : "-",
                   name != NULL ? name : "-");
  else
    (void)snprintf(text, size, " \"%.63s\"", branch != NULL ? branch->name : "-");
}

static size_t begin(Judge *judge, const char *verb) {
  char object[160] = "";
  const PolicyRequest *request = judge->request;
  add_object(request, object, sizeof object);
  const char *who = request->principal->is_server ? "the server" : request->principal->name;
  int length = snprintf(judge->decision->reason, sizeof judge->decision->reason, "%.63s %s %s%s",
                        who, verb, policy_action_meaning(request->action), object);
  return length > 0 ? strlen(judge->decision->reason) : 0;
}

bool judge_allow(Judge *judge, int rule) {
  PolicyDecision *decision = judge->decision;
  decision->allowed = true;
  decision->rule = rule;
  decision->line = rules_get(judge->policy->compiled, rule)->line;
  size_t length = begin(judge, "may");
  (void)snprintf(decision->reason + length, sizeof decision->reason - length, " (line %d)",
                 decision->line);
  return true;
}

bool judge_refuse(Judge *judge, int line, const char *format, ...) {
  PolicyDecision *decision = judge->decision;
  *decision = (PolicyDecision){.rule = -1, .line = line};
  size_t length = begin(judge, "may not");
  length += (size_t)snprintf(decision->reason + length, sizeof decision->reason - length, ": ");
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(decision->reason + length, sizeof decision->reason - length, format, arguments);
  va_end(arguments);
  return false;
}

/* Who could
 * ----------------------------------------------------------------------------------------- */

static void add_limits(const Policy *policy, const CompiledRule *rule, const RuleQuestion *question,
                       int index, Buffer *text) {
  const json_t *kinds = json_object_get(policy->rules[index].value, "kind");
  if (rule->own)
    buffer_add_text(text, " on its own");
  if ((policy_action_flags(question->action) & FORKS) == 0)
    return;
  for (size_t at = 0; at < json_array_size(kinds) && at < ROLES_SHOWN; at++)
    buffer_add_format(text, "%s%s", at > 0 ? ", " : " for kind ",
                      json_string_value(json_array_get(kinds, at)));
}

static void add_rule(const Policy *policy, const RuleQuestion *question, int index, Buffer *text) {
  const CompiledRule *rule = rules_get(policy->compiled, index);
  const json_t *roles = json_object_get(policy->rules[index].value, "role");
  if (text->length > 0)
    buffer_add_text(text, "; ");
  for (size_t at = 0; at < json_array_size(roles) && at < ROLES_SHOWN; at++)
    buffer_add_format(text, "%s%s", at > 0 ? ", " : "",
                      json_string_value(json_array_get(roles, at)));
  add_limits(policy, rule, question, index, text);
  buffer_add_format(text, " (line %d)", rule->line);
}

/* Those who could, as text, the first few; and the first rule that speaks of the principal's own
 * roles, but of its own branches or of other kinds: -1 for none. */
static int find_others(const Policy *policy, const RuleQuestion *question, Buffer *text) {
  size_t count = 0;
  size_t shown = 0;
  const RuleRow *rows = rules_rows(policy->compiled, question->action, &count);
  int nearest = -1;
  RuleQuestion anybody = *question;
  anybody.roles = UINT64_MAX;
  for (size_t at = 0; at < count; at++) {
    const CompiledRule *rule = rules_get(policy->compiled, rows[at].index);
    bool is_near = nearest < 0 && (rows[at].roles & question->roles) != 0;
    if ((!is_near && shown > RULES_SHOWN) || !rule_allows(rule, &anybody, EVERYBODY_ELSE))
      continue;
    if (is_near)
      nearest = rows[at].index;
    if (shown < RULES_SHOWN)
      add_rule(policy, question, rows[at].index, text);
    else if (shown == RULES_SHOWN)
      buffer_add_text(text, "; and others");
    shown++;
  }
  return nearest;
}

bool judge_lacks(Judge *judge, const RuleQuestion *question, const char *what) {
  const Policy *policy = judge->policy;
  AUTO_RELEASE(buffer_release) Buffer who = {0};
  int nearest = find_others(policy, question, &who);
  const char *roles = judge->request->principal->roles;
  bool has_roles = roles != NULL && roles[0] != '\0';
  if (nearest >= 0)
    return judge_refuse(judge, rules_get(policy->compiled, nearest)->line, "%s is only for %s",
                        what, who.text);
  return judge_refuse(judge, 0, "no rule gives %s to %s%.100s; %s%s", what,
                      has_roles ? "its roles " : "somebody without a role", has_roles ? roles : "",
                      who.length > 0 ? "it is for " : "nobody may", who.length > 0 ? who.text : "");
}
