/* The questions of the proxy. */
#include "daemon/api_session.h"

#include "branch/principal.h"
#include "branch/session_route.h"

bool job_session_verifier(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *user = NULL;
  return json_get_string(request->body, "user", &user, err) &&
         principal_verifier(context, user, ret, err);
}

bool job_session_salts(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  (void)request;
  return principal_salts(context, ret, err);
}

bool job_session_route(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_route(context, request->body, ret, err);
}

bool job_wake(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_wake(context, request->body, ret, err);
}

bool job_session_hello(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_hello(context, request->body, err);
}

bool job_sessions_end(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return sessions_ended(context, request->body, err);
}

bool job_session_report(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_reported(context, request->body, err);
}

bool job_session_refused(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_refused(context, request->body, err);
}
