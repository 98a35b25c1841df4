/* The forge github: what a project's settings say, and the table of what it does. */
#include "scm/github.h"

#include "core/str.h"
#include "scm/github_token.h"

#include <string.h>

static const char *host_of(const json_t *settings) {
  return json_string_or(settings, "host", "github.com");
}

static bool connect_to(Context *context, const json_t *settings, GithubApi *ret, Error *err) {
  AUTO(github_token_free) char *token = NULL;
  return github_token(context->home, host_of(settings), &token, err) &&
         github_api_init(ret, host_of(settings), json_string_or(settings, "repository", ""), token,
                         err);
}

bool github_check_settings(Context *context, const json_t *settings, Error *err) {
  AUTO_RELEASE(github_api_release) GithubApi api = {0};
  AUTO(json_free) json_t *value = NULL;
  if (!connect_to(context, settings, &api, err))
    return false;
  AUTO(str_free) char *path = str_format("/repos/%s", api.repository);
  if (!github_do(&api, "GET", path, NULL, &value, err))
    return error_prefix(err, "%s at %s", api.repository, host_of(settings));
  const char *name = json_string_or(value, "full_name", "");
  return strcasecmp(name, api.repository) == 0 ||
         error_set(err, ERROR_FORGE_REFUSED, "the repository %s is called \"%.200s\" by now",
                   api.repository, name);
}

static bool open_github(Forge *forge, Error *err) {
  GithubApi api;
  if (!connect_to(forge->context, forge->settings, &api, err))
    return false;
  AUTO(str_free) char *origin = github_origin(host_of(forge->settings));
  Github *github = mem_new(1, sizeof *github);
  github->api = api;
  forge->state = github;
  forge->clone_url = str_format("%s/%s.git", origin, api.repository);
  return true;
}

static void close_github(Forge *forge) {
  Github *github = github_of(forge);
  if (github == NULL)
    return;
  github_api_release(&github->api);
  str_free(github->login);
  str_free(github->repository);
  mem_free(github);
  forge->state = NULL;
}

const ForgeDriver forge_github = {
    .kind = "github",
    .open = open_github,
    .close = close_github,
    .branch_head = github_branch_head,
    .branch_delete = github_branch_delete,
    .branch_contains = github_branch_contains,
    .git = github_git,
    .pull_open = github_pull_open,
    .pull_read = github_pull_read,
    .pull_list = github_pull_list,
    .pull_close = github_pull_close,
    .review_add = github_review_add,
    .review_list = github_review_list,
    .comment_add = github_comment_add,
    .comment_set = github_comment_set,
    .comment_list = github_comment_list,
    .status_set = github_status_set,
    .status_list = github_status_list,
    .merge = github_merge,
    .merge_try = github_merge_try,
    .promote = github_promote,
};
