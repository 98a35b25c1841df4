/* The routes of the workflow: each is an event of its table. */
#include "daemon/api_workflow.h"

#include "branch/branch.h"
#include "daemon/with_project.h"
#include "scm/drive.h"

bool get_workflow(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(scm_list(context, &project, ret, err));
}

bool get_workflow_tree(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *git_branch = json_string_or(request->query, "git_branch", NULL);
  WITH_PROJECT(scm_tree(context, &project, git_branch, ret, err));
}

bool get_workflow_findings(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(scm_findings(context, &project, ret, err));
}

bool post_workflow_check(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(scm_check(context, &project, request->body, ret, err));
}

#define EVENT_HANDLER(name, event, feature)                                                        \
  bool name(Context *context, const ApiRequest *request, json_t **ret, Error *err) {               \
    WITH_PROJECT(                                                                                  \
        scm_command(context, &project, SCM_EVENT_##event, feature, request->body, ret, err));      \
  }

EVENT_HANDLER(post_workflow_init, INIT, NULL)
EVENT_HANDLER(post_workflow_claim, CLAIM, request->name)
EVENT_HANDLER(post_workflow_adopt, ADOPT, request->name)
EVENT_HANDLER(post_workflow_prepare, PREPARE_PR, request->name)
EVENT_HANDLER(post_workflow_wait, WAIT_CI, request->name)
EVENT_HANDLER(post_workflow_merge, MERGE, request->name)
EVENT_HANDLER(post_workflow_undo, UNDO_MERGE, request->name)
EVENT_HANDLER(post_workflow_abandon, ABANDON, request->name)
EVENT_HANDLER(post_workflow_withdraw, WITHDRAW, request->name)
