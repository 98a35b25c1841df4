/* What a git client may send as its first line: it is read as one of the forms that there are, with
 * everything in bounds, or refused. The names of branches in it, likewise. */
#include "core/str.h"
#include "fuzz.h"
#include "scm/git_request.h"

#include <string.h>

static void check_update(const PushedRef *update) {
  const char *branch = git_ref_branch(update->ref);
  HOLDS(git_oid_check(update->old) && git_oid_check(update->new));
  HOLDS(update->ref[0] != '\0');
  if (branch == NULL)
    return;
  HOLDS(strlen(branch) < GIT_NAME_SIZE && strstr(branch, "..") == NULL && branch[0] != '/' &&
        branch[0] != '-' && strchr(branch, '\n') == NULL && !str_ends(branch, "/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  GitRequest request = {0};
  Error err = ERROR_INIT;
  if (!git_request_parse((const char *)bytes, length, &request, &err)) {
    HOLDS(err.code != ERROR_NONE && request.message == NULL);
    return 0;
  }
  HOLDS(length <= GIT_REQUEST_LIMIT);
  if (request.service == GIT_PRE_RECEIVE) {
    HOLDS(id_check("push", request.ticket));
    HOLDS(request.update_count >= 1 && request.update_count <= GIT_UPDATES_LIMIT);
    for (size_t at = 0; at < request.update_count; at++)
      check_update(&request.updates[at]);
  } else {
    HOLDS(request.token == NULL || strlen(request.token) <= GIT_TOKEN_LIMIT);
    HOLDS(str_equal(request.project, "-") || name_check("project", request.project, NULL));
  }
  git_request_release(&request);
  return 0;
}
