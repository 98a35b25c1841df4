/* Messages that want no more than to be taken. */
#include "http/post.h"

#include "http/request.h"

bool http_post(const char *url, const char *const *headers, const char *body, int timeout_ms,
               Error *err) {
  const HttpRequest request = {
      .method = "POST", .url = url, .headers = headers, .body = body, .timeout_ms = timeout_ms};
  AUTO_RELEASE(http_reply_release) HttpReply reply = {0};
  if (!http_request_check_url(url, err))
    return false;
  if (!http_request(&request, &reply, err))
    return error_prefix(err, "the message could not be delivered");
  return reply.status / 100 == 2 ||
         error_set(err, ERROR_TOOL_FAILED, "the receiver answered with HTTP status %d",
                   reply.status);
}
