/* What promotion brings, until it is there: weak, so that its own counts. */
#include "scm/promote.h"

#define WEAK __attribute__((weak))

static bool not_yet(Error *err) {
  return error_set(err, ERROR_UNSUPPORTED, "this build has no promotion");
}

WEAK bool promote_measure(Context *context, const ProjectRow *project, const char *from,
                          const char *to, json_t **ret, Error *err) {
  return not_yet(err);
}

WEAK bool promote_change(Context *context, const ProjectRow *project, const PromoteRequest *request,
                         json_t **ret, Error *err) {
  return not_yet(err);
}
