/* The workflow's table (states.def), by state and event. Pure. */
#pragma once

#include "core/base.h"
#include "core/error.h"

typedef enum ScmState {
#define SCM_STATE(name, text, meaning) SCM_##name,
#include "scm/states.def"
#undef SCM_STATE
  SCM_STATE_COUNT_
} ScmState;

typedef enum ScmEvent {
#define SCM_EVENT(name, text, meaning) SCM_EVENT_##name,
#include "scm/states.def"
#undef SCM_EVENT
  SCM_EVENT_COUNT_
} ScmEvent;

typedef struct ScmMove {
  ScmState from;
  ScmEvent event;
  ScmState next;
  const char *guard; /* names, as the documentation has them */
  const char *action;
  const char *comment;
} ScmMove;

typedef struct ScmRefusal {
  ScmState from;
  ScmEvent event;
  ErrorCode code;
  const char *message;
  const char *hint;
} ScmRefusal;

const char *scm_state_text(ScmState state);
const char *scm_event_text(ScmEvent event);

/* All rows. */
const ScmMove *scm_moves(size_t *ret_count);
const ScmRefusal *scm_refusals(size_t *ret_count);

/* The move that the pair makes; NULL: it is refused. */
const ScmMove *scm_move_find(ScmState state, ScmEvent event);
/* The same, with the refusal as err: its words, the state and the event. */
CHECKED bool scm_move_require(ScmState state, ScmEvent event, const ScmMove **ret, Error *err);
