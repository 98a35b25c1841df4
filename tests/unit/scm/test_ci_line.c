/* Which files say what a declared line does. */
#include "core/base.h"
#include "scm/ci_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Of a target that has these. */
static const char *const base[] = {"Makefile",     "app",       "app/Makefile",
                                   "ci",           "ci/run.sh", "check.sh",
                                   "package.json", "tests",     "tests/conftest.py"};

static const struct {
  const char *line;
  const char *path;
  CiRole role;
} cases[] = {
    {"make test", "Makefile", CI_ROLE_RULES},
    {"make test", "GNUmakefile", CI_ROLE_RULES},
    {"make test", "src/GNUmakefile", CI_ROLE_NONE},
    {"make test", "Makefile.sh", CI_ROLE_RULES},
    {"make test", "Makefile.inc", CI_ROLE_NONE},
    {"make test", "src/Makefile.sh", CI_ROLE_NONE},
    {"CI=1 /usr/bin/make test", "makefile", CI_ROLE_RULES},
    {"cd app && make test", "app/makefile", CI_ROLE_RULES},
    {"make --directory=app test", "app/makefile", CI_ROLE_RULES},
    {"cd web && make test", "web/Makefile", CI_ROLE_RUN},
    {"make test", "test", CI_ROLE_GOAL},
    {"make test", "test/a/b", CI_ROLE_GOAL},
    {"make test", "tests/a", CI_ROLE_NONE},
    {"make tests", "tests/a", CI_ROLE_NONE},
    {"make -C app test", "app/test/x", CI_ROLE_GOAL},
    {"npm test", "test/x", CI_ROLE_NONE},
    {"sh check.sh", "check.sh", CI_ROLE_RUN},
    {"sh \"$PWD/check.sh\"", "check.sh", CI_ROLE_RUN},
    {"(sh 'check.sh')", "check.sh", CI_ROLE_RUN},
    {"sh check.sh", "ci/check.sh", CI_ROLE_NONE},
    {"sh .ci/check.sh", "check.sh", CI_ROLE_NONE},
    {"cd ci; ./run.sh", "ci/run.sh", CI_ROLE_RUN},
    {"sh check.sh", "GNUmakefile", CI_ROLE_NONE},
    {"sh check.sh", "src/.gitattributes", CI_ROLE_WRITES},
    {"npm ci && npm test", ".npmrc", CI_ROLE_RULES},
    {"npm ci && npm test", "package.json", CI_ROLE_MIXED},
    {"python3 -m pytest tests", "pytest.ini", CI_ROLE_RULES},
    {"python3 -m pytest tests/", "tests/pytest.ini", CI_ROLE_RULES},
    {"python3 -m pytest tests", "docs/pytest.ini", CI_ROLE_NONE},
    {"pytest", "a/b/conftest.py", CI_ROLE_MIXED},
    {"pytest", "a/myconftest.py", CI_ROLE_NONE},
    {"cargo test", ".cargo/config.toml", CI_ROLE_RULES},
    {"cargo test", "Cargo.toml", CI_ROLE_MIXED},
    {"prove -r t", ".proverc", CI_ROLE_RULES},
    {"", "Makefile", CI_ROLE_NONE},
};

static void test_roles(void **state) {
  AUTO(json_free) json_t *paths = json_object();
  (void)state;
  for (size_t at = 0; at < ARRAY_LENGTH(base); at++)
    (void)json_object_set_new(paths, base[at], json_true());
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    AUTO_RELEASE(ci_line_release) CiLine line = {0};
    ci_line_init(cases[at].line, paths, &line);
    CiRole role = ci_line_role(&line, cases[at].path);
    if (role != cases[at].role)
      fail_msg("%s in `%s`: %d, not %d", cases[at].path, cases[at].line, role, cases[at].role);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_roles)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
