/* What GitHub answers, as the structures of forge.h. Pure: untrusted JSON in, values or
 * FORGE_FAILED out. Texts that are only shown are cut to their length; names, commits and numbers
 * are taken whole or not at all. */
#pragma once

#include "scm/forge.h"

/* Who a login is to Bough: settings has {"people":{LOGIN:PRINCIPAL}}. One that isn't there becomes
 * "github:LOGIN", which is no principal's name. */
void github_person(const json_t *settings, const char *login, char ret[NAME_MAX_LENGTH + 1]);
/* The login of a value's "user"; "ghost" where the account is gone. Borrowed. */
const char *github_login(const json_t *value);
/* Microseconds since 1970; 0: nothing that is a time. */
int64_t github_time(const json_t *value, const char *key);

/* An element of pulls; base, the live commit, is left "": a pull request tells the one it was last
 * compared with. A head in somebody else's repository gets the branch "OWNER:BRANCH". */
CHECKED bool github_parse_pull(const json_t *value, const char *repository, const json_t *settings,
                               PullRequest *ret, Error *err);
/* An element of reviews. *ret_given is false for one that isn't sent yet. base_branch stays "". */
CHECKED bool github_parse_review(const json_t *value, const json_t *settings, Review *ret,
                                 bool *ret_given, Error *err);
/* An element of comments: the marker is taken off the body. */
CHECKED bool github_parse_comment(const json_t *value, const json_t *settings, Comment *ret,
                                  Error *err);
/* The body of a comment with a marker, owned. */
char *github_marked(const char *marker, const char *body);
/* An element of statuses; an element of check_runs. */
CHECKED bool github_parse_status(const json_t *value, CommitStatus *ret, Error *err);
CHECKED bool github_parse_check_run(const json_t *value, CommitStatus *ret, Error *err);
/* The "sha" of a commit or of a merge; of a ref the one of its "object". */
CHECKED bool github_parse_commit(const json_t *value, char ret[GIT_OID_SIZE], Error *err);
CHECKED bool github_parse_ref(const json_t *value, char ret[GIT_OID_SIZE], Error *err);
