/* What is told about policies that are wrong: every case of wrong.txt, each place and its words. */
#include "core/clock.h"
#include "policies.h"

#include <stdlib.h>

enum { FILE_LINES = 200, EXPECTED = 20, CASES = 60 };

typedef struct Case {
  const char *title;
  char *lines[FILE_LINES]; /* of wrong.yaml, from 1; owned */
  Buffer after[FILE_LINES];
  Buffer whole; /* a file of its own */
  bool is_whole;
  const char *expected[EXPECTED];
  size_t expected_count;
} Case;

static const char *base_text;
static size_t wrong_count;

static void case_begin(Case *current, const char *title) {
  *current = (Case){.title = title};
  size_t line = 1;
  for (const char *at = base_text; *at != '\0'; at += strcspn(at, "\n") + 1)
    current->lines[line++] = str_ndup(at, strcspn(at, "\n"));
}

static void case_end(Case *current) {
  for (size_t line = 0; line < FILE_LINES; line++) {
    str_free(current->lines[line]);
    buffer_release(&current->after[line]);
  }
  buffer_release(&current->whole);
}

/* \t and \x1 stand for what an editor would hide. */
static char *unescape(const char *text) {
  Buffer plain = {0};
  buffer_add_text(&plain, "");
  for (; *text != '\0'; text++) {
    bool is_tab = text[0] == '\\' && text[1] == 't';
    bool is_byte = text[0] == '\\' && text[1] == 'x' && text[2] == '1';
    buffer_add(&plain, is_tab ? "\t" : is_byte ? "\xff" : text, 1);
    text += is_tab ? 1 : is_byte ? 2 : 0;
  }
  return buffer_steal(&plain);
}

static Buffer case_text(const Case *current) {
  Buffer text = {0};
  if (current->is_whole)
    buffer_add(&text, current->whole.text, current->whole.length);
  for (size_t line = 0; line < FILE_LINES && !current->is_whole; line++) {
    if (current->lines[line] != NULL)
      buffer_add_format(&text, "%s\n", current->lines[line]);
    if (current->after[line].length > 0)
      buffer_add_text(&text, current->after[line].text);
  }
  return text;
}

/* One "LINE:COLUMN SENTENCE ; EXPECTED" against one finding. */
static bool is_told(const char *expected, const PolicyFinding *finding) {
  AUTO(str_free)
  char *place = str_format("%d:%d ", finding->line, finding->column);
  const char *separator = strstr(expected, " ; ");
  const char *end = separator != NULL ? separator : strstr(expected, " ;");
  if (!str_starts(expected, place) || end == NULL)
    return false;
  AUTO(str_free)
  char *sentence = str_ndup(expected + strlen(place), (size_t)(end - expected) - strlen(place));
  return strstr(finding->message, sentence) != NULL &&
         strstr(finding->expected, separator != NULL ? separator + 3 : "") != NULL;
}

static void case_check(const Case *current) {
  AUTO_RELEASE(buffer_release) Buffer text = case_text(current);
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  Policy *policy = NULL;
  Error err = ERROR_INIT;
  bool valid = policy_parse(text.text, text.length, &policy, &findings, &err);
  bool is_right =
      !valid && err.code == ERROR_POLICY_INVALID && findings.count == current->expected_count;
  for (size_t at = 0; at < findings.count; at++) {
    bool found = false; /* those of one place come in the order of their words */
    for (size_t row = 0; row < current->expected_count; row++)
      found = found || is_told(current->expected[row], &findings.items[at]);
    is_right = is_right && found;
  }
  policy_free(policy);
  if (is_right)
    return;
  AUTO(str_free) char *told = policy_findings_text(&findings, "");
  print_error("%s: told:\n%s", current->title, told);
  wrong_count++;
}

static void case_line(Case *current, char *line) {
  if (line[0] == '>') {
    assert_true(current->expected_count < EXPECTED);
    current->expected[current->expected_count++] = line + 2;
    return;
  }
  AUTO(str_free) char *text = unescape(strlen(line) > 3 ? strpbrk(line, "|+-") + 1 : "");
  const char *content = text[0] == ' ' ? text + 1 : text;
  if (line[0] == '*') {
    current->is_whole = true;
    buffer_add_format(&current->whole, "%s\n", content);
    return;
  }
  char *kind = NULL;
  long number = strtol(line, &kind, 10);
  assert_true(number >= 0 && number < FILE_LINES && strchr("|+-", *kind) != NULL);
  if (*kind == '+') {
    buffer_add_format(&current->after[number], "%s\n", content);
    return;
  }
  str_free(current->lines[number]);
  current->lines[number] = *kind == '|' ? str_dup(content) : NULL;
}

