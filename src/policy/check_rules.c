/* Checks of allow: and promotion: that every name is declared, and that every right can apply. */
#include "policy/action.h"
#include "policy/check.h"

#include "core/str.h"

#include <string.h>

typedef struct Rule {
  Check *check;
  const json_t *role, *action, *on, *kind;
  bool own;
  bool moves; /* on is { from, to } */
  char *pointer;
  char *on_pointer;
  char *action_pointer;
} Rule;

static bool is_subject(const Check *check, const char *word) {
  return str_equal(word, "*") || is_tier(check, word) || is_kind(check, word) || is_built_in(word);
}

/* Names
 * --------------------------------------------------------------------------------------------- */

static void check_roles(const Rule *rule) {
  const json_t *roles = json_object_get(rule->check->root, "roles");
  AUTO(str_free) char *pointer = str_format("%s/role", rule->pointer);
  AUTO(str_free) char *known = known_words(roles);
  for (size_t at = 0; at < words_count(rule->role); at++) {
    const char *role = words_at(rule->role, at);
    AUTO(str_free) char *place = words_pointer(rule->role, pointer, at);
    if (role != NULL && !words_have(roles, role))
      check_add(rule->check, place, known, "there is no role \"%.63s\"", role);
  }
}

static void check_subjects(Check *check, const json_t *words, const char *pointer) {
  AUTO(str_free) char *known = known_subjects(check);
  for (size_t at = 0; at < words_count(words); at++) {
    const char *word = words_at(words, at);
    AUTO(str_free) char *place = words_pointer(words, pointer, at);
    if (word != NULL && !is_subject(check, word))
      check_add(check, place, known, "there is no tier or kind \"%.63s\"", word);
  }
}

static bool has_action(const Rule *rule, PolicyAction action) {
  return words_have(rule->action, "*") || words_have(rule->action, policy_action_text(action));
}

static bool has_flag(const Rule *rule, unsigned flag) {
  for (size_t at = 0; at < words_count(rule->action); at++) {
    PolicyAction action = ACTION_COUNT_;
    const char *word = words_at(rule->action, at);
    if (word != NULL && (str_equal(word, "*") || (policy_action_find(word, &action) &&
                                                  (policy_action_flags(action) & flag) != 0)))
      return true;
  }
  return false;
}

/* One action
 * ---------------------------------------------------------------------------------------- */

static void check_project_action(const Rule *rule, const char *word, const char *place) {
  if (!words_have(rule->on, "*"))
    check_add(rule->check, place, "on: \"*\"", "%s is about the whole project", word);
  else if (rule->own)
    check_add(rule->check, place, "a rule without own: true",
              "%s is about the whole project, which nobody owns", word);
}

static void check_action(const Rule *rule, PolicyAction action, const char *word,
                         const char *place) {
  unsigned flags = policy_action_flags(action);
  if ((flags & PROJECT) != 0)
    check_project_action(rule, word, place);
  else if ((flags & MOVES) != 0 && !rule->moves && !words_have(rule->on, "*"))
    check_add(rule->check, place, "on: { from: feature, to: staging } or the like",
              "%s goes from one branch to another", word);
  else if ((flags & MOVES) == 0 && rule->moves)
    check_add(rule->check, place, "promote, promote.approve or rollback",
              "%s doesn't go from one branch to another", word);
}

/* Why an action can never be done on a tier or a kind; NULL: it can. */
static const char *never(const Check *check, PolicyAction action, const char *subject,
                         const char **ret_expected) {
  const json_t *tier = declared_tier(check, subject);
  bool changes = (policy_action_flags(action) & CHANGES) != 0;
  *ret_expected = "only promotion there";
  if (changes && json_is_true(json_object_get(tier, "protected")))
    return "the tier is protected";
  *ret_expected = "kinds of branches";
  if (tier != NULL && action == ACTION_BRANCH_RENAME)
    return "a tier has the name that is declared";
  if (tier != NULL && action == ACTION_BRANCH_EXPIRE)
    return "a tier has no end";
  if (str_equal(subject, "snapshot") && changes && action != ACTION_BRANCH_DELETE &&
      action != ACTION_BRANCH_EXPIRE && action != ACTION_BRANCH_RENAME)
    return "nobody changes a snapshot";
  return NULL;
}

static void check_action_on(const Rule *rule, PolicyAction action, const char *word) {
  for (size_t at = 0; at < words_count(rule->on); at++) {
    const char *subject = words_at(rule->on, at);
    AUTO(str_free) char *place = words_pointer(rule->on, rule->on_pointer, at);
    const char *expected = NULL;
    const char *why = subject != NULL ? never(rule->check, action, subject, &expected) : NULL;
    if (why != NULL)
      check_add(rule->check, place, expected, "nobody can be allowed %s on \"%.63s\": %s", word,
                subject, why);
  }
}

