/* The end of sessions whose right a policy has taken away. */
#include "branch/session_lost.h"

#include "branch/access.h"
#include "branch/login.h"
#include "branch/principal.h"
#include "catalog/policy.h"
#include "core/str.h"

/* The right that the session's principal has now; none when either is gone. */
static bool right_now(Context *context, const OpenSession *session, PrincipalRow *principal,
                      BranchRow *branch, AccessRight *ret, Error *err) {
  int version = 0;
  Error gone = ERROR_INIT;
  *ret = RIGHT_NONE;
  if (!principal_get(context->catalog, session->principal, principal, &gone) ||
      !branch_get(context->catalog, session->branch, branch, &gone)) {
    if (gone.code == ERROR_PRINCIPAL_NOT_FOUND || gone.code == ERROR_BRANCH_NOT_FOUND)
      return true;
    *err = gone;
    return false;
  }
  return access_session(context, principal, branch, ret, &version, err);
}

static void end_session(Context *context, const OpenSession *session) {
  context_push_now(context, "terminate",
                   json_pack("{s:s, s:i, s:s}", "session", session->id, "grace_ms", 0, "reason",
                             "terminating connection: a policy was applied that doesn't allow it"));
}

/* What the proxy has cut off may still be at work inside of the compute. */
static bool shut_out(Context *context, const BranchRow *branch, const PrincipalRow *principal,
                     Error *err) {
  char role[ROLE_SIZE];
  EndpointRow endpoint;
  principal_role(context->home, principal, role);
  return endpoint_of_branch(context->catalog, branch->id, &endpoint, err) &&
         login_shut(context, &endpoint, role, err);
}

/* All are told to go first: that is a matter of moments, whatever the computes are doing. */
bool session_end_lost(Context *context, const char *project, size_t *ret_count, Error *err) {
  OpenSession *sessions = NULL;
  size_t count = 0;
  if (!session_list_open(context->catalog, project, &sessions, &count, err))
    return false;
  bool *lost = mem_new(count, sizeof *lost);
  bool ok = true;
  for (int pass = 0; pass < 2; pass++)
    for (size_t at = 0; ok && at < count; at++) {
      PrincipalRow principal = {0};
      BranchRow branch = {0};
      AccessRight right = RIGHT_NONE;
      AccessRight had = RIGHT_OWN;
      (void)access_right_find(sessions[at].access, &had);
      ok = right_now(context, &sessions[at], &principal, &branch, &right, err);
      lost[at] = ok && right < had;
      if (!lost[at])
        continue;
      Error ignored = ERROR_INIT; /* a compute that is gone has no session either */
      if (pass == 0)
        end_session(context, &sessions[at]);
      else
        (void)!shut_out(context, &branch, &principal, &ignored);
    }
  for (size_t at = 0; at < count; at++)
    *ret_count += lost[at];
  mem_free(lost);
  mem_free(sessions);
  return ok;
}
