/* What promotion and CI bring, until they are there: weak, so that theirs counts. */
#include "scm/ci.h"
#include "scm/promote.h"

#define WEAK __attribute__((weak))

static bool not_yet(Error *err) {
  return error_set(err, ERROR_UNSUPPORTED, "this build has no promotion and no CI");
}

WEAK bool promote_measure(Context *context, const ProjectRow *project, const char *from,
                          const char *to, json_t **ret, Error *err) {
  return not_yet(err);
}

WEAK bool promote_change(Context *context, const ProjectRow *project, const PromoteRequest *request,
                         json_t **ret, Error *err) {
  return not_yet(err);
}

WEAK bool ci_request(Context *context, const ProjectRow *project, const CiSubject *subject,
                     Error *err) {
  return not_yet(err);
}

WEAK bool ci_state(Context *context, const ProjectRow *project, const CiSubject *subject,
                   json_t **ret, Error *err) {
  return not_yet(err);
}

WEAK bool ci_passed(Context *context, const ProjectRow *project, const CiSubject *subject,
                    json_t **ret, Error *err) {
  return not_yet(err);
}
