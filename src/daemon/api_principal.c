/* The routes of principals and their tokens. */
#include "daemon/api_principal.h"

#include "branch/principal.h"

bool get_principals(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_show_all(context, ret, err);
}

bool post_principals(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_add(context, request->body, ret, err);
}

bool delete_principal(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_remove(context, request->name, ret, err);
}

bool post_token(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_make_token(context, request->name, request->body, ret, err);
}

bool delete_token(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_revoke_token(context, request->name, request->token, ret, err);
}

bool post_session_token(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_session_token(context, ret, err);
}
