/* Installs the post-checkout hook, and never over somebody else's. */
#include "cli/scm_hooks.h"

#include "core/io.h"

#include <string.h>

#define MARK "# bough: post-checkout 1\n"

/* A checkout is never stopped by it: the next gate says what isn't as it should be. */
static const char hook[] =
    "#!/bin/sh\n" MARK
    "# .env and .lakebase/workflow-state.json follow the branch that is checked out.\n"
    "[ \"$3\" = 1 ] || exit 0\n"
    "[ \"$BOUGH_HOOK\" != off ] || exit 0\n"
    "command -v bough >/dev/null 2>&1 || exit 0\n"
    "bough scm sync --quiet || echo 'bough: .env still is the one of the branch before' >&2\n"
    "exit 0\n";

enum { HOOK_LIMIT = 1024 * 1024 };

bool scm_hook_look(const ScmTree *tree, HookState *ret, char **ret_path, Error *err) {
  AUTO(str_free) char *relative = NULL;
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!git_line(&tree->git, GIT("rev-parse", "--git-path", "hooks/post-checkout"), &relative, err))
    return false;
  AUTO(str_free)
  char *path = relative[0] == '/' ? str_dup(relative) : path_join(tree->top, relative);
  if (!io_exists(path))
    *ret = HOOK_MISSING;
  else if (!io_read_file(path, HOOK_LIMIT, &text, &length, err))
    return false;
  else if (str_equal(text, hook))
    *ret = HOOK_OURS;
  else
    *ret = strstr(text, "# bough: post-checkout ") != NULL ? HOOK_OLD : HOOK_THEIRS;
  if (ret_path != NULL)
    *ret_path = STEAL(path);
  return true;
}

bool scm_hook_install(const ScmTree *tree, char **ret_note, Error *err) {
  HookState state = HOOK_MISSING;
  AUTO(str_free) char *path = NULL;
  *ret_note = NULL;
  if (!scm_hook_look(tree, &state, &path, err))
    return false;
  if (state == HOOK_THEIRS && strstr(path, "post-checkout") != NULL) {
    *ret_note =
        str_format("%s is somebody else's and stays: add `bough scm sync --quiet` to it", path);
    return true;
  }
  if (state == HOOK_OURS)
    return true;
  AUTO(str_free) char *folder = str_ndup(path, (size_t)(strrchr(path, '/') - path));
  return io_make_directories(folder, 0755, err) &&
         io_write_file(path, hook, strlen(hook), 0755, err);
}
