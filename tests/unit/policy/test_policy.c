/* policy: what a file says is what the value holds, and what two of them differ in. */
#include "policies.h"

/* The file of the documentation. */
static void reads_the_documented_file(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("contract.yaml");
  assert_string_equal(policy->project, "inventory");
  assert_string_equal(policy->timezone, "Europe/Berlin");
  assert_string_equal(policy->entry, "staging");
  assert_int_equal(policy->tier_count, 2);
  assert_int_equal(policy->kind_count, 3);
  assert_int_equal(policy->role_count, 7);
  assert_int_equal(policy->rule_count, 10);
  assert_int_equal(policy->promotion_count, 2);
  assert_int_equal(policy->keep_snapshots_s, 7 * 86400);
  assert_int_equal(policy->keep_audit_s, 400 * 86400);
  assert_int_equal(policy->limit_branches, 500);
  assert_int_equal(policy->limit_branch_bytes, 20000000000);
  assert_int_equal(policy->limit_connections, 100);
  assert_true(policy_has_extension(policy, "postgis"));
  assert_false(policy_has_extension(policy, "plpython3u"));
  assert_true(policy_has_role(policy, "analyst"));
  assert_false(policy_has_role(policy, "root"));
  assert_string_equal(policy_command(policy, "post_check"), "make smoke");
  assert_null(policy_command(policy, "deploy"));
}

static void knows_tiers(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("contract.yaml");
  const PolicyTier *production = policy_tier(policy, "production");
  const PolicyTier *staging = policy_tier(policy, "staging");
  assert_null(production->parent);
  assert_true(production->is_protected);
  assert_int_equal(production->idle_s, POLICY_IDLE_NEVER);
  assert_int_equal(production->audit, AUDIT_DDL | AUDIT_WRITE | AUDIT_ROLE);
  assert_int_equal(production->line, 5);
  assert_string_equal(staging->parent, "production");
  assert_false(staging->is_protected);
  assert_int_equal(staging->idle_s, 30 * 60);
  assert_string_equal(staging->reset, "0 2 * * *");
  assert_int_equal(staging->reset_line, 12);
  assert_null(policy_tier(policy, "feature"));
}

static void knows_kinds(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("contract.yaml");
  const PolicyKind *feature = policy_kind(policy, "feature");
  const PolicyKind *ci = policy_kind(policy, "ci");
  assert_ptr_equal(feature, &policy->kinds[0]);
  assert_int_equal(feature->ttl_s, 14 * 86400);
  assert_int_equal(feature->ttl_max_s, 30 * 86400);
  assert_int_equal(feature->max_per_principal, 20);
  assert_int_equal(feature->idle_s, 300);
  assert_null(ci->parent);
  assert_string_equal(policy_parent_of_kind(policy, "feature"), "staging");
  assert_string_equal(policy_parent_of_kind(policy, "hotfix"), "production");
  assert_null(policy_parent_of_kind(policy, "ci"));
  assert_null(policy_parent_of_kind(policy, "nothing"));
  assert_int_equal(policy_ttl_cap(policy, "feature"), 30 * 86400);
  assert_int_equal(policy_ttl_cap(policy, "ci"), 86400);
  assert_int_equal(policy_ttl_cap(policy, "nothing"), 0);
}

static void knows_promotions(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("contract.yaml");
  const PolicyPromotion *promotion = policy_promotion(policy, "staging", "production");
  assert_int_equal(promotion->approvals, 2);
  assert_false(promotion->author_may_approve);
  assert_int_equal(promotion->require_count, 2);
  assert_string_equal(promotion->require[0], "ci");
  assert_string_equal(promotion->require[1], "schema-diff");
  assert_null(policy_promotion(policy, "feature", "production"));
}

/* docs/policy.md shows a file: it is one. */
static void reads_the_page(void **state) {
  AUTO(str_free) char *page = test_text("../../../docs/policy.md");
  char *start = strstr(page, "```yaml\n");
  assert_non_null(start);
  start += strlen("```yaml\n");
  char *end = strstr(start, "```");
  assert_non_null(end);
  *end = '\0';
  AUTO(policy_free) Policy *policy = test_parse(start);
  assert_string_equal(policy_parent_of_kind(policy, "scratch"), "feature");
}

/* The same meaning in other words is the same value. */
static void says_the_same(void **state) {
  static const char head[] = "version: 1\nproject: p\ntiers: [{ name: main }]\nentry: main\n";
  AUTO(str_free)
  char *one = str_format("%sroles: [b, a]\nallow: [{ role: a, action: \"*\", on: \"*\" }]\n"
                         "features: { ttl: 24h, ttl_max: 2d }\nlimits: { branch_bytes: 1KiB }\n",
                         head);
  AUTO(str_free)
  char *other =
      str_format("%s# a comment\nlimits: {branch_bytes: 1024B}\nroles:\n  - a\n  - \"b\"\n"
                 "allow:\n- on: ['*']\n  action: ['*']\n  role: [a]\n  own: false\n"
                 "features: { ttl: 1d, ttl_max: 48h }\ntimezone: UTC\n",
                 head);
  AUTO(policy_free) Policy *left = test_parse(one);
  AUTO(policy_free) Policy *right = test_parse(other);
  AUTO(json_free) json_t *difference = policy_difference(left, right);
  assert_true(json_equal(policy_json(left), policy_json(right)));
  assert_int_equal(json_array_size(difference), 0);
  assert_int_equal(left->rules[0].line, 6);
  assert_int_equal(right->rules[0].line, 11);
}

