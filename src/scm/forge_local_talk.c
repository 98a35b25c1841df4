/* The local forge's reviews, comments and statuses: rows of the catalog. */
#include "scm/forge_local.h"

#include "catalog/forge.h"
#include "core/str.h"

#include <stdio.h>

static Catalog *catalog_of(const Forge *forge) {
  return forge->context->catalog;
}

bool local_review_add(Forge *forge, const PullRequest *pull, ReviewVerdict verdict,
                      const char *body, Error *err) {
  const PrincipalRow *caller = &forge->context->caller;
  AUTO(str_free) char *text = str_dup(body);
  ReviewRow row = {.body = text};
  (void)snprintf(row.reviewer, sizeof row.reviewer, "%s", caller->name);
  (void)snprintf(row.on_behalf_of, sizeof row.on_behalf_of, "%s", caller->on_behalf_of);
  (void)snprintf(row.verdict, sizeof row.verdict, "%s", review_verdict_text(verdict));
  (void)snprintf(row.head, sizeof row.head, "%s", pull->head);
  (void)snprintf(row.base_branch, sizeof row.base_branch, "%s", pull->base_branch);
  return review_row_insert(catalog_of(forge), forge->project->id, pull->number, &row, err);
}

/* What isn't known counts as a comment: it opens no gate. */
static ReviewVerdict verdict_of(const char *text) {
  for (ReviewVerdict verdict = REVIEW_APPROVED; verdict < REVIEW_VERDICT_COUNT_; verdict++)
    if (str_equal(review_verdict_text(verdict), text))
      return verdict;
  return REVIEW_COMMENT;
}

static void describe_review(ReviewRow *row, Review *ret) {
  *ret = (Review){
      .verdict = verdict_of(row->verdict), .created_at = row->created_at, .body = STEAL(row->body)};
  (void)snprintf(ret->reviewer, sizeof ret->reviewer, "%s", row->reviewer);
  (void)snprintf(ret->on_behalf_of, sizeof ret->on_behalf_of, "%s", row->on_behalf_of);
  (void)snprintf(ret->head, sizeof ret->head, "%s", row->head);
  (void)snprintf(ret->base_branch, sizeof ret->base_branch, "%s", row->base_branch);
}

bool local_review_list(Forge *forge, int64_t number, Review **ret, size_t *ret_count, Error *err) {
  ReviewRow *rows = NULL;
  size_t count = 0;
  if (!review_row_list(catalog_of(forge), forge->project->id, number, &rows, &count, err))
    return false;
  Review *list = mem_new(count, sizeof *list);
  for (size_t at = 0; at < count; at++)
    describe_review(&rows[at], &list[at]);
  mem_free(rows);
  *ret = list;
  *ret_count = count;
  return true;
}

/* ---- comments ---- */

bool local_comment_add(Forge *forge, int64_t number, const char *body, Error *err) {
  return comment_row_add(catalog_of(forge), forge->project->id, number, forge->context->caller.name,
                         body, err);
}

bool local_comment_set(Forge *forge, int64_t number, const char *marker, const char *body,
                       Error *err) {
  return comment_row_set(catalog_of(forge), forge->project->id, number, forge->context->caller.name,
                         marker, body, err);
}

bool local_comment_list(Forge *forge, int64_t number, Comment **ret, size_t *ret_count,
                        Error *err) {
  CommentRow *rows = NULL;
  size_t count = 0;
  if (!comment_row_list(catalog_of(forge), forge->project->id, number, &rows, &count, err))
    return false;
  Comment *list = mem_new(count, sizeof *list);
  for (size_t at = 0; at < count; at++) {
    list[at] = (Comment){.id = rows[at].id,
                         .created_at = rows[at].created_at,
                         .updated_at = rows[at].updated_at,
                         .body = STEAL(rows[at].body)};
    (void)snprintf(list[at].author, sizeof list[at].author, "%s", rows[at].author);
    (void)snprintf(list[at].marker, sizeof list[at].marker, "%s", rows[at].marker);
  }
  mem_free(rows);
  *ret = list;
  *ret_count = count;
  return true;
}

/* ---- statuses ---- */

bool local_status_set(Forge *forge, const char *commit, const CommitStatus *status, Error *err) {
  StatusRow row = {0};
  (void)snprintf(row.name, sizeof row.name, "%s", status->name);
  (void)snprintf(row.state, sizeof row.state, "%s", status_state_text(status->state));
  (void)snprintf(row.url, sizeof row.url, "%s", status->url);
  (void)snprintf(row.description, sizeof row.description, "%s", status->description);
  (void)snprintf(row.reported_by, sizeof row.reported_by, "%s", forge->context->caller.name);
  return status_row_set(catalog_of(forge), forge->project->id, commit, &row, err);
}

static StatusState state_of(const char *text) {
  for (StatusState state = STATUS_PENDING; state < STATUS_STATE_COUNT_; state++)
    if (str_equal(status_state_text(state), text))
      return state;
  return STATUS_ERROR;
}

bool local_status_list(Forge *forge, const char *commit, CommitStatus **ret, size_t *ret_count,
                       Error *err) {
  StatusRow *rows = NULL;
  size_t count = 0;
  if (!status_row_list(catalog_of(forge), forge->project->id, commit, &rows, &count, err))
    return false;
  CommitStatus *list = mem_new(count, sizeof *list);
  for (size_t at = 0; at < count; at++) {
    list[at] = (CommitStatus){.state = state_of(rows[at].state), .updated_at = rows[at].updated_at};
    (void)snprintf(list[at].name, sizeof list[at].name, "%s", rows[at].name);
    (void)snprintf(list[at].url, sizeof list[at].url, "%s", rows[at].url);
    (void)snprintf(list[at].description, sizeof list[at].description, "%s", rows[at].description);
  }
  mem_free(rows);
  *ret = list;
  *ret_count = count;
  return true;
}
