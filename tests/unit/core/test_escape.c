/* Strangers' text for terminals and for markup. */
#include "core/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_terminal(const char *text, int indent, const char *expected) {
  AUTO_RELEASE(buffer_release) Buffer shown = {0};
  escape_terminal(&shown, text, indent);
  assert_string_equal(shown.text, expected);
}

static void test_terminal(void **state) {
  expect_terminal("Gr\xC3\xB6\xC3\x9F"
                  "e \xE6\xBC\xA2 \xF0\x9F\x8C\xB3",
                  -1,
                  "Gr\xC3\xB6\xC3\x9F"
                  "e \xE6\xBC\xA2 \xF0\x9F\x8C\xB3");
  expect_terminal("a\tb\nc", -1, "a  b\\nc");
  expect_terminal("a\nb", 0, "a\nb");
  expect_terminal("a\nb", 2, "a\n  b");
  expect_terminal("\033[2J\r\x7f", -1, "\\u{1b}[2J\\u{0d}\\u{7f}");
  expect_terminal("\xC2\x9B"
                  "31m",
                  -1, "\\u{9b}31m");                      /* a control of one byte elsewhere */
  expect_terminal("\xE2\x80\xAEtxt", -1, "\\u{202e}txt"); /* right to left */
  expect_terminal("a\xE3\x85\xA4", -1, "a\\u{3164}");     /* looks like nothing */
  expect_terminal("a\xF3\xA0\x81\xA1\xEF\xB8\x8F", -1, "a\\u{e0061}\\u{fe0f}"); /* a tag */
  expect_terminal("\xff\xc0\x80\xe2\x28", -1, "\\xff\\xc0\\x80\\xe2(");
}

static void test_markup(void **state) {
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  AUTO_RELEASE(buffer_release) Buffer block = {0};
  escape_inline(&line, "<a>\n@b|`\033");
  assert_string_equal(line.text, "&#60;a&#62;&#92;n&#64;b&#124;&#96;&#92;u&#123;1b&#125;");
  escape_block(&block, "</pre>\n\tx");
  assert_string_equal(block.text, "&#60;&#47;pre&#62;\n\tx");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_terminal),
      cmocka_unit_test(test_markup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