/* Replaces the first old in the documented file. */
static Policy *changed(const char *old, const char *new) {
  AUTO(str_free) char *text = test_text("contract.yaml");
  const char *at = strstr(text, old);
  if (at == NULL)
    fail_msg("\"%s\" isn't there", old);
  AUTO(str_free)
  char *next = str_format("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
  return test_parse(next);
}

static void tells_differences(void **state) {
  static const struct {
    const char *old, *new, *path, *change, *effect;
    size_t count;
  } cases[] = {
      {"timezone: Europe/Berlin", "timezone: UTC", "timezone", "changed", "changes", 1},
      {"protected: true", "protected: false", "tiers.production.protected", "changed", "widens", 1},
      {"idle: 30m", "idle: 10m", "tiers.staging.idle", "changed", "changes", 1},
      {"reset: \"0 2 * * *\"", "reset: \"0 3 * * *\"", "tiers.staging.reset", "changed", "changes",
       1},
      {"ttl_max: 30d", "ttl_max: 60d", "features.ttl_max", "changed", "widens", 1},
      {"ttl_max: 30d, ", "", "features.ttl_max", "removed", "widens", 1},
      {"max_per_principal: 20", "max_per_principal: 2", "features.max_per_principal", "changed",
       "narrows", 1},
      {"ttl: 3d", "ttl: 1d", "work_branches.hotfix.ttl", "changed", "changes", 1},
      {"analyst, platform]", "analyst, platform, guest]", "roles", "added", "widens", 1},
      {"  - { role: [analyst], action: [branch.read], on: [staging] }\n", "", "allow", "removed",
       "narrows", 1},
      {"{ role: [analyst], action: [branch.read]", "{ role: [analyst], action: [branch.own]",
       "allow", "added", "widens", 2},
      {"approvals: 2", "approvals: 3", "promotion.staging->production.approvals", "changed",
       "narrows", 1},
      {"branches: 500", "branches: 100", "limits.branches", "changed", "narrows", 1},
      {"audit: 400d", "audit: 30d", "keep.audit", "changed", "changes", 1},
      {"[pg_trgm, postgis]", "[pg_trgm]", "extensions", "removed", "narrows", 1},
      {"make test", "make check", "commands.test", "changed", "changes", 1},
      {"  ci:     { parent: target, ttl: 1d }",
       "  ci:     { parent: target, ttl: 1d }\n  perf: { parent: staging }", "work_branches.perf",
       "added", "widens", 1},
  };
  AUTO(policy_free) Policy *before = test_policy("contract.yaml");
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    AUTO(policy_free) Policy *after = changed(cases[at].old, cases[at].new);
    AUTO(json_free) json_t *difference = policy_difference(before, after);
    const json_t *first = json_array_get(difference, 0);
    assert_int_equal(json_array_size(difference), cases[at].count);
    assert_string_equal(json_string_or(first, "path", ""), cases[at].path);
    assert_string_equal(json_string_or(first, "change", ""), cases[at].change);
    assert_string_equal(json_string_or(first, "effect", ""), cases[at].effect);
    assert_true(strlen(json_string_or(first, "meaning", "")) > 10);
  }
}

static void writes_differences(void **state) {
  AUTO(policy_free) Policy *before = test_policy("contract.yaml");
  AUTO(policy_free) Policy *after = changed("ttl: 14d, ttl_max: 30d", "ttl: 90m, ttl_max: 60d");
  AUTO(json_free) json_t *difference = policy_difference(before, after);
  AUTO(str_free) char *text = policy_difference_text(difference);
  assert_string_equal(
      text, "~ features.ttl: 14d -> 90m (changes: how long new ones live; those that stand keep "
            "their end)\n"
            "~ features.ttl_max: 30d -> 60d (widens: the longest life that may be asked for from "
            "now on)\n");
}

/* Against no policy at all everything is new. */
static void differs_from_nothing(void **state) {
  AUTO(policy_free) Policy *policy = test_policy("contract.yaml");
  AUTO(json_free) json_t *difference = policy_difference(NULL, policy);
  size_t at = 0;
  const json_t *row = NULL;
  assert_true(json_array_size(difference) > 25);
  json_array_foreach(difference, at, row) {
    assert_string_equal(json_string_or(row, "change", ""), "added");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_documented_file),
      cmocka_unit_test(knows_tiers),
      cmocka_unit_test(knows_kinds),
      cmocka_unit_test(knows_promotions),
      cmocka_unit_test(reads_the_page),
      cmocka_unit_test(says_the_same),
      cmocka_unit_test(tells_differences),
      cmocka_unit_test(writes_differences),
      cmocka_unit_test(differs_from_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
