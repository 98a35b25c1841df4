/* What doctor makes of the clock: the numbers are boughd's, the judgement is here. */
#include "branch/doctor.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
  int64_t jump_ms;
  const char *message; /* NULL: nothing is said */
} jumps[] = {
    {0, NULL},
    {4999, NULL},
    {-5000, NULL},
    {6000, "the wall clock jumped by 6 s since boughd started"},
    {-6000, "the wall clock jumped by -6 s since boughd started"},
    {30 * 86400000LL, "the wall clock jumped by 2592000 s since boughd started"},
};

static json_t *clock_findings(json_t *daemon) {
  Checkup checkup = {.daemon = daemon, .findings = json_array()};
  check_clock(&checkup);
  json_free(daemon);
  return checkup.findings;
}

static void test_jumped_clock(void **state) {
  for (size_t row = 0; row < ARRAY_LENGTH(jumps); row++) {
    AUTO(json_free)
    json_t *findings = clock_findings(
        json_pack("{s:I}", "clock_jump_us", (json_int_t)(jumps[row].jump_ms * 1000)));
    const json_t *first = json_array_get(findings, 0);
    assert_int_equal(json_array_size(findings), jumps[row].message != NULL ? 1 : 0);
    if (jumps[row].message == NULL)
      continue;
    assert_string_equal(json_string_or(first, "id", ""), "clock-jumped");
    assert_string_equal(json_string_or(first, "severity", ""), "warning");
    assert_string_equal(json_string_or(first, "message", ""), jumps[row].message);
  }
}

static void test_unknown_clock(void **state) {
  AUTO(json_free) json_t *findings = clock_findings(NULL);
  assert_int_equal(json_array_size(findings), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_jumped_clock),
                                     cmocka_unit_test(test_unknown_clock)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
