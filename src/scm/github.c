/* The forge github: what a project's settings say, and the table of what it does. */
#include "scm/github.h"

#include "core/str.h"
#include "scm/github_token.h"

#include <string.h>

static const char *host_of(const Forge *forge) {
  return json_string_or(forge->settings, "host", "github.com");
}

static bool open_github(Forge *forge, Error *err) {
  const char *repository = json_string_or(forge->settings, "repository", "");
  AUTO(github_token_free) char *token = NULL;
  Github *github = mem_new(1, sizeof *github);
  if (!github_token(forge->context->home, host_of(forge), &token, err) ||
      !github_api_init(&github->api, host_of(forge), repository, token, err)) {
    mem_free(github);
    return false;
  }
  AUTO(str_free) char *origin = github_origin(host_of(forge));
  forge->state = github;
  forge->clone_url = str_format("%s/%s.git", origin, repository);
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
    .pull_find = github_pull_find,
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