static void every_case(void **state) {
  AUTO(str_free) char *base = test_text("wrong.yaml");
  AUTO(str_free) char *text = test_text("wrong.txt");
  AUTO(policy_free) Policy *policy = test_parse(base); /* what is changed is right before */
  static Case current;
  size_t cases = 0;
  base_text = base;
  for (char *line = text, *end = NULL; *line != '\0'; line = end) {
    end = line + strcspn(line, "\n");
    if (*end == '\n')
      *end++ = '\0';
    if (line[0] == '=') {
      if (cases++ > 0)
        case_check(&current);
      case_end(&current);
      case_begin(&current, line + 2);
    } else if (line[0] != '\0' && line[0] != '#') {
      case_line(&current, line);
    }
  }
  case_check(&current);
  case_end(&current);
  print_message("%zu policies\n", cases);
  assert_int_equal(wrong_count, 0);
  assert_true(cases >= CASES);
}

static void too_large(void **state) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  AUTO(str_free) char *text = mem_new(POLICY_TEXT_LIMIT + 2, 1);
  Policy *policy = NULL;
  Error err = ERROR_INIT;
  memset(text, ' ', POLICY_TEXT_LIMIT + 1);
  assert_false(policy_parse(text, POLICY_TEXT_LIMIT + 1, &policy, &findings, &err));
  assert_string_equal(findings.items[0].message, "the file is too large");
}

/* A list of lists of ... : stopped by what it holds, not by what it would take to hold it. */
static void too_many(void **state) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  Policy *policy = NULL;
  Error err = ERROR_INIT;
  buffer_add_text(&text, "extensions: [");
  for (int at = 0; at < POLICY_NODE_LIMIT + 10; at++)
    buffer_add_text(&text, "a,");
  buffer_add_text(&text, "a]\n");
  assert_false(policy_parse(text.text, text.length, &policy, &findings, &err));
  assert_int_equal(findings.count, 1);
  assert_string_equal(findings.items[0].message, "the file holds too many values");
}

/* # stands for a number. */
static void add_row(Buffer *text, const char *row, int number) {
  for (; *row != '\0'; row++) {
    if (*row == '#')
      buffer_add_format(text, "%d", number);
    else
      buffer_add(text, row, 1);
  }
}

/* head, then row as often as fits, then tail: told about, in an instant. */
static void check_large(const char *head, const char *row, const char *tail) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  Policy *policy = NULL;
  Error err = ERROR_INIT;
  buffer_add_text(&text, head);
  for (int at = 0; text.length + strlen(row) + strlen(tail) + 10 < POLICY_TEXT_LIMIT && at < 30000;
       at++)
    add_row(&text, row, at);
  buffer_add_text(&text, tail);
  int64_t start = clock_monotonic_ms();
  assert_false(policy_parse(text.text, text.length, &policy, &findings, &err));
  assert_int_equal(err.code, ERROR_POLICY_INVALID);
  assert_true(findings.count > 0 && findings.count <= POLICY_FINDING_LIMIT);
  print_message("%-30.30s %lld ms\n", row, (long long)(clock_monotonic_ms() - start));
}

/* What holds much of one thing: whatever looks at each with each would take hours. */
static void large_files(void **state) {
  AUTO(str_free) char *key = mem_new(101 + 1, 1);
  memset(key, 'k', 101);
  AUTO(str_free) char *long_key = str_format("%s: [", key);
  check_large("tiers:\n", "  - { name: t# }\n", "");
  check_large("tiers:\n", "  - { name: t#, parent: t# }\n", "");
  check_large("tiers: [{ name: a, audit: [", "ddl#, ", "x] }]\n");
  check_large("work_branches:\n", "  k#: { parent: k# }\n", "");
  check_large("allow:\n", "  - { role: r#, action: [branch.own], on: b }\n", "");
  check_large("allow: [{ role: a, action: [", "a#, ", "b], on: c }]\n");
  check_large("allow: [{ role: a, action: branch.own, on: [", "a#, ", "b] }]\n");
  check_large("promotion:\n", "  - { from: a, to: b# }\n", "");
  check_large("roles: [", "r#, ", "x]\n");
  check_large("extensions: [", "e#, ", "x]\n");
  check_large("{", "m#: 1, ", "x: 1}\n");
  check_large(long_key, "#, ", "1]\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_case),
      cmocka_unit_test(too_large),
      cmocka_unit_test(too_many),
      cmocka_unit_test(large_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
