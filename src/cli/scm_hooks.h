/* The git hook that keeps .env and the state file with the branch that is checked out. */
#pragma once

#include "cli/scm_tree.h"

typedef enum HookState { HOOK_MISSING, HOOK_OURS, HOOK_OLD, HOOK_THEIRS } HookState;

/* How the repository's post-checkout hook stands. *ret_path (may be NULL): owned by the caller. */
CHECKED bool scm_hook_look(const ScmTree *tree, HookState *ret, char **ret_path, Error *err);
/* Puts ours there; somebody else's stays, and *ret_note (owned) says what to add to it. */
CHECKED bool scm_hook_install(const ScmTree *tree, char **ret_note, Error *err);
