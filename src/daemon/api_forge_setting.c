/* The routes that say which forge keeps a project's code. */
#include "daemon/api_forge_setting.h"

#include "branch/branch.h"
#include "daemon/with_project.h"
#include "scm/forge_setting.h"

bool get_forge_setting(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(forge_setting_show(context, &project, ret, err));
}

bool post_forge_setting(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(forge_setting_set(context, &project, request->body, ret, err));
}
