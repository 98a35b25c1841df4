/* Reading the policies that lie beside these tests. */
#pragma once

#include "core/io.h"
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The text of a file beside the tests, owned by the caller. */
static inline char *test_text(const char *file) {
  AUTO(str_free) char *path = path_join(POLICY_DATA, file);
  char *text = NULL;
  size_t length = 0;
  Error err = ERROR_INIT;
  if (!io_read_file(path, POLICY_TEXT_LIMIT, &text, &length, &err))
    fail_msg("%s", err.message);
  return text;
}

static inline Policy *test_parse(const char *text) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  Policy *policy = NULL;
  Error err = ERROR_INIT;
  if (!policy_parse(text, strlen(text), &policy, &findings, &err)) {
    AUTO(str_free) char *all = policy_findings_text(&findings, "policy");
    fail_msg("%s\n%s", err.message, all);
  }
  return policy;
}

static inline Policy *test_policy(const char *file) {
  AUTO(str_free) char *text = test_text(file);
  return test_parse(text);
}
