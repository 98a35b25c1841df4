/* The workflow's table as a whole: every pair of a state and an event is one row, a move or a
 * refusal with a name; every state can be reached. */
#include "core/str.h"
#include "scm/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t count_rows(ScmState state, ScmEvent event) {
  size_t move_count = 0;
  size_t refusal_count = 0;
  size_t found = 0;
  const ScmMove *moves = scm_moves(&move_count);
  const ScmRefusal *refusals = scm_refusals(&refusal_count);
  for (size_t at = 0; at < move_count; at++)
    found += moves[at].from == state && moves[at].event == event;
  for (size_t at = 0; at < refusal_count; at++)
    found += refusals[at].from == state && refusals[at].event == event;
  return found;
}

static void test_every_pair_is_one_row(void **state) {
  for (ScmState from = 0; from < SCM_STATE_COUNT_; from++)
    for (ScmEvent event = 0; event < SCM_EVENT_COUNT_; event++) {
      if (count_rows(from, event) != 1)
        fail_msg("%s, %s: %zu rows", scm_state_text(from), scm_event_text(event),
                 count_rows(from, event));
    }
}

static void test_lookup_moves_or_refuses_by_name(void **state) {
  for (ScmState from = 0; from < SCM_STATE_COUNT_; from++)
    for (ScmEvent event = 0; event < SCM_EVENT_COUNT_; event++) {
      const ScmMove *move = NULL;
      Error err = ERROR_INIT;
      bool moves = scm_move_require(from, event, &move, &err);
      assert_int_equal(moves, move != NULL);
      assert_int_equal(moves, err.code == ERROR_NONE);
      if (moves)
        continue;
      assert_non_null(strstr(err.message, scm_state_text(from)));
      assert_true(str_starts(err.message, scm_event_text(event)));
      int status = error_info(err.code)->exit_status;
      assert_true(status == 1 || status == 2);
      if (event <= SCM_EVENT_ABANDON)
        assert_int_not_equal(err.hint[0], '\0'); /* a person is told what to do instead */
    }
}

static void test_every_state_is_reached(void **state) {
  bool reached[SCM_STATE_COUNT_] = {[SCM_NONE] = true};
  size_t count = 0;
  const ScmMove *moves = scm_moves(&count);
  for (size_t round = 0; round < SCM_STATE_COUNT_; round++)
    for (size_t at = 0; at < count; at++)
      reached[moves[at].next] = reached[moves[at].next] || reached[moves[at].from];
  for (ScmState at = 0; at < SCM_STATE_COUNT_; at++)
    assert_true(reached[at]);
}

/* The gates: a later state comes only from the one before it, by its own command. */
static void test_gates_can_not_be_jumped(void **state) {
  static const struct {
    ScmState state, before;
    ScmEvent event;
  } gates[] = {{SCM_PR_READY, SCM_CLAIMED, SCM_EVENT_PREPARE_PR},
               {SCM_CI_GREEN, SCM_PR_READY, SCM_EVENT_WAIT_CI},
               {SCM_MERGED, SCM_CI_GREEN, SCM_EVENT_MERGE}};
  size_t count = 0;
  const ScmMove *moves = scm_moves(&count);
  for (size_t at = 0; at < count; at++)
    for (size_t gate = 0; gate < ARRAY_LENGTH(gates); gate++) {
      if (moves[at].next != gates[gate].state || moves[at].from >= moves[at].next)
        continue;
      assert_int_equal(moves[at].from, gates[gate].before);
      assert_int_equal(moves[at].event, gates[gate].event);
    }
}

static void test_what_the_world_does_never_moves_forward(void **state) {
  size_t count = 0;
  const ScmMove *moves = scm_moves(&count);
  for (size_t at = 0; at < count; at++)
    if (moves[at].event >= SCM_EVENT_HEAD_MOVED)
      assert_true(moves[at].next <= moves[at].from);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_pair_is_one_row),
      cmocka_unit_test(test_lookup_moves_or_refuses_by_name),
      cmocka_unit_test(test_every_state_is_reached),
      cmocka_unit_test(test_gates_can_not_be_jumped),
      cmocka_unit_test(test_what_the_world_does_never_moves_forward),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
