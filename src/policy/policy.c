/* A policy: from its text to a value, and looking things up in it. */
#include "policy/policy.h"

#include "core/embed.h"
#include "core/json_schema.h"
#include "core/str.h"
#include "policy/build.h"
#include "policy/check.h"

#include <string.h>

enum { KEEP_SNAPSHOTS_S = 7 * 24 * 60 * 60 };

extern const EmbeddedFile policy_schema[]; /* docs/bough-policy.schema.json */

typedef struct Report {
  const Yaml *yaml;
  PolicyFindings *findings;
  size_t known; /* findings of reading: the same place isn't told twice */
} Report;

static void on_finding(void *context, const JsonSchemaFinding *finding) {
  Report *report = context;
  AUTO_RELEASE(buffer_release) Buffer pointer = {0};
  buffer_add_text(&pointer, finding->pointer);
  if (finding->member != NULL)
    json_pointer_add(&pointer, finding->member);
  Place place = yaml_place(report->yaml, pointer.text, finding->member != NULL);
  for (size_t at = 0; at < report->known; at++)
    if (report->findings->items[at].line == place.line &&
        report->findings->items[at].column == place.column)
      return;
  findings_add(report->findings, place, finding->expected, "%s", finding->message);
}

static bool check_schema(const Yaml *yaml, PolicyFindings *findings, Error *err) {
  AUTO(json_free) json_t *schema = NULL;
  Report report = {.yaml = yaml, .findings = findings, .known = findings->count};
  if (!json_parse(policy_schema[0].text, strlen(policy_schema[0].text), &schema, err) ||
      !json_schema_check(schema, err))
    return error_prefix(err, "%s", policy_schema[0].name);
  (void)!json_schema_validate(schema, yaml->value, on_finding, &report); /* it told the findings */
  return true;
}

static bool refuse(PolicyFindings *findings, Error *err) {
  findings_sort(findings);
  const PolicyFinding *first = &findings->items[0];
  (void)error_set(err, ERROR_POLICY_INVALID, "line %d, column %d: %s%s%s%s", first->line,
                  first->column, first->message, first->expected[0] != '\0' ? " (expected " : "",
                  first->expected, first->expected[0] != '\0' ? ")" : "");
  return findings->count == 1
             ? false
             : error_hint(err, "there are %zu more: bough policy check FILE", findings->count - 1);
}

static bool read_and_check(const char *text, size_t length, Yaml *yaml, PolicyFindings *findings,
                           Error *err) {
  yaml_read(text, length, yaml, findings);
  if (yaml->value == NULL)
    return true;
  if (!check_schema(yaml, findings, err))
    return false;
  check_all(yaml, findings);
  return true;
}

bool policy_parse(const char *text, size_t length, Policy **ret, PolicyFindings *ret_findings,
                  Error *err) {
  AUTO_RELEASE(yaml_release) Yaml yaml = {0};
  if (length > POLICY_TEXT_LIMIT)
    findings_add(ret_findings, (Place){1, 1}, "at most 512 KiB", "the file is too large");
  else if (!read_and_check(text, length, &yaml, ret_findings, err))
    return false;
  if (ret_findings->count > 0)
    return refuse(ret_findings, err);
  *ret = policy_build(policy_canonical(yaml.value), &yaml);
  return true;
}

const json_t *policy_json(const Policy *policy) {
  return policy->json;
}

const PolicyTier *policy_tier(const Policy *policy, const char *name) {
  for (size_t at = 0; at < policy->tier_count; at++)
    if (str_equal(policy->tiers[at].name, name))
      return &policy->tiers[at];
  return NULL;
}

const PolicyKind *policy_kind(const Policy *policy, const char *name) {
  for (size_t at = 0; at < policy->kind_count; at++)
    if (str_equal(policy->kinds[at].name, name))
      return &policy->kinds[at];
  return NULL;
}

const PolicyPromotion *policy_promotion(const Policy *policy, const char *from, const char *to) {
  for (size_t at = 0; at < policy->promotion_count; at++)
    if (str_equal(policy->promotions[at].from, from) && str_equal(policy->promotions[at].to, to))
      return &policy->promotions[at];
  return NULL;
}

const char *policy_command(const Policy *policy, const char *name) {
  for (size_t at = 0; at < policy->command_count; at++)
    if (str_equal(policy->commands[at].name, name))
      return policy->commands[at].command;
  return NULL;
}

static bool is_among(const char *const *names, size_t count, const char *name) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(names[at], name))
      return true;
  return false;
}

bool policy_has_role(const Policy *policy, const char *role) {
  return is_among(policy->roles, policy->role_count, role);
}

bool policy_has_extension(const Policy *policy, const char *extension) {
  return is_among(policy->extensions, policy->extension_count, extension);
}

const char *policy_parent_of_kind(const Policy *policy, const char *kind) {
  const PolicyKind *row = policy_kind(policy, kind);
  return row != NULL ? row->parent : NULL;
}

int64_t policy_ttl_cap(const Policy *policy, const char *kind) {
  const PolicyKind *row = policy_kind(policy, kind);
  if (row == NULL)
    return 0;
  return row->ttl_max_s > 0 ? row->ttl_max_s : row->ttl_s;
}

int64_t policy_keep_snapshots(const Policy *policy) {
  return policy != NULL && policy->keep_snapshots_s > 0 ? policy->keep_snapshots_s
                                                        : KEEP_SNAPSHOTS_S;
}
