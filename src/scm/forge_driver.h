/* What a kind of forge does; forge.h says what each of these means. forge.c checks names, commits
 * and lengths before, asks who may, and counts reviews: a driver only does. */
#pragma once

#include "scm/forge.h"

typedef struct ForgeDriver {
  const char *kind;
  bool (*open)(Forge *forge, Error *err); /* sets forge->state, forge->clone_url */
  void (*close)(Forge *forge);
  bool (*branch_head)(Forge *forge, const char *branch, char ret[GIT_OID_SIZE], bool *ret_found,
                      Error *err);
  bool (*branch_delete)(Forge *forge, const char *branch, const char *expected, Error *err);
  bool (*branch_contains)(Forge *forge, const char *branch, const char *commit, bool *ret,
                          Error *err);
  bool (*git)(Forge *forge, const char *commit, Git *ret, Error *err);
  bool (*pull_open)(Forge *forge, const PullWish *wish, PullRequest *ret, Error *err);
  bool (*pull_read)(Forge *forge, int64_t number, PullRequest *ret, Error *err);
  bool (*pull_list)(Forge *forge, bool only_open, PullRequest **ret, size_t *ret_count, Error *err);
  bool (*pull_close)(Forge *forge, int64_t number, Error *err);
  bool (*review_add)(Forge *forge, const PullRequest *pull, ReviewVerdict verdict, const char *body,
                     Error *err);
  bool (*review_list)(Forge *forge, int64_t number, Review **ret, size_t *ret_count, Error *err);
  bool (*comment_add)(Forge *forge, int64_t number, const char *body, Error *err);
  bool (*comment_set)(Forge *forge, int64_t number, const char *marker, const char *body,
                      Error *err);
  bool (*comment_list)(Forge *forge, int64_t number, Comment **ret, size_t *ret_count, Error *err);
  bool (*status_set)(Forge *forge, const char *commit, const CommitStatus *status, Error *err);
  bool (*status_list)(Forge *forge, const char *commit, CommitStatus **ret, size_t *ret_count,
                      Error *err);
  bool (*merge)(Forge *forge, const PullRequest *pull, const char *expected_base,
                const char *message, char ret[GIT_OID_SIZE], Error *err);
  bool (*merge_try)(Forge *forge, const char *base, const char *head, char ret[GIT_OID_SIZE],
                    Error *err);
  bool (*promote)(Forge *forge, const char *from_commit, const char *to_branch,
                  const char *expected_to, const char *message, char ret[GIT_OID_SIZE], Error *err);
} ForgeDriver;

struct Forge {
  const ForgeDriver *driver;
  Context *context;
  const ProjectRow *project;
  json_t *settings; /* of lakebase.repositories: what that kind of forge was told; owned */
  char *clone_url;  /* owned */
  void *state;      /* the driver's own */
};

extern const ForgeDriver forge_local, forge_github;
