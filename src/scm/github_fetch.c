/* Commits of GitHub's in the server's own repository, for those who look into them. */
#include "scm/github.h"

#include "core/str.h"
#include "scm/github_token.h"
#include "scm/repository.h"

#include <openssl/evp.h>
#include <string.h>

enum { FETCH_MS = 120 * 1000 };

/* What git is told besides: the token for that host alone, in the environment, where other accounts
 * can't see it; and not to follow GitHub elsewhere. */
typedef struct FetchEnvironment {
  char *allowed;
  char *key;
  char *value; /* the token in it; wiped */
} FetchEnvironment;

static void fetch_environment_release(FetchEnvironment *environment) {
  str_free(environment->allowed);
  str_free(environment->key);
  github_token_free(environment->value);
}

static char *basic(const char *token) {
  AUTO(github_token_free) char *plain = str_format("x-access-token:%s", token);
  size_t length = strlen(plain);
  AUTO(github_token_free) char *encoded = mem_new(4 * (length / 3 + 1) + 1, 1);
  (void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)plain, (int)length);
  return str_format("GIT_CONFIG_VALUE_0=Authorization: Basic %s", encoded);
}

static FetchEnvironment fetch_environment(const Forge *forge) {
  size_t scheme = strcspn(forge->clone_url, ":");
  size_t origin = scheme + 3 + strcspn(forge->clone_url + scheme + 3, "/");
  return (FetchEnvironment){
      .allowed = str_format("GIT_ALLOW_PROTOCOL=%.*s", (int)scheme, forge->clone_url),
      .key = str_format("GIT_CONFIG_KEY_0=http.%.*s/.extraHeader", (int)origin, forge->clone_url),
      .value = basic(github_of(forge)->api.token),
  };
}

static bool fetch(const Forge *forge, const Git *git, const char *commit, Error *err) {
  AUTO_RELEASE(fetch_environment_release)
  FetchEnvironment environment = fetch_environment(forge);
  AUTO(str_free) char *wanted = str_format("+%s:refs/bough/fetched/%s", commit, commit);
  Git fetching = *git;
  fetching.timeout_ms = FETCH_MS;
  fetching.environment = (const char *const[]){environment.allowed,
                                               "GIT_CONFIG_COUNT=2",
                                               environment.key,
                                               environment.value,
                                               "GIT_CONFIG_KEY_1=http.followRedirects",
                                               "GIT_CONFIG_VALUE_1=false",
                                               NULL};
  if (!git_check(
          &fetching,
          GIT("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", forge->clone_url, wanted),
          err))
    return error_prefix(err, "%s of %s", commit, forge->clone_url);
  return true;
}

bool github_git(Forge *forge, const char *commit, Git *ret, Error *err) {
  Github *github = github_of(forge);
  char found[GIT_OID_SIZE];
  bool is_here = false;
  if (github->repository == NULL &&
      !repository_ensure(forge->context, forge->project, &github->repository, err))
    return false;
  Git git = git_server(github->repository);
  if (!git_commit_of(&git, commit, found, &is_here, err) ||
      (!is_here && !fetch(forge, &git, commit, err)))
    return false;
  *ret = git;
  return true;
}

bool github_merge_try(Forge *forge, const char *base, const char *head, char ret[GIT_OID_SIZE],
                      Error *err) {
  Git git;
  const GitMerge merge = {.base = base,
                          .head = head,
                          .message = "What a merge would give",
                          .author = {"Bough", "bough@localhost"},
                          .at_us = 0};
  return github_git(forge, base, &git, err) && github_git(forge, head, &git, err) &&
         git_merge(&git, &merge, ret, err);
}
