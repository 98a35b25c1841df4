/* bough policy ... */
#include "cli/handlers.h"
#include "cli/show.h"
#include "core/io.h"
#include "policy/policy.h"

enum { EXIT_REFUSED = 2 };

/* The text of a policy file; what is too large for one is told by who parses it. */
static bool read_policy(const char *path, char **ret, size_t *ret_length, Error *err) {
  if (!io_exists(path))
    return error_set(err, ERROR_NOTHING_TO_DO, "there is no file \"%s\"", path);
  return io_read_file(path, (size_t)POLICY_TEXT_LIMIT * 2, ret, ret_length, err);
}

bool cmd_policy_check_run(Cli *cli, json_t **ret, Error *err) {
  const char *path = cli->invocation.arguments[0];
  AUTO(str_free) char *text = NULL;
  AUTO(policy_free) Policy *policy = NULL;
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  Error failure = ERROR_INIT;
  size_t length = 0;
  if (!read_policy(path, &text, &length, err))
    return false;
  bool valid = policy_parse(text, length, &policy, &findings, &failure);
  if (!valid && findings.count == 0)
    return error_set(err, failure.code, "%s", failure.message);
  *ret = json_pack("{s:o, s:b, s:o, s:I, s:I, s:I}", "file", json_line(path), "valid", valid,
                   "findings", policy_findings_json(&findings), "tiers",
                   (json_int_t)(valid ? policy->tier_count : 0), "kinds",
                   (json_int_t)(valid ? policy->kind_count : 0), "rules",
                   (json_int_t)(valid ? policy->rule_count : 0));
  if (!valid)
    cli->exit_status = EXIT_REFUSED;
  return true;
}

static void show_finding(const Cli *cli, const char *file, const json_t *finding) {
  const char *expected = json_string_or(finding, "expected", "");
  show_line(cli, COLOUR_NONE, "%s:%d:%d: %s%s%s%s", file, (int)json_integer_or(finding, "line", 0),
            (int)json_integer_or(finding, "column", 0), show_text(finding, "message"),
            expected[0] != '\0' ? " (expected " : "", expected, expected[0] != '\0' ? ")" : "");
}

void cmd_policy_check_show(Cli *cli, const json_t *result) {
  const char *file = show_text(result, "file");
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(show_array(result, "findings"), at, finding) {
    show_finding(cli, file, finding);
  }
  if (json_bool_or(result, "valid", false))
    show_line(cli, COLOUR_GOOD, "%s is a policy: %d tiers, %d kinds of branches, %d rules", file,
              (int)json_integer_or(result, "tiers", 0), (int)json_integer_or(result, "kinds", 0),
              (int)json_integer_or(result, "rules", 0));
}
