/* No route changes anything without saying which action it asks for. The table is the real one. */
#include "core/str.h"
#include "daemon/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool is_internal(const Route *route) {
  return (route->flags & ROUTE_INTERNAL) != 0;
}

static void test_every_row_says_who_asks(void **state) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  assert_true(count > 30);
  for (size_t at = 0; at < count; at++) {
    print_message("%s %s\n", routes[at].method, routes[at].pattern);
    assert_int_not_equal(routes[at].ask, ROUTE_UNDECLARED);
    bool is_own = is_internal(&routes[at]) && (routes[at].flags & ROUTE_FOR_CALLER) == 0;
    assert_int_equal(routes[at].ask == ROUTE_SERVER, is_own);
  }
}

static void test_what_changes_asks_for_an_action(void **state) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  for (size_t at = 0; at < count; at++) {
    bool reads = str_equal(routes[at].method, "GET");
    if (reads || is_internal(&routes[at]))
      continue;
    print_message("%s %s\n", routes[at].method, routes[at].pattern);
    assert_true(routes[at].ask == ROUTE_ASKS || routes[at].ask == ROUTE_OWN);
    assert_in_range(routes[at].action, 0, ACTION_COUNT_ - 1);
  }
}

/* What is the caller's own is told by its path: a principal, the session that it came in by, or a
 * change and its pull request, which those go on with who claimed it; the run that tests a pull
 * request is one, whoever asks. */
static void test_only_principals_have_something_of_their_own(void **state) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  for (size_t at = 0; at < count; at++)
    if (routes[at].ask == ROUTE_OWN)
      assert_true(str_starts(routes[at].pattern, "/v1/principals/") ||
                  str_starts(routes[at].pattern, "/v1/projects/{p}/workflow/") ||
                  str_starts(routes[at].pattern, "/v1/projects/{p}/pulls/") ||
                  str_equal(routes[at].pattern, "/v1/projects/{p}/ci/ask") ||
                  (routes[at].flags & ROUTE_FOR_CALLER) != 0 ||
                  str_equal(routes[at].pattern, "/v1/session-token"));
}

static void test_actions_fit_what_they_are_about(void **state) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  for (size_t at = 0; at < count; at++) {
    if (routes[at].ask != ROUTE_ASKS)
      continue;
    const char *action = policy_action_text(routes[at].action);
    bool of_branch = strstr(routes[at].pattern, "/branches") != NULL;
    bool is_project = str_equal(action, "project.manage") ||
                      str_equal(action, "principal.manage") || str_equal(action, "policy.apply") ||
                      str_equal(action, "audit.read");
    print_message("%s %s: %s\n", routes[at].method, routes[at].pattern, action);
    assert_false(of_branch && is_project);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_row_says_who_asks),
      cmocka_unit_test(test_what_changes_asks_for_an_action),
      cmocka_unit_test(test_only_principals_have_something_of_their_own),
      cmocka_unit_test(test_actions_fit_what_they_are_about),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
