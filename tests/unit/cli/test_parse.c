/* Command lines: what is understood, what is refused and how it ends. */
#include "cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORD_LIMIT = 16 };

/* What was understood, as text: "noun verb [ARGUMENT ...] {flag=value ...} -- rest". */
static const struct {
  const char *line; /* words separated by blanks */
  ErrorCode code;
  const char *meaning; /* for a failure: a part of the message */
} cases[] = {
    {"branch create x", ERROR_NONE, "branch create [x] {}"},
    {"branch create x --parent main --start", ERROR_NONE, "branch create [x] {parent=main start}"},
    {"branch create --parent=main x", ERROR_NONE, "branch create [x] {parent=main}"},
    {"--json branch create x", ERROR_NONE, "branch create [x] {json}"},
    {"branch --json create x -q", ERROR_NONE, "branch create [x] {json quiet}"},
    {"branch rename a b", ERROR_NONE, "branch rename [a b] {}"},
    {"branch show -- x", ERROR_NONE, "branch show [x] {}"},
    {"up --pool-size 3G", ERROR_NONE, "up [] {pool-size=3G}"},
    {"psql x", ERROR_NONE, "psql [x] {} --"},
    {"psql x -- -c select", ERROR_NONE, "psql [x] {} -- -c select"},
    {"psql --project p x -- --json", ERROR_NONE, "psql [x] {project=p} -- --json"},
    {"project create p --sql a.sql b.sql", ERROR_NONE, "project create [p] {sql=a.sql sql=b.sql}"},
    {"project create p --sql a b --trust --sql c", ERROR_NONE,
     "project create [p] {sql=a sql=b trust sql=c}"},
    {"project create --sql a --root r p", ERROR_NONE, "project create [p] {sql=a root=r}"},
    {"project create p --sql -", ERROR_NONE, "project create [p] {sql=-}"},
    {"audit --since 1h", ERROR_NONE, "audit [] {since=1h}"},
    {"audit verify --anchor f", ERROR_NONE, "audit verify [] {anchor=f}"},
    {"audit prove", ERROR_USAGE, "unexpected \"prove\""},
    {"--help", ERROR_NONE, "help {help}"},
    {"-h", ERROR_NONE, "help {help}"},
    {"help", ERROR_NONE, "help {}"},
    {"help branch", ERROR_NONE, "help branch {}"},
    {"branch --help", ERROR_NONE, "help branch {help}"},
    {"help branch create", ERROR_NONE, "help branch create {}"},
    {"branch create --help", ERROR_NONE, "help branch create {help}"},
    {"branch create Bad --help", ERROR_NONE, "help branch create {help}"},
    {"--version", ERROR_NONE, "version {version}"},

    {"", ERROR_USAGE, "no command"},
    {"branch", ERROR_USAGE, "branch what"},
    {"brunch create x", ERROR_USAGE, "unknown command \"brunch\""},
    {"branch fork x", ERROR_USAGE, "unknown command \"branch fork\""},
    {"branch create", ERROR_USAGE, "NAME is missing"},
    {"branch rename a", ERROR_USAGE, "NEW is missing"},
    {"branch create a b", ERROR_USAGE, "unexpected \"b\""},
    {"branch show a -- b", ERROR_USAGE, "unexpected \"b\""},
    {"branch create x --color", ERROR_USAGE, "unknown flag --color"},
    {"branch create x -z", ERROR_USAGE, "unknown flag -z"},
    {"branch create x --par main", ERROR_USAGE, "unknown flag"}, /* no abbreviations */
    {"branch create x --par=main", ERROR_USAGE, "unknown flag --par=main"},
    {"branch create x --sta", ERROR_USAGE, "unknown flag --sta"},
    {"branch create x --start=1", ERROR_USAGE, "unknown flag --start=1"},
    {"branch create x --parent", ERROR_USAGE, "--parent needs a value"},
    {"branch list --recursive", ERROR_USAGE, "unknown flag --recursive"},
    {"status --ttl 7d", ERROR_USAGE, "unknown flag --ttl"},
    {"branch create Feature/X", ERROR_INVALID_NAME, "Feature/X"},
    {"branch create 1st", ERROR_INVALID_NAME, "1st"},
    {"branch create -- -x", ERROR_INVALID_NAME, "-x"},
    {"branch create ../../etc", ERROR_INVALID_NAME, "../../etc"},
    {"branch create a;drop", ERROR_INVALID_NAME, "a;drop"},
    {"branch create xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     ERROR_INVALID_NAME, "xxxx"},
    {"branch rename good B\xc3\x84"
     "D",
     ERROR_INVALID_NAME, "invalid branch name"},
    {"project show UPPER", ERROR_INVALID_NAME, "invalid project name"},
};

static int split(char *text, char *words[WORD_LIMIT]) {
  static char program[] = "bough";
  int count = 0;
  words[count++] = program;
  for (char *word; (word = strsep(&text, " ")) != NULL && count < WORD_LIMIT - 1;)
    if (word[0] != '\0')
      words[count++] = word;
  words[count] = NULL;
  return count;
}

static void describe_flags(const Invocation *invocation, Buffer *text) {
  buffer_add_text(text, "{");
  for (size_t at = 0; at < invocation->flag_count; at++)
    buffer_add_format(text, "%s%s%s%s", at > 0 ? " " : "", invocation->flags[at].flag->name,
                      invocation->flags[at].value != NULL ? "=" : "",
                      invocation->flags[at].value != NULL ? invocation->flags[at].value : "");
  buffer_add_text(text, "}");
}

static char *describe(const Invocation *invocation) {
  Buffer text = {0};
  const Command *command = invocation->command;
  const char *noun = command != NULL ? command->noun : invocation->noun;
  bool runs = !invocation->wants_help && !invocation->wants_version;
  if (!runs)
    buffer_add_text(&text, invocation->wants_version ? "version " : "help ");
  if (noun != NULL)
    buffer_add_format(&text, "%s ", noun);
  if (command != NULL && command->verb != NULL)
    buffer_add_format(&text, "%s ", command->verb);
  for (size_t at = 0; runs && at < invocation->argument_count; at++)
    buffer_add_format(&text, "%s%s", at == 0 ? "[" : " ", invocation->arguments[at]);
  if (runs)
    buffer_add_text(&text, invocation->argument_count > 0 ? "] " : "[] ");
  describe_flags(invocation, &text);
  if (invocation->rest != NULL)
    buffer_add_text(&text, " --");
  for (char *const *word = invocation->rest; word != NULL && *word != NULL; word++)
    buffer_add_format(&text, " %s", *word);
  return buffer_steal(&text);
}

static void check(const char *line, ErrorCode code, const char *meaning) {
  AUTO(str_free) char *copy = str_dup(line);
  char *words[WORD_LIMIT];
  int count = split(copy, words);
  AUTO_RELEASE(invocation_release) Invocation invocation = {0};
  Error err = ERROR_INIT;
  bool ok = invocation_parse(count, words, &invocation, &err);
  if (ok != (code == ERROR_NONE) || err.code != code)
    fail_msg("\"%s\": %s", line, ok ? "understood" : err.message);
  AUTO(str_free) char *got = ok ? describe(&invocation) : str_dup(err.message);
  if (ok ? !str_equal(got, meaning) : strstr(got, meaning) == NULL)
    fail_msg("\"%s\": got \"%s\", not \"%s\"", line, got, meaning);
  if (!ok && err.hint[0] == '\0')
    fail_msg("\"%s\": no hint", line);
}

static void test_command_lines(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++)
    check(cases[at].line, cases[at].code, cases[at].meaning);
}

