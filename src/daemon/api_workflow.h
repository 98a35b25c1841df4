/* Handlers of the routes of the workflow: `bough init`, `bough scm ...`. */
#pragma once

#include "daemon/route.h"

ApiHandler get_workflow, get_workflow_tree, get_workflow_findings, post_workflow_init,
    post_workflow_check, post_workflow_claim, post_workflow_adopt, post_workflow_prepare,
    post_workflow_wait, post_workflow_merge, post_workflow_undo, post_workflow_abandon,
    post_workflow_withdraw;
