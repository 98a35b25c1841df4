/* Reads the first line of a connection to git.sock. */
#include "scm/git_request.h"

#include "core/str.h"

#include <string.h>

static const char *const services[] = {[GIT_UPLOAD_PACK] = "upload-pack",
                                       [GIT_RECEIVE_PACK] = "receive-pack",
                                       [GIT_PRE_RECEIVE] = "pre-receive"};

const char *git_service_text(GitService service) {
  return services[service];
}

void git_request_release(GitRequest *request) {
  json_free(request->message);
  *request = (GitRequest){0};
}

static bool refuse(Error *err, const char *why) {
  return error_set(err, ERROR_PROTOCOL, "the first line of a git connection: %s", why);
}

static bool find_service(const char *text, GitService *ret) {
  for (size_t at = 0; at < ARRAY_LENGTH(services); at++)
    if (str_equal(services[at], text)) {
      *ret = (GitService)at;
      return true;
    }
  return false;
}

bool git_updates_read(const json_t *updates, PushedRef *ret, size_t *ret_count, Error *err) {
  size_t count = json_array_size(updates);
  if (count == 0 || count > GIT_UPDATES_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "a push of %zu refs; 1 to %d are let be", count,
                     GIT_UPDATES_LIMIT);
  for (size_t at = 0; at < count; at++) {
    const json_t *update = json_array_get(updates, at);
    ret[at] = (PushedRef){.ref = json_string_or(update, "ref", ""),
                          .old = json_string_or(update, "old", ""),
                          .new = json_string_or(update, "new", ""),
                          .is_forced = json_bool_or(update, "forced", true)};
    if (ret[at].ref[0] == '\0' || !git_oid_check(ret[at].old) || !git_oid_check(ret[at].new))
      return refuse(err, "an update without ref, old and new");
  }
  *ret_count = count;
  return true;
}

static bool read_push(GitRequest *request, Error *err) {
  request->ticket = json_string_or(request->message, "ticket", "");
  if (!id_check("push", request->ticket))
    return refuse(err, "no push has that ticket");
  return git_updates_read(json_object_get(request->message, "updates"), request->updates,
                          &request->update_count, err);
}

static bool read_session(GitRequest *request, Error *err) {
  request->project = json_string_or(request->message, "project", "-");
  request->token = json_string_or(request->message, "token", NULL);
  if (request->token != NULL && strlen(request->token) > GIT_TOKEN_LIMIT)
    return refuse(err, "the token is too long");
  return str_equal(request->project, "-") || name_check("project", request->project, err);
}

static bool read_message(GitRequest *request, Error *err) {
  if (!json_is_object(request->message) ||
      !find_service(json_string_or(request->message, "service", ""), &request->service))
    return refuse(err, "no such service");
  return request->service == GIT_PRE_RECEIVE ? read_push(request, err) : read_session(request, err);
}

bool git_request_parse(const char *line, size_t length, GitRequest *ret, Error *err) {
  GitRequest request = {0};
  if (length > GIT_REQUEST_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "the first line has more than %d bytes",
                     GIT_REQUEST_LIMIT);
  if (!json_parse(line, length, &request.message, err))
    return false;
  if (!read_message(&request, err)) {
    git_request_release(&request);
    return false;
  }
  *ret = request;
  return true;
}