static void check_actions(const Rule *rule) {
  for (size_t at = 0; at < words_count(rule->action); at++) {
    const char *word = words_at(rule->action, at);
    AUTO(str_free) char *place = words_pointer(rule->action, rule->action_pointer, at);
    PolicyAction action = ACTION_COUNT_;
    if (word == NULL || !policy_action_find(word, &action))
      continue;
    check_action(rule, action, word, place);
    check_action_on(rule, action, word);
  }
}

/* own, kind, from and to
 * ---------------------------------------------------------------------------- */

static void check_own(const Rule *rule) {
  AUTO(str_free) char *pointer = str_format("%s/own", rule->pointer);
  if (!rule->own)
    return;
  if (rule->moves)
    check_add(rule->check, pointer, "a rule without own", "own doesn't limit { from, to }");
  for (size_t at = 0; at < words_count(rule->on); at++) {
    const char *subject = words_at(rule->on, at);
    AUTO(str_free) char *place = words_pointer(rule->on, rule->on_pointer, at);
    if (subject != NULL && is_tier(rule->check, subject))
      check_add(rule->check, place, "kinds of branches, or a rule without own",
                "nobody owns the tier \"%.63s\"", subject);
  }
}

/* Whether branches of a kind come from subject, or are themselves what the rule is on. */
static bool comes_from(const Check *check, const char *kind, const char *subject) {
  const char *parent = kind_parent(check, kind);
  return str_equal(subject, "*") || str_equal(kind, "snapshot") || str_equal(kind, subject) ||
         !is_subject(check, subject) || parent == NULL || str_equal(parent, subject) ||
         (str_equal(parent, "target") && is_tier(check, subject));
}

static void check_source(const Rule *rule, const char *subject, const char *place) {
  for (size_t at = 0; at < words_count(rule->kind); at++) {
    const char *kind = words_at(rule->kind, at);
    if (kind == NULL || !is_kind(rule->check, kind) || comes_from(rule->check, kind, subject))
      return;
  }
  const char *parent = kind_parent(rule->check, words_at(rule->kind, 0));
  check_add(rule->check, place, parent != NULL ? parent : "", "no %s is forked from \"%.63s\"",
            words_at(rule->kind, 0), subject);
}

static void check_kinds_of(const Rule *rule) {
  AUTO(str_free) char *pointer = str_format("%s/kind", rule->pointer);
  AUTO(str_free) char *known = known_kinds(rule->check);
  if (words_count(rule->kind) == 0)
    return;
  for (size_t at = 0; at < words_count(rule->kind); at++) {
    const char *kind = words_at(rule->kind, at);
    AUTO(str_free) char *place = words_pointer(rule->kind, pointer, at);
    if (kind != NULL && !is_kind(rule->check, kind) && !is_built_in(kind))
      check_add(rule->check, place, known, "there is no kind \"%.63s\"", kind);
  }
  if (!has_flag(rule, FORKS)) {
    check_add(rule->check, pointer, "a rule with branch.fork or branch.create",
              "kind limits nothing here");
    return;
  }
  for (size_t at = 0; at < words_count(rule->on); at++) {
    AUTO(str_free) char *place = words_pointer(rule->on, rule->on_pointer, at);
    if (words_at(rule->on, at) != NULL)
      check_source(rule, words_at(rule->on, at), place);
  }
}

static bool has_pair(const json_t *from, const json_t *to, const json_t *promotion) {
  const char *source = json_string_value(json_object_get(promotion, "from"));
  const char *target = json_string_value(json_object_get(promotion, "to"));
  return source != NULL && target != NULL && (words_have(from, "*") || words_have(from, source)) &&
         (words_have(to, "*") || words_have(to, target));
}

static void check_move(const Rule *rule) {
  const json_t *from = json_object_get(rule->on, "from");
  const json_t *to = json_object_get(rule->on, "to");
  AUTO(str_free) char *from_pointer = str_format("%s/from", rule->on_pointer);
  AUTO(str_free) char *to_pointer = str_format("%s/to", rule->on_pointer);
  size_t before = rule->check->findings->count;
  check_subjects(rule->check, from, from_pointer);
  check_subjects(rule->check, to, to_pointer);
  size_t at = 0;
  const json_t *promotion = NULL;
  json_array_foreach(json_object_get(rule->check->root, "promotion"), at, promotion) {
    if (has_pair(from, to, promotion))
      return;
  }
  if (rule->check->findings->count == before && from != NULL && to != NULL)
    check_add(rule->check, rule->on_pointer,
              "from and to of a row of promotion:", "no such promotion is declared");
}

