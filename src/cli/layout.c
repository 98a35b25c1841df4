/* The layout of a folder of migrations: said, or declared in the policy's file beside it. */
#include "cli/layout.h"

#include "core/io.h"
#include "core/str.h"
#include "policy/policy.h"

#include <string.h>

#define POLICY_FILE "bough.yaml"

/* "work/migrations/" lies in "work", "migrations" in ".". */
static char *folder_around(const char *folder) {
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/')
    length--;
  while (length > 0 && folder[length - 1] != '/')
    length--;
  return length > 0 ? str_ndup(folder, length) : str_dup(".");
}

static char *declared_layout(const char *file) {
  AUTO(str_free) char *text = NULL;
  AUTO(policy_free) Policy *policy = NULL;
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  Error ignored = ERROR_INIT; /* see layout.h */
  size_t length = 0;
  if (!io_exists(file) || !io_read_file(file, POLICY_TEXT_LIMIT, &text, &length, &ignored) ||
      !policy_parse(text, length, &policy, &findings, &ignored) ||
      policy->migrations_layout == NULL)
    return NULL;
  return str_dup(policy->migrations_layout);
}

char *layout_of_folder(const Cli *cli, const char *folder) {
  const char *said = invocation_value(&cli->invocation, "layout");
  if (said != NULL)
    return str_dup(said);
  AUTO(str_free) char *around = folder_around(folder);
  AUTO(str_free) char *file = path_join(around, POLICY_FILE);
  return declared_layout(file);
}
