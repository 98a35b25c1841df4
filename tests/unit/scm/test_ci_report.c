/* The comment of a run: what a migration, a program or a file name says stands in it as text. */
#include "scm/ci_report.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Would be a tag, a cell, a link, an image, a mention, a reference, code or a comment. */
static const char hostile[] =
    "ERROR: <img src=x> | `code` [a](http://evil.example) ![i](//evil.example/x.png) @team "
    "&#64;team #1 www.evil.example **bold** --> <!-- x -->\n| a | b |\n\033[2J \xE2\x80\xAE";

static char *comment_with(const char *summary, const char *note) {
  CiCourse course = {.failed = true, .notes = json_array()};
  Buffer edited = {0};
  AUTO(json_free)
  json_t *checks =
      json_pack("[{s:s, s:s, s:s}]", "name", "migrate", "state", "failed", "summary", summary);
  (void)json_array_append_new(course.notes, json_string(note));
  char *text = write_comment(&course, checks, &edited);
  json_free(course.notes);
  assert_non_null(text);
  return text;
}

static void check_harmless(const char *text) {
  static const char *const never[] = {"<img",  "`",      "](",   "@",    " #1",          "www.",
                                      "http:", "**bold", "<!--", "\033", "\xE2\x80\xAE", "| a"};
  for (size_t at = 0; at < ARRAY_LENGTH(never); at++)
    if (strstr(text, never[at]) != NULL)
      fail_msg("%s in:\n%s", never[at], text);
}

static void test_hostile(void **state) {
  AUTO(str_free) char *summary = comment_with(hostile, "nothing");
  AUTO(str_free) char *note = comment_with("", hostile);
  check_harmless(summary);
  check_harmless(note);
  assert_non_null(strstr(summary, "ERROR"));
  assert_non_null(strstr(note, "ERROR"));
}

/* A line of the table stays one, however long the message; a character isn't cut in two. */
static void test_long(void **state) {
  char message[4 * CELL_LIMIT + 1] = "";
  for (size_t at = 0; at + 3 < sizeof message; at += 3)
    (void)memcpy(message + at, "\xE2\x82\xAC", 3);
  AUTO(str_free) char *text = comment_with(message, "nothing");
  AUTO(json_free) json_t *value = json_string(text);
  assert_non_null(value);
  assert_true(strlen(text) < 2 * sizeof message);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
