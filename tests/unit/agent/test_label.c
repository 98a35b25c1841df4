/* What a backup label puts in place of pg_control. */
#include "agent/label.h"

#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char label[] = "START WAL LOCATION: 1/2000028 (file 000000030000000100000002)\n"
                            "CHECKPOINT LOCATION: 1/2000060\n"
                            "BACKUP METHOD: streamed\n"
                            "BACKUP FROM: primary\n"
                            "START TIME: 2024-01-01 00:00:00 UTC\n"
                            "LABEL: START TIMELINE: 9\n"
                            "START TIMELINE: 3\n";

static void test_whole(void **state) {
  Control control = {.redo = 5, .checkpoint = 6, .timeline = 7, .max_connections = 8};
  Error err = ERROR_INIT;
  assert_true(label_apply(label, &control, &err));
  assert_int_equal(control.redo, 0x102000028);
  assert_int_equal(control.checkpoint, 0x102000060);
  assert_int_equal(control.timeline, 3); /* not the one that a label's own text pretends */
  assert_int_equal(control.max_connections, 8);
}

static void test_broken(void **state) {
  static const char *const texts[] = {
      "",
      "\n\n",
      "START WAL LOCATION: 1/2000028\n",
      "START WAL LOCATION: x\nCHECKPOINT LOCATION: 1/2\nSTART TIMELINE: 1\n",
      "START WAL LOCATION: 1/2\nCHECKPOINT LOCATION: 1/2\n",
      "START WAL LOCATION: 1/2\nCHECKPOINT LOCATION: 1/2\nSTART TIMELINE: 0\n",
      "START WAL LOCATION: 1/2\nCHECKPOINT LOCATION: 1/2\nSTART TIMELINE: 99999999999\n",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    Control control = {.redo = 5};
    Error err = ERROR_INIT;
    assert_false(label_apply(texts[at], &control, &err));
    assert_true(err.code != ERROR_NONE);
    assert_int_equal(control.redo, 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
