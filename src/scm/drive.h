/* The commands of `bough scm` as the API has them; answers as in docs/api.md, owned by the caller.
 */
#pragma once

#include "branch/context.h"
#include "scm/machine.h"

/* feature NULL: the one whose git branch body.git_branch is; of INIT: none. */
CHECKED bool scm_command(Context *context, const ProjectRow *project, ScmEvent event,
                         const char *feature, const json_t *body, json_t **ret, Error *err);

/* What a work tree that stands on that git branch (NULL: on none) is to hold: {state, state_file,
 * change, branch:{name,id,kind,url}|null, forge, clone_url, tiers, gates}. Changes nothing. */
CHECKED bool scm_tree(Context *context, const ProjectRow *project, const char *git_branch,
                      json_t **ret, Error *err);
/* The same after holding body.state_file against the record: STATE_FILE_DIFFERS. */
CHECKED bool scm_check(Context *context, const ProjectRow *project, const json_t *body,
                       json_t **ret, Error *err);
/* {changes:[...]}, the living first. */
CHECKED bool scm_list(Context *context, const ProjectRow *project, json_t **ret, Error *err);
/* What the server sees that a work tree doesn't: {findings:[{id, severity, subject, message,
 * fix}]}, about the caller's changes, or with PROJECT_MANAGE about all. */
CHECKED bool scm_findings(Context *context, const ProjectRow *project, json_t **ret, Error *err);
