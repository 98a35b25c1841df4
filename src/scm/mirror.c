/* The state file of a work tree: what it is to say, and where one says otherwise. */
#include "scm/mirror.h"

#include "branch/describe.h"
#include "core/str.h"

#include <string.h>

enum { TEXT_LIMIT = 64 * 1024, SHOWN = 80 };

static void add_text(json_t *mirror, const char *key, const char *text) {
  if (text[0] != '\0')
    (void)json_object_set_new(mirror, key, json_string(text));
}

static void add_time(json_t *mirror, const char *key, int64_t time) {
  if (time != 0)
    (void)json_object_set_new(mirror, key, describe_time(time));
}

static void add_claim(json_t *mirror, const ChangeRow *change) {
  add_text(mirror, "feature_id", change->feature);
  add_text(mirror, "branch", change->git_branch);
  add_text(mirror, "parent_branch", change->tier);
  add_text(mirror, "lakebase_branch_uid", change->branch);
  add_time(mirror, "claimed_at", change->claimed_at);
}

/* Each state has the members of those before it. */
static void add_progress(json_t *mirror, const ChangeRow *change) {
  if (change->state >= CHANGE_PR_READY) {
    add_text(mirror, "pr_url", change->pr_url);
    add_time(mirror, "pushed_at", change->pushed_at);
  }
  if (change->state >= CHANGE_CI_GREEN) {
    add_text(mirror, "ci_run_url", change->ci_run_url);
    add_time(mirror, "ci_green_at", change->ci_green_at);
  }
  if (change->state == CHANGE_MERGED) {
    add_time(mirror, "merged_at", change->merged_at);
    add_text(mirror, "snapshot_branch", change->snapshot);
    add_time(mirror, "migrate_completed_at", change->migrated_at);
  }
}

json_t *mirror_make(const char *project_id, const Policy *policy, const ChangeRow *change) {
  bool is_there = change != NULL && change->state != CHANGE_ABANDONED;
  json_t *tiers = json_array();
  for (size_t at = 0; at < policy->tier_count; at++)
    (void)json_array_append_new(tiers, json_string(policy->tiers[at].name));
  const char *state = is_there ? change_state_text(change->state) : "scaffold-complete";
  json_t *mirror = json_pack("{s:i, s:s, s:s, s:o}", "version", 1, "state", state, "project_id",
                             project_id, "tiers", tiers);
  if (is_there) {
    add_claim(mirror, change);
    add_progress(mirror, change);
  }
  return mirror;
}

/* ---- holding one against the record ---- */

static bool differs(const char *key, const json_t *expected, const json_t *actual, Error *err) {
  AUTO(str_free) char *is = actual != NULL ? json_text(actual) : str_dup("nothing");
  AUTO(str_free) char *should = expected != NULL ? json_text(expected) : str_dup("nothing");
  (void)error_set(err, ERROR_STATE_FILE_DIFFERS,
                  "the state file says %.*s for \"%.40s\", the server's record %.*s", SHOWN, is,
                  key, SHOWN, should);
  return error_hint(err, "the record decides; `bough scm doctor --fix state-file` writes the file "
                         "anew, nothing is lost by that");
}

static bool check_members(const json_t *expected, json_t *actual, Error *err) {
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach((json_t *)expected, key, value) {
    const json_t *found = json_object_get(actual, key);
    if (found == NULL || !json_same(value, found))
      return differs(key, value, found, err);
  }
  json_object_foreach(actual, key, value) {
    if (json_object_get(expected, key) == NULL)
      return differs(key, NULL, value, err);
  }
  return true;
}

bool mirror_check(const json_t *expected, const char *text, Error *err) {
  AUTO(json_free) json_t *actual = NULL;
  Error wrong = ERROR_INIT;
  if (text == NULL) {
    (void)error_set(err, ERROR_NO_STATE_FILE, "there is no .lakebase/workflow-state.json");
    return error_hint(err,
                      "`bough scm doctor --fix state-file` writes it from the server's record; "
                      "`bough init` where the repository isn't under Bough");
  }
  size_t length = strlen(text);
  if (length > TEXT_LIMIT || !json_parse(text, length, &actual, &wrong) ||
      !json_is_object(actual)) {
    (void)error_set(err, ERROR_STATE_FILE_DIFFERS, "the state file is no JSON object: %.200s",
                    wrong.code != ERROR_NONE ? wrong.message : "it is something else");
    return error_hint(err,
                      "`bough scm doctor --fix state-file` writes it from the server's record");
  }
  return check_members(expected, actual, err);
}
