/* Calls of GitHub's REST API, tried again where that makes sense. */
#include "scm/github_api.h"

#include "core/clock.h"
#include "core/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
  ATTEMPTS = 4,
  HOPS = 3, /* redirects within the host */
  FIRST_PAUSE_MS = 250,
  REQUEST_MS = 15 * 1000,
  PAGES_LIMIT = 50,
  HOST_LIMIT = 253,
  NAME_LIMIT = 100, /* of an owner, of a repository */
  TOKEN_LIMIT = 4096,
  SHOWN_LENGTH = 300,
};

/* ---- where, and with what ---- */

static bool is_loopback(const char *host) {
  return str_starts(host, "127.0.0.1:") || str_starts(host, "localhost:");
}

char *github_origin(const char *host) {
  return str_format("%s://%s", is_loopback(host) ? "http" : "https", host);
}

static bool is_of(const char *text, size_t limit, const char *others) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  while (text[length] != '\0' && strchr(others, text[length]) != NULL)
    length += 1 + strspn(text + length + 1,
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  return length > 0 && length <= limit && text[length] == '\0';
}

static bool is_repository(const char *text) {
  const char *slash = strchr(text, '/');
  if (slash == NULL)
    return false;
  AUTO(str_free) char *owner = str_ndup(text, (size_t)(slash - text));
  return is_of(owner, NAME_LIMIT, "-_") && is_of(slash + 1, NAME_LIMIT, "-_.") &&
         !str_equal(slash + 1, ".") && !str_equal(slash + 1, "..");
}

/* What can stand in a header. */
static bool is_token(const char *text) {
  size_t length = strlen(text);
  for (const char *at = text; *at != '\0'; at++)
    if (*at <= ' ' || *at > '~')
      return false;
  return length > 0 && length <= TOKEN_LIMIT;
}

bool github_api_init(GithubApi *api, const char *host, const char *repository, const char *token,
                     Error *err) {
  if (!is_of(host, HOST_LIMIT, "-.:"))
    return error_set(err, ERROR_USAGE, "\"%.100s\" is no host of GitHub", host);
  if (!is_repository(repository))
    return error_set(err, ERROR_USAGE, "\"%.100s\" is no repository of GitHub: OWNER/NAME",
                     repository);
  if (!is_token(token))
    return error_set(err, ERROR_USAGE, "the token for GitHub isn't one");
  AUTO(str_free) char *origin = github_origin(host);
  *api = (GithubApi){.base = str_equal(host, "github.com") ? str_dup("https://api.github.com")
                                                           : str_format("%s/api/v3", origin),
                     .repository = str_dup(repository),
                     .token = str_dup(token),
                     .budget_ms = GITHUB_BUDGET_MS};
  return true;
}

static void secret_free(char *text) {
  if (text != NULL)
    explicit_bzero(text, strlen(text));
  str_free(text);
}
DEFINE_AUTO(char *, secret_free)

void github_api_release(GithubApi *api) {
  str_free(api->base);
  str_free(api->repository);
  secret_free(api->token);
  *api = (GithubApi){0};
}

void github_answer_release(GithubAnswer *answer) {
  json_free(answer->value);
  str_free(answer->next);
  *answer = (GithubAnswer){0};
}

/* ---- one call and its attempts ---- */

typedef struct Call {
  const GithubApi *api;
  const char *method;
  char *url;        /* owned; moves with redirects */
  char *body;       /* owned; may be NULL */
  int64_t deadline; /* clock_monotonic_ms */
  int attempt;
  int hops;
} Call;

static void call_release(Call *call) {
  str_free(call->url);
  str_free(call->body);
}

static char *url_of(const GithubApi *api, const char *path) {
  if (strstr(path, "://") != NULL)
    return str_dup(path);
  return *path == '/' ? str_format("%s%s", api->base, path)
                      : str_format("%s/repos/%s/%s", api->base, api->repository, path);
}

static bool send_once(const Call *call, HttpReply *ret, Error *err) {
  AUTO(secret_free) char *authorization = str_format("Authorization: Bearer %s", call->api->token);
  int64_t left = call->deadline - clock_monotonic_ms();
  const HttpRequest request = {
      .method = call->method,
      .url = call->url,
      .headers =
          (const char *const[]){"Accept: application/vnd.github+json, application/json",
                                "X-GitHub-Api-Version: 2022-11-28", "User-Agent: bough",
                                "Content-Type: application/json", "Expect:", authorization, NULL},
      .body = call->body,
      .timeout_ms = left < 1            ? 1
                    : left < REQUEST_MS ? (int)left
                                        : REQUEST_MS,
      .limit = GITHUB_ANSWER_LIMIT,
  };
  return http_request(&request, ret, err);
}

