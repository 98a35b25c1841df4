/* Pull requests as JSON, and what people do with them. */
#include "scm/pull.h"

#include "branch/access.h"
#include "branch/describe.h"
#include "core/str.h"
#include "scm/forge.h"
#include "scm/repository.h"

#include <string.h>

enum { NUMBER_DIGITS = 15 };

/* ---- as JSON ---- */

static json_t *describe_pull(const PullRequest *pull) {
  return json_pack("{s:I, s:s, s:o, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s, s:s, s:o, s:o, s:o}",
                   "number", (json_int_t)pull->number, "state", pull_state_text(pull->state),
                   "title", json_line(pull->title), "url", pull->url, "head_branch",
                   pull->head_branch, "base_branch", pull->base_branch, "head",
                   str_or_null(pull->head), "base", str_or_null(pull->base), "merge_commit",
                   str_or_null(pull->merge_commit), "author", pull->author, "text", pull->body,
                   "created_at", describe_time(pull->created_at), "updated_at",
                   describe_time(pull->updated_at), "merged_at", describe_time(pull->merged_at));
}

static json_t *describe_reviews(const Review *list, size_t count, const PullRequest *pull) {
  json_t *reviews = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(
        reviews,
        json_pack("{s:s, s:s*, s:s, s:s, s:b, s:s, s:o}", "reviewer", list[at].reviewer,
                  "on_behalf_of", str_or_null(list[at].on_behalf_of), "verdict",
                  review_verdict_text(list[at].verdict), "head", list[at].head, "of_this_state",
                  str_equal(list[at].head, pull->head) &&
                      str_equal(list[at].base_branch, pull->base_branch),
                  "text", list[at].body, "created_at", describe_time(list[at].created_at)));
  return reviews;
}

static json_t *describe_comments(const Comment *list, size_t count) {
  json_t *comments = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(
        comments, json_pack("{s:I, s:s, s:s*, s:s, s:o, s:o}", "id", (json_int_t)list[at].id,
                            "author", list[at].author, "marker", str_or_null(list[at].marker),
                            "text", list[at].body, "created_at", describe_time(list[at].created_at),
                            "updated_at", describe_time(list[at].updated_at)));
  return comments;
}

static json_t *describe_statuses(const CommitStatus *list, size_t count) {
  json_t *statuses = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(statuses,
                                json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", list[at].name,
                                          "state", status_state_text(list[at].state), "url",
                                          list[at].url, "description", list[at].description,
                                          "updated_at", describe_time(list[at].updated_at)));
  return statuses;
}

/* ---- one of them, whole ---- */

static bool add_reviews(Forge *forge, const PullRequest *pull, json_t *result, Error *err) {
  Review *list = NULL;
  size_t count = 0;
  ReviewCount counted = {0};
  if (!forge_review_list(forge, pull->number, &list, &count, err))
    return false;
  (void)json_object_set_new(result, "reviews", describe_reviews(list, count, pull));
  reviews_free(list, count);
  if (pull->state != PULL_OPEN)
    return true;
  if (!forge_review_count(forge, pull, &counted, err))
    return false;
  (void)json_object_set(result, "approved_by", counted.approved_by);
  (void)json_object_set(result, "changes_by", counted.changes_by);
  review_count_release(&counted);
  return true;
}

static bool add_comments(Forge *forge, const PullRequest *pull, json_t *result, Error *err) {
  Comment *list = NULL;
  size_t count = 0;
  if (!forge_comment_list(forge, pull->number, &list, &count, err))
    return false;
  (void)json_object_set_new(result, "comments", describe_comments(list, count));
  comments_free(list, count);
  return true;
}

static bool add_statuses(Forge *forge, const PullRequest *pull, json_t *result, Error *err) {
  CommitStatus *list = NULL;
  size_t count = 0;
  if (pull->head[0] == '\0')
    return true;
  if (!forge_status_list(forge, pull->head, &list, &count, err))
    return false;
  (void)json_object_set_new(result, "statuses", describe_statuses(list, count));
  mem_free(list);
  return true;
}

static bool show(Forge *forge, int64_t number, json_t **ret, Error *err) {
  PullRequest pull = {0};
  if (!forge_pull_read(forge, number, &pull, err))
    return false;
  AUTO(json_free) json_t *result = json_pack("{s:o}", "pull", describe_pull(&pull));
  bool ok = add_reviews(forge, &pull, result, err) && add_comments(forge, &pull, result, err) &&
            add_statuses(forge, &pull, result, err);
  pull_request_release(&pull);
  if (ok)
    *ret = STEAL(result);
  return ok;
}

