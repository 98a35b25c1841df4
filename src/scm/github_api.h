/* Calls of GitHub's REST API: one host, one repository, one token. Each call is bounded in time and
 * size; what is worth trying again is tried again after a while, and GitHub's wishes to wait
 * (Retry-After, used-up limits) are kept or told. The token goes to that host and to no other. */
#pragma once

#include "core/error.h"
#include "core/json.h"
#include "http/request.h"

enum {
  GITHUB_ANSWER_LIMIT = 16 * 1024 * 1024, /* bytes of one answer */
  GITHUB_BUDGET_MS = 30 * 1000,           /* of one call with its waits */
  GITHUB_PAGE = 100,                      /* elements that are asked for at once */
};

typedef struct GithubApi {
  char *base;       /* "https://api.github.com", without a slash at the end */
  char *repository; /* "acme/inventory" */
  char *token;      /* wiped when it goes */
  int budget_ms;    /* GITHUB_BUDGET_MS; shorter in tests */
} GithubApi;

/* host: "github.com", that of an enterprise server, or "127.0.0.1:PORT" (plain http, for tests).
 * ERROR_USAGE for a host, repository or token that can't be one. */
CHECKED bool github_api_init(GithubApi *api, const char *host, const char *repository,
                             const char *token, Error *err);
void github_api_release(GithubApi *api);
/* "https://HOST" of such a host, or "http://127.0.0.1:PORT"; owned. */
char *github_origin(const char *host);

typedef struct GithubAnswer {
  int status;
  json_t *value; /* NULL: there is no content; owned */
  char *next;    /* URL of the next page; NULL: none; owned */
} GithubAnswer;
void github_answer_release(GithubAnswer *answer);

/* path: below the repository ("pulls/7"), with a slash in front below the host ("/user"), or a
 * whole URL of that host. True for every answer that is GitHub's last word: 2xx, and 4xx that don't
 * ask to wait. A POST is never sent twice, unless GitHub said that it did nothing. FORGE_FAILED:
 * unreachable, broken, or led elsewhere. FORGE_LIMITED: it would take too long. */
CHECKED bool github_call(const GithubApi *api, const char *method, const char *path,
                         const json_t *body, GithubAnswer *ret, Error *err);
/* The same for a caller that has use for nothing but a success: everything else is
 * github_refusal. *ret may be NULL where there was no content. */
CHECKED bool github_do(const GithubApi *api, const char *method, const char *path,
                       const json_t *body, json_t **ret, Error *err);
/* All pages of a list, at most limit elements; *ret: an array. member: where the list is in each
 * page; NULL: the page is the list. */
CHECKED bool github_list(const GithubApi *api, const char *path, const char *member, size_t limit,
                         json_t **ret, Error *err);
/* Sets what GitHub said with a status that is no success, and returns false: FORGE_REFUSED. */
bool github_refusal(const GithubAnswer *answer, Error *err);

/* ---- parts, pure ---- */

/* How long an answer asks to wait, in ms; -1: it doesn't. now_s: the time of day, for an answer
 * that doesn't tell its own. */
int64_t github_wait_ms(const HttpReply *reply, int64_t now_s);
/* The URL with rel="next" of a Link header, owned; NULL: there is none. */
char *github_next_link(const char *link);