/* Sleeps before the next attempt: false when there is none, or no time for it. */
static bool pause_for(Call *call, int64_t wait_ms) {
  if (++call->attempt >= ATTEMPTS || clock_monotonic_ms() + wait_ms >= call->deadline)
    return false;
  clock_sleep_ms(wait_ms);
  return true;
}

/* Longer each time, and not in step with others who wait for the same. */
static bool pause_longer(Call *call) {
  uint16_t chance = 0;
  (void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* without one it's a little earlier */
  int64_t pause = (int64_t)FIRST_PAUSE_MS << call->attempt;
  return pause_for(call, pause + pause * chance / UINT16_MAX);
}

/* Doing it again does no more than doing it once. */
static bool is_repeatable(const Call *call) {
  return !str_equal(call->method, "POST");
}

typedef enum Verdict { DONE, AGAIN, GIVEN_UP } Verdict;

static Verdict after_failure(Call *call, Error *failure, Error *err) {
  bool transient = failure->code == ERROR_TIMEOUT || failure->code == ERROR_TOOL_FAILED;
  if (transient && is_repeatable(call) && pause_longer(call))
    return AGAIN;
  (void)error_set(err, ERROR_FORGE_FAILED, "GitHub (%.200s) can't be reached: %s", call->api->base,
                  failure->message);
  return GIVEN_UP;
}

static Verdict after_wish_to_wait(Call *call, const HttpReply *reply, int64_t wait_ms, Error *err) {
  if (pause_for(call, wait_ms))
    return AGAIN;
  (void)error_set(err, ERROR_FORGE_LIMITED, "GitHub asks to wait for %lld seconds (HTTP %d)",
                  (long long)(wait_ms + 999) / 1000, reply->status);
  (void)error_hint(err, "try again then; a limit of its own comes with another token");
  return GIVEN_UP;
}

/* A renamed repository is still at the same host; anything else isn't GitHub's to tell. */
static Verdict after_redirect(Call *call, const HttpReply *reply, Error *err) {
  AUTO(str_free) char *target = http_resolve(call->url, http_reply_header(reply, "location"));
  bool keeps_method = reply->status == 307 || reply->status == 308;
  if (target == NULL || !http_same_origin(target, call->api->base)) {
    (void)error_set(err, ERROR_FORGE_FAILED,
                    "GitHub sends to another host (HTTP %d), where the token doesn't go",
                    reply->status);
    return GIVEN_UP;
  }
  if ((str_equal(call->method, "GET") || keeps_method) && call->hops++ < HOPS) {
    str_free(call->url);
    call->url = STEAL(target);
    return AGAIN;
  }
  (void)error_set(err, ERROR_FORGE_FAILED, "GitHub sends elsewhere (HTTP %d)", reply->status);
  return GIVEN_UP;
}

static Verdict after_server_error(Call *call, const HttpReply *reply, Error *err) {
  if (is_repeatable(call) && pause_longer(call))
    return AGAIN;
  (void)error_set(err, ERROR_FORGE_FAILED, "GitHub has a failure (HTTP %d)", reply->status);
  return GIVEN_UP;
}

static Verdict take_answer(Call *call, const HttpReply *reply, GithubAnswer *ret, Error *err) {
  json_t *value = NULL;
  Error wrong = ERROR_INIT;
  if (reply->length > 0 && !json_parse(reply->body, reply->length, &value, &wrong)) {
    if (reply->status / 100 != 2) { /* a page for people, of something on the way */
      *ret = (GithubAnswer){.status = reply->status};
      return DONE;
    }
    if (is_repeatable(call) && pause_longer(call))
      return AGAIN;
    (void)error_set(err, ERROR_FORGE_FAILED, "GitHub's answer can't be read: %s", wrong.message);
    return GIVEN_UP;
  }
  *ret = (GithubAnswer){.status = reply->status,
                        .value = value,
                        .next = github_next_link(http_reply_header(reply, "link"))};
  return DONE;
}

static Verdict attempt(Call *call, GithubAnswer *ret, Error *err) {
  AUTO_RELEASE(http_reply_release) HttpReply reply = {0};
  Error failure = ERROR_INIT;
  if (!send_once(call, &reply, &failure))
    return after_failure(call, &failure, err);
  int64_t wait_ms = github_wait_ms(&reply, clock_wall_us() / 1000000);
  if (wait_ms >= 0 && (reply.status / 100 != 5 || is_repeatable(call)))
    return after_wish_to_wait(call, &reply, wait_ms, err);
  if (reply.status / 100 == 3)
    return after_redirect(call, &reply, err);
  if (reply.status / 100 == 5)
    return after_server_error(call, &reply, err);
  return take_answer(call, &reply, ret, err);
}

bool github_call(const GithubApi *api, const char *method, const char *path, const json_t *body,
                 GithubAnswer *ret, Error *err) {
  AUTO_RELEASE(call_release)
  Call call = {.api = api,
               .method = method,
               .url = url_of(api, path),
               .body = body != NULL ? json_text(body) : NULL,
               .deadline = clock_monotonic_ms() + api->budget_ms};
  if (!http_same_origin(call.url, api->base))
    return error_set(err, ERROR_FORGE_FAILED,
                     "GitHub names another host, where the token doesn't go");
  Verdict verdict = AGAIN;
  while (verdict == AGAIN)
    verdict = attempt(&call, ret, err);
  return verdict == DONE;
}

/* ---- what comes of it ---- */

/* {"message":..., "errors":[{"message":...}]}, as one line. */
static void say(const json_t *value, Buffer *text) {
  size_t at = 0;
  const json_t *more = NULL;
  buffer_add_text(text, json_string_or(value, "message", "no reason was given"));
  json_array_foreach(json_object_get(value, "errors"), at, more) {
    const char *detail =
        json_is_string(more) ? json_string_value(more) : json_string_or(more, "message", "");
    if (*detail != '\0' && text->length < SHOWN_LENGTH)
      buffer_add_format(text, "; %.200s", detail);
  }
}

static const struct {
  int status;
  const char *hint;
} hints[] = {
    {401, "the token is wrong or has expired: docs/github.md says where it comes from"},
    {403, "the token may not do this: it needs contents, pull requests, issues and statuses"},
    {404, "there is no such thing, or the token may not see it"},
};

bool github_refusal(const GithubAnswer *answer, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  say(answer->value, &text);
  (void)error_set(err, ERROR_FORGE_REFUSED, "GitHub refuses (HTTP %d): %.*s", answer->status,
                  SHOWN_LENGTH, text.text);
  for (size_t at = 0; at < ARRAY_LENGTH(hints); at++)
    if (hints[at].status == answer->status)
      (void)error_hint(err, "%s", hints[at].hint);
  return false;
}

bool github_do(const GithubApi *api, const char *method, const char *path, const json_t *body,
               json_t **ret, Error *err) {
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(api, method, path, body, &answer, err))
    return false;
  if (answer.status / 100 != 2)
    return github_refusal(&answer, err);
  *ret = STEAL(answer.value);
  return true;
}

