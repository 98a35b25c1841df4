/* The program itself, where no server is needed: exit statuses, streams, help, generated files. */
#include "core/process.h"
#include "core/program.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WORD_LIMIT = 12 };

static const char *const environment[] = {"PATH=/usr/bin:/bin", "BOUGH_HOME=/nonexistent/home",
                                          "HOME=/nonexistent", NULL};

static int run(const char *const *argv, ProcessResult *ret) {
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  options.environment = environment;
  options.timeout_ms = 30000;
  if (!process_run(argv, &options, ret, &err))
    fail_msg("%s", err.message);
  return ret->status;
}

/* bough with words separated by blanks. */
static int bough(const char *line, ProcessResult *ret) {
  AUTO(str_free) char *program = NULL;
  AUTO(str_free) char *copy = str_dup(line);
  const char *argv[WORD_LIMIT] = {NULL};
  size_t count = 1;
  assert_true(program_path("bough", &program, NULL));
  argv[0] = program;
  char *rest = copy;
  for (char *word; (word = strsep(&rest, " ")) != NULL && count < WORD_LIMIT - 1;)
    argv[count++] = word;
  return run(argv, ret);
}

static const struct {
  const char *line;
  int status;
  const char *output; /* a part of it, on stdout or stderr */
} cases[] = {
    {"--version", 0, "bough 0."},
    {"--help", 0, "branch create       fork a branch"},
    {"branch --help", 0, "branch tree"},
    {"branch create --help", 0, "Usage: bough branch create NAME [--parent BRANCH]"},
    {"psql --help", 0, "[-- psql arguments]"},
    {"branch create", 1, "NAME is missing"},
    {"--json branch create", 1, "{\"ok\":false,\"error\":{\"code\":\"usage\""},
    {"--json branch create Bad", 2, "\"code\":\"invalid-name\""},
    {"branch list", 1, "there is no Bough"},
    {"--json status", 1, "{\"ok\":false,\"error\":{\"code\":\"nothing-to-do\""},
    {"status", 1, "hint: run `bough up`"},
    {"--server http://10.0.0.1:80 status", 2, "is not this machine"},
    {"--server ftp://x status", 1, "is no server"},
    {"--server unix:///x --token-file /nonexistent status", 3, "/nonexistent"},
    {"policy check " POLICY_DATA "/contract.yaml", 0, "2 tiers, 3 kinds of branches, 10 rules"},
    {"--json policy check " POLICY_DATA "/contract.yaml", 0, "\"valid\":true"},
    {"policy check " POLICY_DATA "/decisions.txt", 2, ":1: did not find"},
    {"--json policy check " POLICY_DATA "/decisions.txt", 2, "\"valid\":false"},
    {"policy check /nonexistent/bough.yaml", 1, "there is no file"},
    {"policy check /", 3, "could not read"},
    {"policy check", 1, "FILE is missing"},
    {"down", 1, "there is no Bough in \"/nonexistent/home\""},
    {"--json down", 1, "\"code\":\"nothing-to-do\""},
    {"--server unix:///x up", 1, "makes no sense here"},
    {"pool create", 1, "give one of --path"},
    {"pool create --image /x", 1, "--image and --size go together"},
    {"project create x", 1, "where should the data come from"},
    {"project create x --empty --sample inventory", 1, "exclude each other"},
    {"project create x --empty --trust", 1, "--trust goes with --sql only"},
    {"project create x --sample inventory --scale 0", 1, "--scale takes a number"},
    {"project create x --sample inventory --scale 1x", 1, "--scale takes a number"},
    {"project create x --from dbname=a --method magic", 1, "--method is"},
    {"project create x --sql /nonexistent.sql", 1, "/nonexistent.sql"},
    {"--json project create x --from password=secret", 2, "\"code\":\"password-in-conninfo\""},
    {"project create x --from postgresql://u:secret@h/d", 2, "PGPASSFILE"},
    {"project create x --from postgresql://h/d?password=secret", 2, "PGPASSFILE"},
    {"project create x --from postgresql://h/d?sslpassword=secret", 2, "PGPASSFILE"},
    {"project create x --from nonsense", 1, "malformed"},
    {"project create x --from host=/nonexistent", 2, "failed"},
    {"--json psql x", 1, "psql answers in no JSON"},
    {"generate nonsense", 1, "no document"},
};

static void test_exit_statuses(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    AUTO_RELEASE(process_result_release) ProcessResult result = {0};
    int status = bough(cases[at].line, &result);
    if (status != cases[at].status || strstr(result.output, cases[at].output) == NULL)
      fail_msg("\"%s\": status %d, \"%s\"", cases[at].line, status, result.output);
    assert_null(strstr(result.output, "secret"));
    assert_null(strchr(result.output, '\033'));
  }
}

/* The generated completion, asked as bash would ask it. */
static const struct {
  const char *words; /* of COMP_WORDS; the last one is completed */
  const char *reply;
} completions[] = {
    {"bough br", "branch"},
    {"bough pool ''", "create status"},
    {"bough branch re", "reset rename"},
    {"bough branch create --p", "--parent --project"},
    {"bough down --k", "--keep-computes"},
};

static void test_bash_completes(void **state) {
  AUTO_RELEASE(process_result_release) ProcessResult script = {0};
  assert_int_equal(bough("generate bash", &script), 0);
  for (size_t at = 0; at < ARRAY_LENGTH(completions); at++) {
    AUTO_RELEASE(process_result_release) ProcessResult result = {0};
    AUTO(str_free)
    char *text = str_format("%s\nCOMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bough\n"
                            "echo \"${COMPREPLY[*]}\"",
                            script.output, completions[at].words);
    AUTO(str_free) char *expected = str_format("%s\n", completions[at].reply);
    assert_int_equal(run((const char *const[]){"bash", "-c", text, NULL}, &result), 0);
    assert_string_equal(result.output, expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exit_statuses),
      cmocka_unit_test(test_bash_completes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