static void test_json_is_known_when_the_rest_is_wrong(void **state) {
  char line[] = "--json branch create Bad";
  char *words[WORD_LIMIT];
  int count = split(line, words);
  AUTO_RELEASE(invocation_release) Invocation invocation = {0};
  Error err = ERROR_INIT;
  assert_false(invocation_parse(count, words, &invocation, &err));
  assert_true(invocation_has(&invocation, "json"));
}

static void test_the_last_value_counts(void **state) {
  char line[] = "branch create x --parent a --parent b";
  char *words[WORD_LIMIT];
  int count = split(line, words);
  AUTO_RELEASE(invocation_release) Invocation invocation = {0};
  Error err = ERROR_INIT;
  assert_true(invocation_parse(count, words, &invocation, &err));
  assert_string_equal(invocation_value(&invocation, "parent"), "b");
  assert_null(invocation_value(&invocation, "kind"));
}

static void test_a_git_name_is_mapped_in_the_hint(void **state) {
  char line[] = "branch create Feature/Split_It";
  char *words[WORD_LIMIT];
  int count = split(line, words);
  AUTO_RELEASE(invocation_release) Invocation invocation = {0};
  Error err = ERROR_INIT;
  assert_false(invocation_parse(count, words, &invocation, &err));
  assert_non_null(strstr(err.hint, "\"feature-split-it\""));
}

/* The table itself
 * ---------------------------------------------------------------------------------- */

static const Noun *noun_of(const Command *command) {
  for (size_t at = 0; at < noun_count; at++)
    if (str_equal(nouns[at].name, command->noun))
      return &nouns[at];
  return NULL;
}

/* Each "{...}" of a path is the project or an argument that the row has. */
static void check_path(const Command *command) {
  for (const char *at = command->path; (at = strchr(at, '{')) != NULL; at++) {
    if (str_starts(at, "{project}"))
      continue;
    assert_true(at[1] >= '0' && at[1] < '0' + ARGUMENT_LIMIT && at[2] == '}');
    assert_non_null(command->arguments[at[1] - '0'].name);
  }
}

static void check_flags(const Command *command) {
  for (size_t at = 0; at < FLAG_LIMIT && command->flags[at].name != NULL; at++) {
    assert_non_null(command->flags[at].summary);
    for (size_t other = 0; other < at; other++)
      assert_string_not_equal(command->flags[at].name, command->flags[other].name);
    for (size_t other = 0; other < common_flag_count; other++)
      assert_string_not_equal(command->flags[at].name, common_flags[other].name);
  }
}

/* `audit` is a command, and `audit verify` another. */
static bool is_plain(const char *noun) {
  for (size_t at = 0; at < command_count; at++)
    if (commands[at].verb == NULL && str_equal(commands[at].noun, noun))
      return true;
  return false;
}

static void test_rows_make_sense(void **state) {
  for (size_t at = 0; at < command_count; at++) {
    const Command *command = &commands[at];
    assert_non_null(command->summary);
    assert_int_equal(is_plain(command->noun), noun_of(command) == NULL);
    assert_true(command->run != NULL || command->path != NULL); /* or a run that asks that path */
    assert_int_equal(command->path != NULL, command->method != NULL);
    if (command->path != NULL)
      check_path(command);
    check_flags(command);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_command_lines),
      cmocka_unit_test(test_json_is_known_when_the_rest_is_wrong),
      cmocka_unit_test(test_the_last_value_counts),
      cmocka_unit_test(test_a_git_name_is_mapped_in_the_hint),
      cmocka_unit_test(test_rows_make_sense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
