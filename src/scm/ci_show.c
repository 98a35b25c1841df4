/* Runs for people: lists, one of them, its log, its artifacts. */
#include "branch/access.h"
#include "branch/describe.h"
#include "catalog/policy.h"
#include "core/io.h"
#include "core/str.h"
#include "scm/ci_course.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_LIMIT = 200, LOG_PIECE = 256 * 1024 };

/* Whoever may use the tier in some way may look at what goes there. */
static bool sees(Context *context, const CiRunRow *run) {
  BranchRow tier;
  bool found = false;
  Error ignored = ERROR_INIT; /* what can't be found out isn't shown */
  return str_equal(run->principal, context->caller.name) ||
         (tier_branch(context->catalog, run->project, run->tier, &tier, &found, &ignored) &&
          found && access_sees(context, &tier));
}

bool ci_check_sees(Context *context, const CiRunRow *run, Error *err) {
  return sees(context, run) ||
         error_set(err, ERROR_CI_RUN_NOT_FOUND, "there is nothing to be seen of \"%s\"", run->tier);
}

static json_t *describe(const ProjectRow *project, const CiRunRow *run) {
  AUTO(str_free) char *url = str_format("bough://%s/ci/%s", project->name, run->id);
  return json_pack(
      "{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:s}", "run",
      run->id, "pull", (json_int_t)run->number, "source", run->source, "tier", run->tier, "head",
      run->head, "base", run->base, "result", run->result, "state", ci_state_text(run->state),
      "branch", run->branch_name, "test", run->test, "principal", run->principal, "outside",
      run->is_outside, "created_at", describe_time(run->created_at), "started_at",
      describe_time(run->started_at), "finished_at", describe_time(run->finished_at), "url", url);
}

bool ci_list(Context *context, const ProjectRow *project, int64_t pull, json_t **ret, Error *err) {
  CiRunRow *runs = NULL;
  size_t count = 0;
  if (!ci_run_list(context->catalog, project->id, pull, LIST_LIMIT, &runs, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++)
    if (sees(context, &runs[at]))
      (void)json_array_append_new(list, describe(project, &runs[at]));
  mem_free(runs);
  *ret = json_pack("{s:o}", "runs", list);
  return true;
}

static bool find_last(Context *context, const ProjectRow *project, int64_t pull, CiRunRow *ret,
                      Error *err) {
  CiRunRow *runs = NULL;
  size_t count = 0;
  if (!ci_run_list(context->catalog, project->id, pull, 1, &runs, &count, err))
    return false;
  if (count > 0)
    *ret = runs[0];
  mem_free(runs);
  return count > 0 || error_set(err, ERROR_CI_RUN_NOT_FOUND, "pull request %lld has no run yet",
                                (long long)pull);
}

static bool find(Context *context, const ProjectRow *project, const char *wanted, CiRunRow *ret,
                 Error *err) {
  char *end = NULL;
  errno = 0;
  long long number = strtoll(wanted, &end, 10);
  bool is_number = errno == 0 && end != wanted && *end == '\0' && number > 0;
  if (!(is_number ? find_last(context, project, number, ret, err)
                  : ci_run_get(context->catalog, project->id, wanted, ret, err)))
    return false;
  return sees(context, ret) ||
         error_set(err, ERROR_CI_RUN_NOT_FOUND, "there is no run \"%.40s\"", wanted);
}

bool ci_show(Context *context, const ProjectRow *project, const char *wanted, json_t **ret,
             Error *err) {
  CiRunRow run;
  AUTO(json_free) json_t *checks = NULL;
  AUTO(json_free) json_t *artifacts = NULL;
  if (!find(context, project, wanted, &run, err) ||
      !ci_check_list(context->catalog, run.id, &checks, err) ||
      !ci_artifact_list(context->catalog, run.id, &artifacts, err))
    return false;
  json_t *description = describe(project, &run);
  (void)json_object_set(description, "checks", checks);
  (void)json_object_set(description, "artifacts", artifacts);
  (void)json_object_set_new(description, "error", json_string(run.error));
  *ret = json_pack("{s:o}", "run", description);
  return true;
}

/* A piece that ends where a character ends; what isn't UTF-8 is shown as '?'. */
static json_t *text_piece(char *bytes, size_t *length) {
  size_t kept = *length;
  while (kept > 0 && *length - kept < 4 && ((unsigned char)bytes[kept - 1] & 0xC0) == 0x80)
    kept--;
  if (kept > 0 && (unsigned char)bytes[kept - 1] >= 0xC0)
    kept--;
  json_t *text = json_stringn(bytes, *length);
  if (text == NULL && kept > 0 && (text = json_stringn(bytes, kept)) != NULL)
    *length = kept;
  if (text != NULL)
    return text;
  for (size_t at = 0; at < *length; at++)
    if ((unsigned char)bytes[at] >= 0x80)
      bytes[at] = '?';
  return json_stringn(bytes, *length);
}

static bool read_piece(Context *context, const char *run, int64_t offset, json_t **ret_text,
                       int64_t *ret_next, Error *err) {
  AUTO(str_free) char *path = ci_log_path(context, run);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  AUTO(str_free) char *bytes = mem_new(LOG_PIECE, 1);
  if (fd < 0 && errno != ENOENT)
    return error_set_errno(err, errno, "could not open the log of %s", run);
  ssize_t count = fd >= 0 ? pread(fd, bytes, LOG_PIECE, offset) : 0;
  if (count < 0)
    return error_set_errno(err, errno, "could not read the log of %s", run);
  size_t length = (size_t)count;
  *ret_text = text_piece(bytes, &length);
  *ret_next = offset + (int64_t)length;
  return true;
}

bool ci_log(Context *context, const ProjectRow *project, const char *wanted, int64_t offset,
            json_t **ret, Error *err) {
  CiRunRow run;
  json_t *text = NULL;
  int64_t next = 0;
  if (!find(context, project, wanted, &run, err))
    return false;
  if (offset < 0)
    return error_set(err, ERROR_USAGE, "an offset is 0 or more");
  bool live = run.state == CI_QUEUED || run.state == CI_RUNNING;
  if (!read_piece(context, run.id, offset, &text, &next, err))
    return false;
  bool done = !live && next == offset;
  *ret = json_pack("{s:o, s:I, s:b, s:s, s:s, s:s}", "text", text, "next", (json_int_t)next, "done",
                   done, "run", run.id, "state", ci_state_text(run.state), "error", run.error);
  return true;
}

bool ci_read_artifact(Context *context, const ProjectRow *project, const char *wanted,
                      const char *name, json_t **ret, Error *err) {
  CiRunRow run;
  if (!find(context, project, wanted, &run, err) ||
      !ci_artifact_find(context->catalog, run.id, name, ret, err))
    return false;
  return *ret != NULL ||
         error_set(err, ERROR_NOTHING_TO_DO, "%s has no artifact \"%.80s\"", run.id, name);
}
