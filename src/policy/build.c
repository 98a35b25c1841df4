/* The arrays of a Policy: their strings are those of its canonical form. */
#include "policy/build.h"

#include "core/str.h"
#include "policy/compile.h"

static int line_of(const Yaml *yaml, const char *pointer, bool is_key) {
  return yaml_place(yaml, pointer, is_key).line;
}

static int64_t idle_of(const json_t *row) {
  return json_is_string(json_object_get(row, "idle")) ? POLICY_IDLE_NEVER
                                                      : json_integer_or(row, "idle", 0);
}

static unsigned audit_of(const json_t *classes) {
  static const struct {
    const char *name;
    unsigned bit;
  } known[] = {{"ddl", AUDIT_DDL},   {"function", AUDIT_FUNCTION}, {"misc", AUDIT_MISC},
               {"read", AUDIT_READ}, {"role", AUDIT_ROLE},         {"write", AUDIT_WRITE}};
  unsigned bits = 0;
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(classes, at, name) {
    for (size_t row = 0; row < ARRAY_LENGTH(known); row++)
      if (str_equal(known[row].name, json_string_value(name)))
        bits |= known[row].bit;
  }
  return bits;
}

/* The words of a list, borrowed from it; the array is the caller's. */
static const char **texts_of(const json_t *list, size_t *ret_count) {
  const char **texts = mem_new(json_array_size(list) + 1, sizeof *texts);
  for (size_t at = 0; at < json_array_size(list); at++)
    texts[at] = json_string_value(json_array_get(list, at));
  *ret_count = json_array_size(list);
  return texts;
}

static void build_tiers(Policy *policy, const Yaml *yaml) {
  const json_t *list = json_object_get(policy->json, "tiers");
  PolicyTier *tiers = mem_new(json_array_size(list), sizeof *tiers);
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(list, at, row) {
    AUTO(str_free) char *pointer = str_format("/tiers/%zu", at);
    AUTO(str_free) char *reset = str_format("/tiers/%zu/reset", at);
    tiers[at] = (PolicyTier){.name = json_string_or(row, "name", ""),
                             .parent = json_string_or(row, "parent", NULL),
                             .is_protected = json_bool_or(row, "protected", false),
                             .idle_s = idle_of(row),
                             .reset = json_string_or(row, "reset", NULL),
                             .audit = audit_of(json_object_get(row, "audit")),
                             .line = line_of(yaml, pointer, false),
                             .reset_line = line_of(yaml, reset, false)};
  }
  policy->tiers = tiers;
  policy->tier_count = json_array_size(list);
}

static PolicyKind kind_of(const char *name, const json_t *row, int line) {
  const char *parent = json_string_or(row, "parent", "");
  return (PolicyKind){.name = name,
                      .parent = str_equal(parent, "target") ? NULL : parent,
                      .ttl_s = json_integer_or(row, "ttl", 0),
                      .ttl_max_s = json_integer_or(row, "ttl_max", 0),
                      .max_per_principal = json_integer_or(row, "max_per_principal", 0),
                      .idle_s = idle_of(row),
                      .line = line};
}

static void build_kinds(Policy *policy, const Yaml *yaml) {
  const json_t *features = json_object_get(policy->json, "features");
  json_t *others = json_object_get(policy->json, "work_branches");
  PolicyKind *kinds = mem_new(json_object_size(others) + 1, sizeof *kinds);
  bool is_declared = json_object_get(yaml->keys, "/features") != NULL;
  kinds[0] = kind_of("feature", features, is_declared ? line_of(yaml, "/features", true) : 0);
  policy->kind_count = 1;
  const char *name = NULL;
  json_t *row = NULL;
  json_object_foreach(others, name, row) {
    AUTO(str_free) char *pointer = str_format("/work_branches/%s", name);
    kinds[policy->kind_count++] = kind_of(name, row, line_of(yaml, pointer, true));
  }
  policy->kinds = kinds;
}

static void build_rules(Policy *policy, const Yaml *yaml) {
  const json_t *list = json_object_get(policy->json, "allow");
  PolicyRule *rules = mem_new(json_array_size(list), sizeof *rules);
  for (size_t at = 0; at < json_array_size(list); at++) {
    AUTO(str_free) char *pointer = str_format("/allow/%zu", at);
    rules[at] =
        (PolicyRule){.value = json_array_get(list, at), .line = line_of(yaml, pointer, false)};
  }
  policy->rules = rules;
  policy->rule_count = json_array_size(list);
}