static bool read_number(const char *text, int64_t *ret, Error *err) {
  size_t length = strlen(text);
  if (length == 0 || length > NUMBER_DIGITS || strspn(text, "0123456789") != length)
    return error_set(err, ERROR_PULL_NOT_FOUND, "\"%.40s\" is no pull request's number", text);
  int64_t number = 0;
  for (; *text != '\0'; text++)
    number = number * 10 + (*text - '0');
  *ret = number;
  return true;
}

static bool begin(Context *context, const ProjectRow *project, Forge **ret, Error *err) {
  return repository_ask_read(context, project, err) && forge_open(context, project, ret, err);
}

static bool begin_with(Context *context, const ProjectRow *project, const char *text, Forge **ret,
                       int64_t *ret_number, Error *err) {
  return read_number(text, ret_number, err) && begin(context, project, ret, err);
}

/* ---- use cases ---- */

bool pull_repository(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  if (!begin(context, project, &forge, err))
    return false;
  *ret = json_pack("{s:s, s:s}", "forge", forge_kind(forge), "url", forge_clone_url(forge));
  return true;
}

bool pull_list(Context *context, const ProjectRow *project, bool only_open, json_t **ret,
               Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  PullRequest *list = NULL;
  size_t count = 0;
  if (!begin(context, project, &forge, err) ||
      !forge_pull_list(forge, only_open, &list, &count, err))
    return false;
  json_t *pulls = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(pulls, describe_pull(&list[at]));
  pull_requests_free(list, count);
  *ret = json_pack("{s:o}", "pulls", pulls);
  return true;
}

bool pull_show(Context *context, const ProjectRow *project, const char *number, json_t **ret,
               Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  int64_t wanted = 0;
  return begin_with(context, project, number, &forge, &wanted, err) &&
         show(forge, wanted, ret, err);
}

bool pull_open(Context *context, const ProjectRow *project, const json_t *body, json_t **ret,
               Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  PullRequest pull = {0};
  PullWish wish = {.base_branch = json_string_or(body, "base_branch", NULL),
                   .body = json_string_or(body, "text", NULL)};
  if (!json_get_string(body, "head_branch", &wish.head_branch, err) ||
      !begin(context, project, &forge, err))
    return false;
  wish.title = json_string_or(body, "title", wish.head_branch);
  if (!forge_pull_open(forge, &wish, &pull, err))
    return false;
  *ret = json_pack("{s:o}", "pull", describe_pull(&pull));
  pull_request_release(&pull);
  return true;
}

/* Who may push to a branch may withdraw what was proposed with it. */
static bool ask_close(Context *context, const ProjectRow *project, Forge *forge, int64_t number,
                      Error *err) {
  PullRequest pull = {0};
  BranchRow branch;
  if (!forge_pull_read(forge, number, &pull, err))
    return false;
  bool ok = (pull.branch_id[0] != '\0'
                 ? branch_get(context->catalog, pull.branch_id, &branch, err)
                 : repository_branch(context, project, pull.head_branch, &branch, err)) &&
            access_branch(context, ACTION_BRANCH_WRITE, &branch, err);
  pull_request_release(&pull);
  return ok;
}

bool pull_close(Context *context, const ProjectRow *project, const char *number, json_t **ret,
                Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  int64_t wanted = 0;
  return begin_with(context, project, number, &forge, &wanted, err) &&
         ask_close(context, project, forge, wanted, err) && forge_pull_close(forge, wanted, err) &&
         show(forge, wanted, ret, err);
}

static bool read_verdict(const json_t *body, ReviewVerdict *ret, Error *err) {
  static const struct {
    const char *text;
    ReviewVerdict verdict;
  } known[] = {{"approve", REVIEW_APPROVED},
               {"request-changes", REVIEW_CHANGES},
               {"comment", REVIEW_COMMENT}};
  const char *text = NULL;
  if (!json_get_string(body, "verdict", &text, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(known); at++)
    if (str_equal(known[at].text, text)) {
      *ret = known[at].verdict;
      return true;
    }
  return error_set(err, ERROR_USAGE, "\"verdict\" must be approve, request-changes or comment");
}

bool pull_review(Context *context, const ProjectRow *project, const char *number,
                 const json_t *body, json_t **ret, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  int64_t wanted = 0;
  ReviewVerdict verdict = REVIEW_COMMENT;
  return read_verdict(body, &verdict, err) &&
         begin_with(context, project, number, &forge, &wanted, err) &&
         forge_review_add(forge, wanted, verdict, json_string_or(body, "head", NULL),
                          json_string_or(body, "text", ""), err) &&
         show(forge, wanted, ret, err);
}

bool pull_comment(Context *context, const ProjectRow *project, const char *number,
                  const json_t *body, json_t **ret, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  int64_t wanted = 0;
  const char *text = NULL;
  return json_get_string(body, "text", &text, err) &&
         begin_with(context, project, number, &forge, &wanted, err) &&
         forge_comment_add(forge, wanted, text, err) && show(forge, wanted, ret, err);
}