static bool add_page(json_t *all, const json_t *page, const char *member, size_t limit,
                     Error *err) {
  const json_t *list = member != NULL ? json_object_get(page, member) : page;
  size_t at = 0;
  json_t *element = NULL;
  if (!json_is_array(list))
    return error_set(err, ERROR_FORGE_FAILED, "GitHub's answer isn't the list that was asked for");
  json_array_foreach(list, at, element) {
    if (json_array_size(all) < limit)
      (void)json_array_append(all, element);
  }
  return true;
}

bool github_list(const GithubApi *api, const char *path, const char *member, size_t limit,
                 json_t **ret, Error *err) {
  AUTO(json_free) json_t *all = json_array();
  AUTO(str_free)
  char *next =
      str_format("%s%cper_page=%d", path, strchr(path, '?') != NULL ? '&' : '?', GITHUB_PAGE);
  for (int page = 0; next != NULL && page < PAGES_LIMIT && json_array_size(all) < limit; page++) {
    AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
    if (!github_call(api, "GET", next, NULL, &answer, err))
      return false;
    if (answer.status / 100 != 2)
      return github_refusal(&answer, err);
    if (!add_page(all, answer.value, member, limit, err))
      return false;
    str_free(next);
    next = STEAL(answer.next);
  }
  *ret = STEAL(all);
  return true;
}
