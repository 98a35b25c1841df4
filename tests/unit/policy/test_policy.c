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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_documented_file),
      cmocka_unit_test(knows_tiers),
      cmocka_unit_test(knows_kinds),
      cmocka_unit_test(knows_promotions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
