/* POST by libcurl. */
#include "http/post.h"

#include "core/str.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

enum { CONNECT_MS = 5000 };

DEFINE_AUTO(CURL *, curl_easy_cleanup)
DEFINE_AUTO(CURLU *, curl_url_cleanup)
DEFINE_AUTO(char *, curl_free)
DEFINE_AUTO(struct curl_slist *, curl_slist_free_all)

static bool is_this_machine(const char *host) {
  struct in_addr v4;
  if (inet_pton(AF_INET, host, &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127;
  return str_equal(host, "localhost") || str_equal(host, "[::1]");
}

static bool has_part(CURLU *url, CURLUPart part) {
  AUTO(curl_free) char *text = NULL;
  return curl_url_get(url, part, &text, 0) == CURLUE_OK;
}

bool http_post_check_url(const char *text, Error *err) {
  AUTO(curl_url_cleanup) CURLU *url = curl_url();
  AUTO(curl_free) char *scheme = NULL;
  AUTO(curl_free) char *host = NULL;
  if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
    return error_set(err, ERROR_USAGE, "\"%.200s\" is no URL", text);
  if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
    return error_set(err, ERROR_USAGE, "the URL holds a name or a password");
  if (str_equal(scheme, "https") || (str_equal(scheme, "http") && is_this_machine(host)))
    return true;
  (void)error_set(err, ERROR_USAGE, "messages to %.100s://%.100s could be read on the way", scheme,
                  host);
  return error_hint(err, "use https; plain http is for 127.0.0.1, [::1] and localhost");
}

static size_t swallow(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes;
  (void)context;
  return size * count;
}

static struct curl_slist *list_headers(const char *const *headers) {
  struct curl_slist *list = NULL;
  for (; *headers != NULL; headers++) {
    struct curl_slist *longer = curl_slist_append(list, *headers);
    list = longer != NULL ? longer : list;
  }
  return list;
}

static bool prepare(CURL *curl, const char *url, const char *body, int timeout_ms) {
  return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body)) ==
             CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK;
}

bool http_post(const char *url, const char *const *headers, const char *body, int timeout_ms,
               Error *err) {
  if (!http_post_check_url(url, err))
    return false;
  AUTO(curl_slist_free_all) struct curl_slist *list = list_headers(headers);
  AUTO(curl_easy_cleanup) CURL *curl = curl_easy_init();
  long status = 0;
  if (curl == NULL || !prepare(curl, url, body, timeout_ms) ||
      curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list) != CURLE_OK)
    return error_set(err, ERROR_INTERNAL, "libcurl can't be used");
  CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK)
    return error_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_TOOL_FAILED,
                     "the message could not be delivered: %s", curl_easy_strerror(code));
  (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status / 100 == 2 ||
         error_set(err, ERROR_TOOL_FAILED, "the receiver answered with HTTP status %ld", status);
}
