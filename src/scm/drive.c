/* Takes a command of the workflow through the table: finds the change and its state, looks the pair
 * up, asks the guard, lets the action do it, and tells what the work tree is to hold now. */
#include "scm/drive.h"

#include "core/str.h"
#include "scm/show.h"
#include "scm/step.h"

#include <string.h>

static const struct {
  ScmState state;
  ScmEvent event;
  ScmDeed *guard;
  ScmDeed *action;
} deeds[] = {
#define SCM_MOVE(state, event, guard, action, next, comment)                                       \
  {SCM_##state, SCM_EVENT_##event, guard_##guard, action_##action},
#include "scm/states.def"
#undef SCM_MOVE
};

static void step_release(Step *step) {
  forge_free(step->forge);
  json_free(step->notes);
}

/* Of those whose branch is HEAD's, where the request names none. */
static bool find_change(Step *step, Error *err) {
  Catalog *catalog = step->context->catalog;
  const char *git_branch = json_string_or(step->body, "git_branch", "");
  if (step->event == SCM_EVENT_INIT || step->feature == NULL)
    return change_of_git(catalog, step->project->id, git_branch, &step->change, &step->has_change,
                         err);
  return change_of_feature(catalog, step->project->id, step->feature, &step->change,
                           &step->has_change, err);
}

/* The repository counts once it has the entry tier: until then `init` isn't over. */
static bool find_state(Step *step, Error *err) {
  bool found = false;
  step->state = SCM_NONE;
  if (!forge_open(step->context, step->project, &step->forge, err) ||
      !forge_branch_head(step->forge, step->policy->entry, step->base, &found, err))
    return false;
  if (found)
    step->state = workflow_state(step->has_change ? &step->change : NULL);
  return true;
}

static bool run(Step *step, Error *err) {
  const ScmMove *move = NULL;
  bool has_tree = step->event != SCM_EVENT_INIT && step->event != SCM_EVENT_ADOPT;
  if (!step_find_policy(step, err) || (has_tree && !step_check_mirror(step, err)) ||
      !find_change(step, err) || !find_state(step, err) ||
      !scm_move_require(step->state, step->event, &move, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(deeds); at++)
    if (deeds[at].state == step->state && deeds[at].event == step->event)
      return deeds[at].guard(step, err) && deeds[at].action(step, err);
  return error_set(err, ERROR_INTERNAL, "no deed for %s", scm_event_text(step->event));
}

bool scm_command(Context *context, const ProjectRow *project, ScmEvent event, const char *feature,
                 const json_t *body, json_t **ret, Error *err) {
  Step step = {.context = context,
               .project = project,
               .body = body,
               .feature = feature,
               .event = event,
               .notes = json_object()};
  bool ok = run(&step, err) && show_step(&step, ret, err);
  if (ok)
    (void)json_object_update(*ret, step.notes);
  step_release(&step);
  return ok;
}

bool scm_tree(Context *context, const ProjectRow *project, const char *git_branch, json_t **ret,
              Error *err) {
  AUTO(json_free) json_t *body = json_pack("{s:s*}", "git_branch", git_branch);
  Step step = {.context = context,
               .project = project,
               .body = body,
               .event = SCM_EVENT_ADOPT,
               .notes = json_object()};
  bool ok = step_find_policy(&step, err) && find_change(&step, err) && find_state(&step, err) &&
            show_step(&step, ret, err);
  step_release(&step);
  return ok;
}

bool scm_check(Context *context, const ProjectRow *project, const json_t *body, json_t **ret,
               Error *err) {
  Step step = {.context = context,
               .project = project,
               .body = body,
               .event = SCM_EVENT_ADOPT,
               .notes = json_object()};
  bool ok = step_find_policy(&step, err) && step_check_mirror(&step, err) &&
            find_change(&step, err) && find_state(&step, err) && show_step(&step, ret, err);
  step_release(&step);
  return ok;
}
