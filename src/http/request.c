/* Requests to others by libcurl: the one place that calls it. */
#include "http/request.h"

#include "core/str.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <string.h>

enum { CONNECT_MS = 5000, HEADERS_LIMIT = 100, HEADER_LIMIT = 16 * 1024 };

DEFINE_AUTO(CURL *, curl_easy_cleanup)
DEFINE_AUTO(CURLU *, curl_url_cleanup)
DEFINE_AUTO(char *, curl_free)
DEFINE_AUTO(struct curl_slist *, curl_slist_free_all)

/* URLs
 * ---------------------------------------------------------------------------------------------- */

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

bool http_request_check_url(const char *text, Error *err) {
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

static bool same_part(CURLU *a, CURLU *b, CURLUPart part) {
  AUTO(curl_free) char *left = NULL;
  AUTO(curl_free) char *right = NULL;
  return curl_url_get(a, part, &left, CURLU_DEFAULT_PORT) == CURLUE_OK &&
         curl_url_get(b, part, &right, CURLU_DEFAULT_PORT) == CURLUE_OK &&
         strcasecmp(left, right) == 0;
}

bool http_same_origin(const char *a, const char *b) {
  AUTO(curl_url_cleanup) CURLU *left = curl_url();
  AUTO(curl_url_cleanup) CURLU *right = curl_url();
  return curl_url_set(left, CURLUPART_URL, a, 0) == CURLUE_OK &&
         curl_url_set(right, CURLUPART_URL, b, 0) == CURLUE_OK &&
         same_part(left, right, CURLUPART_SCHEME) && same_part(left, right, CURLUPART_HOST) &&
         same_part(left, right, CURLUPART_PORT);
}

char *http_resolve(const char *base, const char *reference) {
  AUTO(curl_url_cleanup) CURLU *url = curl_url();
  AUTO(curl_free) char *text = NULL;
  if (curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
      curl_url_set(url, CURLUPART_URL, reference, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
    return NULL;
  return str_dup(text);
}

int64_t http_time(const char *text) {
  return curl_getdate(text, NULL);
}

/* Replies
 * ------------------------------------------------------------------------------------------- */

void http_reply_release(HttpReply *reply) {
  json_free(reply->headers);
  str_free(reply->body);
  *reply = (HttpReply){0};
}

const char *http_reply_header(const HttpReply *reply, const char *name) {
  return json_string_or(reply->headers, name, "");
}

typedef struct Taking {
  Buffer body;
  size_t limit;
  bool is_over;
} Taking;

static void taking_release(Taking *taking) {
  buffer_release(&taking->body);
}

/* Fewer bytes than were given make libcurl give up. */
static size_t take(char *bytes, size_t size, size_t count, void *context) {
  Taking *taking = context;
  if (taking->limit == 0)
    return size * count;
  taking->is_over = count > taking->limit - taking->body.length;
  if (taking->is_over)
    return 0;
  buffer_add(&taking->body, bytes, size * count);
  return size * count;
}

static void add_header(json_t *headers, const struct curl_header *header) {
  AUTO(str_free) char *name = str_dup(header->name);
  for (char *at = name; *at != '\0'; at++)
    *at = (char)tolower((unsigned char)*at);
  if (strlen(header->value) <= HEADER_LIMIT) /* what isn't UTF-8 isn't taken */
    (void)json_object_set_new(headers, name, json_string(header->value));
}

static json_t *read_headers(CURL *curl) {
  json_t *headers = json_object();
  struct curl_header *header = NULL;
  for (int count = 0; count < HEADERS_LIMIT; count++) {
    header = curl_easy_nextheader(curl, CURLH_HEADER, -1, header);
    if (header == NULL)
      break;
    add_header(headers, header);
  }
  return headers;
}

/* Requests
 * ------------------------------------------------------------------------------------------ */

static struct curl_slist *list_headers(const char *const *headers) {
  struct curl_slist *list = NULL;
  for (; headers != NULL && *headers != NULL; headers++) {
    struct curl_slist *longer = curl_slist_append(list, *headers);
    list = longer != NULL ? longer : list;
  }
  return list;
}

static bool prepare(CURL *curl, const HttpRequest *request, Taking *taking) {
  return curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
         curl_easy_setopt(curl, CURLOPT_WRITEDATA, taking) == CURLE_OK;
}

static bool set_body(CURL *curl, const char *body) {
  return body == NULL || (curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                           (curl_off_t)strlen(body)) == CURLE_OK &&
                          curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK);
}

static bool tell(CURLcode code, const Taking *taking, Error *err) {
  if (taking->is_over)
    return error_set(err, ERROR_TOO_LARGE, "the answer is larger than %zu bytes", taking->limit);
  return error_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_TOOL_FAILED, "%s",
                   curl_easy_strerror(code));
}

bool http_request(const HttpRequest *request, HttpReply *ret, Error *err) {
  if (!http_request_check_url(request->url, err))
    return false;
  AUTO(curl_slist_free_all) struct curl_slist *list = list_headers(request->headers);
  AUTO(curl_easy_cleanup) CURL *curl = curl_easy_init();
  AUTO_RELEASE(taking_release) Taking taking = {.limit = request->limit};
  long status = 0;
  if (curl == NULL || !prepare(curl, request, &taking) || !set_body(curl, request->body) ||
      curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list) != CURLE_OK)
    return error_set(err, ERROR_INTERNAL, "libcurl can't be used");
  CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK)
    return tell(code, &taking, err);
  (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  size_t length = taking.body.length;
  *ret = (HttpReply){.status = (int)status,
                     .headers = read_headers(curl),
                     .body = buffer_steal(&taking.body),
                     .length = length};
  return true;
}
