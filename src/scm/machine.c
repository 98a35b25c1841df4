/* Looks pairs of state and event up in the workflow's table. */
#include "scm/machine.h"

#include <assert.h>

static const char *const state_texts[] = {
#define SCM_STATE(name, text, meaning) [SCM_##name] = (text),
#include "scm/states.def"
#undef SCM_STATE
};

static const char *const event_texts[] = {
#define SCM_EVENT(name, text, meaning) [SCM_EVENT_##name] = (text),
#include "scm/states.def"
#undef SCM_EVENT
};

static const ScmMove moves[] = {
#define SCM_MOVE(state, event, guard, action, next, comment)                                       \
  {SCM_##state, SCM_EVENT_##event, SCM_##next, #guard, #action, (comment)},
#include "scm/states.def"
#undef SCM_MOVE
};

static const ScmRefusal refusals[] = {
#define SCM_REFUSE(state, event, code, message, hint)                                              \
  {SCM_##state, SCM_EVENT_##event, ERROR_##code, (message), (hint)},
#include "scm/states.def"
#undef SCM_REFUSE
};

const char *scm_state_text(ScmState state) {
  return state_texts[state];
}

const char *scm_event_text(ScmEvent event) {
  return event_texts[event];
}

const ScmMove *scm_moves(size_t *ret_count) {
  *ret_count = ARRAY_LENGTH(moves);
  return moves;
}

const ScmRefusal *scm_refusals(size_t *ret_count) {
  *ret_count = ARRAY_LENGTH(refusals);
  return refusals;
}

const ScmMove *scm_move_find(ScmState state, ScmEvent event) {
  for (size_t at = 0; at < ARRAY_LENGTH(moves); at++)
    if (moves[at].from == state && moves[at].event == event)
      return &moves[at];
  return NULL;
}

static const ScmRefusal *find_refusal(ScmState state, ScmEvent event) {
  for (size_t at = 0; at < ARRAY_LENGTH(refusals); at++)
    if (refusals[at].from == state && refusals[at].event == event)
      return &refusals[at];
  return NULL;
}

bool scm_move_require(ScmState state, ScmEvent event, const ScmMove **ret, Error *err) {
  *ret = scm_move_find(state, event);
  if (*ret != NULL)
    return true;
  const ScmRefusal *refusal = find_refusal(state, event);
  assert(refusal != NULL); /* the test of the table has all pairs */
  (void)error_set(err, refusal->code, "%s: %s (the state is %s)", scm_event_text(event),
                  refusal->message, scm_state_text(state));
  return refusal->hint[0] == '\0' ? false : error_hint(err, "%s", refusal->hint);
}