static void build_promotions(Policy *policy, const Yaml *yaml) {
  const json_t *list = json_object_get(policy->json, "promotion");
  PolicyPromotion *promotions = mem_new(json_array_size(list) + 1, sizeof *promotions);
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(list, at, row) {
    AUTO(str_free) char *pointer = str_format("/promotion/%zu", at);
    promotions[at] = (PolicyPromotion){
        .from = json_string_or(row, "from", ""),
        .to = json_string_or(row, "to", ""),
        .approvals = json_integer_or(row, "approvals", 0),
        .author_may_approve = json_bool_or(row, "author_may_approve", false),
        .line = line_of(yaml, pointer, false),
    };
    promotions[at].require =
        texts_of(json_object_get(row, "require"), &promotions[at].require_count);
  }
  policy->promotions = promotions;
  policy->promotion_count = json_array_size(list);
}

static void build_commands(Policy *policy) {
  json_t *row = json_object_get(policy->json, "commands");
  PolicyCommand *commands = mem_new(json_object_size(row) + 1, sizeof *commands);
  const char *name = NULL;
  json_t *command = NULL;
  json_object_foreach(row, name, command) {
    commands[policy->command_count++] =
        (PolicyCommand){.name = name, .command = json_string_value(command)};
  }
  policy->commands = commands;
}

static void build_demands(Policy *policy) {
  const json_t *migrations = json_object_get(policy->json, "migrations");
  const json_t *tests = json_object_get(policy->json, "tests");
  policy->migrations_idempotent = json_bool_or(migrations, "idempotent", false);
  policy->migrations_layout = json_string_or(migrations, "layout", NULL);
  policy->tests_from_target = str_equal(json_string_or(tests, "from", "change"), "target");
}

static void build_numbers(Policy *policy, const Yaml *yaml) {
  const json_t *keep = json_object_get(policy->json, "keep");
  const json_t *limits = json_object_get(policy->json, "limits");
  policy->keep_snapshots_s = json_integer_or(keep, "snapshots", 0);
  policy->keep_audit_s = json_integer_or(keep, "audit", 0);
  policy->limit_branches = json_integer_or(limits, "branches", 0);
  policy->limits_line = policy->limit_branches != 0 ? line_of(yaml, "/limits/branches", true) : 0;
  policy->limit_branch_bytes = json_integer_or(limits, "branch_bytes", 0);
  policy->limit_connections = json_integer_or(limits, "connections_per_branch", 0);
}

Policy *policy_build(json_t *canonical, const Yaml *yaml) {
  Policy *policy = mem_new(1, sizeof *policy);
  policy->json = canonical;
  policy->version = json_integer_or(canonical, "version", 1);
  policy->project = json_string_or(canonical, "project", "");
  policy->timezone = json_string_or(canonical, "timezone", "UTC");
  policy->entry = json_string_or(canonical, "entry", "");
  policy->roles = texts_of(json_object_get(canonical, "roles"), &policy->role_count);
  policy->extensions = texts_of(json_object_get(canonical, "extensions"), &policy->extension_count);
  build_tiers(policy, yaml);
  build_kinds(policy, yaml);
  build_rules(policy, yaml);
  build_promotions(policy, yaml);
  build_commands(policy);
  build_demands(policy);
  build_numbers(policy, yaml);
  policy->compiled = rules_compile(policy);
  return policy;
}

void policy_free(Policy *policy) {
  if (policy == NULL)
    return;
  rules_free(policy->compiled);
  for (size_t at = 0; at < policy->promotion_count; at++)
    mem_free(policy->promotions[at].require);
  mem_free((void *)policy->promotions);
  mem_free((void *)policy->commands);
  mem_free((void *)policy->rules);
  mem_free((void *)policy->kinds);
  mem_free((void *)policy->tiers);
  mem_free((void *)policy->roles);
  mem_free((void *)policy->extensions);
  json_decref(policy->json);
  mem_free(policy);
}