void check_rules(Check *check) {
  size_t at = 0;
  const json_t *row = NULL;
  bool is_changeable = false;
  json_array_foreach(json_object_get(check->root, "allow"), at, row) {
    AUTO(str_free) char *pointer = str_format("/allow/%zu", at);
    AUTO(str_free) char *on_pointer = str_format("%s/on", pointer);
    AUTO(str_free) char *action_pointer = str_format("%s/action", pointer);
    Rule rule = {.check = check,
                 .role = json_object_get(row, "role"),
                 .action = json_object_get(row, "action"),
                 .on = json_object_get(row, "on"),
                 .kind = json_object_get(row, "kind"),
                 .own = json_is_true(json_object_get(row, "own")),
                 .moves = json_is_object(json_object_get(row, "on")),
                 .pointer = pointer,
                 .on_pointer = on_pointer,
                 .action_pointer = action_pointer};
    check_roles(&rule);
    if (rule.moves)
      check_move(&rule);
    else
      check_subjects(check, rule.on, on_pointer);
    check_actions(&rule);
    check_own(&rule);
    check_kinds_of(&rule);
    is_changeable = is_changeable || has_action(&rule, ACTION_POLICY_APPLY);
  }
  if (at > 0 && !is_changeable)
    check_add(check, "/allow", "a rule with action: policy.apply and on: \"*\"",
              "nobody could ever apply another policy");
}

/* Promotions
 * ---------------------------------------------------------------------------------------- */

/* Whether some rule gives an action to somebody: for a promotion, or (NULL) at all. */
static bool is_given(const Check *check, PolicyAction action, const json_t *promotion) {
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(json_object_get(check->root, "allow"), at, row) {
    const json_t *words = json_object_get(row, "action");
    const json_t *on = json_object_get(row, "on");
    if (!words_have(words, "*") && !words_have(words, policy_action_text(action)))
      continue;
    if (promotion == NULL || words_have(on, "*") ||
        (json_is_object(on) &&
         has_pair(json_object_get(on, "from"), json_object_get(on, "to"), promotion)))
      return true;
  }
  return false;
}

/* The tier that branches like from are promoted to; NULL: any, or none is known. */
static const char *next_tier(const Check *check, const char *from) {
  const json_t *tier = declared_tier(check, from);
  const char *parent =
      tier != NULL ? json_string_value(json_object_get(tier, "parent")) : kind_parent(check, from);
  return parent != NULL && str_equal(parent, "target") ? NULL : parent;
}

static void check_path(Check *check, const char *from, const char *to, const char *base) {
  AUTO(str_free) char *from_pointer = str_format("%s/from", base);
  AUTO(str_free) char *to_pointer = str_format("%s/to", base);
  AUTO(str_free) char *subjects = known_subjects(check);
  AUTO(str_free) char *tiers = known_tiers(check);
  bool known = is_tier(check, from) || is_kind(check, from);
  if (!known)
    check_add(check, from_pointer, subjects, "there is no tier or kind \"%.63s\"", from);
  if (!is_tier(check, to))
    check_add(check, to_pointer, tiers, "there is no tier \"%.63s\"", to);
  if (!known || !is_tier(check, to))
    return;
  const char *next = next_tier(check, from);
  if (next != NULL ? !str_equal(next, to) : is_tier(check, from))
    check_add(check, to_pointer, next != NULL ? next : "no promotion from the root of the chain",
              "\"%.63s\" isn't the parent of \"%.63s\"", to, from);
}

static bool is_repeated(const json_t *promotions, size_t row, const char *from, const char *to) {
  for (size_t at = 0; at < row; at++) {
    const json_t *other = json_array_get(promotions, at);
    const char *other_from = json_string_value(json_object_get(other, "from"));
    const char *other_to = json_string_value(json_object_get(other, "to"));
    if (other_from != NULL && other_to != NULL && str_equal(other_from, from) &&
        str_equal(other_to, to))
      return true;
  }
  return false;
}

static void check_people(Check *check, const json_t *promotion, const char *base) {
  AUTO(str_free) char *require = str_format("%s/require", base);
  AUTO(str_free) char *approvals = str_format("%s/approvals", base);
  AUTO(str_free) char *to = str_format("%s/to", base);
  const json_t *checks = json_object_get(promotion, "require");
  if (!is_given(check, ACTION_PROMOTE, promotion))
    check_add(check, to, "a rule with action: promote", "nobody may make this promotion");
  if (json_integer_value(json_object_get(promotion, "approvals")) > 0 &&
      !is_given(check, ACTION_PROMOTE_APPROVE, promotion))
    check_add(check, approvals, "a rule with action: promote.approve",
              "nobody may approve this promotion");
  if (words_have(checks, "ci") && !is_given(check, ACTION_CI_REPORT, NULL))
    check_add(check, require, "a rule with action: ci.report",
              "nobody may report the check \"ci\"");
}

void check_promotions(Check *check) {
  const json_t *promotions = json_object_get(check->root, "promotion");
  size_t at = 0;
  const json_t *promotion = NULL;
  json_array_foreach(promotions, at, promotion) {
    AUTO(str_free) char *base = str_format("/promotion/%zu", at);
    const char *from = json_string_value(json_object_get(promotion, "from"));
    const char *to = json_string_value(json_object_get(promotion, "to"));
    if (from == NULL || to == NULL)
      continue;
    check_path(check, from, to, base);
    if (is_repeated(promotions, at, from, to))
      check_add(check, base, "each promotion once",
                "the promotion from \"%.63s\" to \"%.63s\" is declared already", from, to);
    check_people(check, promotion, base);
  }
}
