/* The one place that runs git: argument vectors, NUL-separated output, bounded in size and time.
 *
 * A Git says where: the server's bare repositories (git_server: nobody's configuration, hooks or
 * helpers), or the work tree that the caller of the command line stands in (git_client: with the
 * user's own configuration, which is that user's business). Neither has a pager, an editor, a
 * prompt for passwords, replaced objects, or lazily fetched ones. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

enum {
  GIT_OID_SIZE = 65,   /* SHA-1 or SHA-256 in hexadecimal, with \0 */
  GIT_NAME_SIZE = 201, /* of a branch, with \0 */
  GIT_OUTPUT_LIMIT = 16 * 1024 * 1024,
  GIT_TIMEOUT_MS = 60 * 1000,
};

typedef struct Git {
  const char *directory;          /* bare repository, or any directory of a work tree; borrowed */
  bool is_server;                 /* nobody's configuration */
  int timeout_ms;                 /* 0: GIT_TIMEOUT_MS */
  const char *const *environment; /* more of "K=V", NULL-terminated; may be NULL; borrowed */
} Git;

/* git_server: of a bare repository. git_client: of the work tree around directory ("." as well). */
Git git_server(const char *bare_repository);
Git git_client(const char *directory);

/* What a run leaves: bytes of stdout (always with a \0 behind them), the end of stderr. */
typedef struct GitResult {
  int status; /* exit status, or 128 + signal */
  char *output;
  size_t length;
  char *errors; /* one line or several, for messages */
} GitResult;
void git_result_release(GitResult *result);

/* Runs `git ARGUMENTS...` (without "git"; NULL-terminated). input (may be NULL) is its stdin. A
 * status other than 0 is no failure here; output past GIT_OUTPUT_LIMIT is TOO_LARGE. */
CHECKED bool git_run(const Git *git, const char *const *arguments, const void *input,
                     size_t input_length, GitResult *ret, Error *err);
/* The same where any status but 0 is TOOL_FAILED with what git said. */
CHECKED bool git_check(const Git *git, const char *const *arguments, Error *err);
/* Its one line of output, without the line's end; owned by the caller. */
CHECKED bool git_line(const Git *git, const char *const *arguments, char **ret, Error *err);
/* Its NUL-separated output: an array of texts that ends with NULL, in one piece: mem_free. */
CHECKED bool git_texts(const Git *git, const char *const *arguments, char ***ret, size_t *ret_count,
                       Error *err);
/* git_run((Git){...}, GIT("rev-parse", "HEAD"), ...) */
#define GIT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The program and its first arguments for who starts git with descriptors of its own: argv must
 * have room for GIT_PREFIX words. Returns how many were written. */
enum { GIT_PREFIX = 32 };
size_t git_server_prefix(const char **argv);
/* The environment that goes with it, NULL-terminated, static. */
const char *const *git_server_environment(void);

/* ---- names ---- */

/* An object's name in full: 40 or 64 of [0-9a-f]. */
bool git_oid_check(const char *text);
bool git_oid_is_zero(const char *oid); /* what git says for "no such ref" */
/* A branch that Bough lets be: 1 to 200 of [A-Za-z0-9._/-], no part of it empty, starting with a
 * '.' or '-', or ending with '.' or ".lock"; no "..", nor "HEAD". INVALID_NAME. */
CHECKED bool git_branch_check(const char *name, Error *err);
/* The branch that a ref names: NULL unless it is "refs/heads/" and a name that passes. Borrowed. */
const char *git_ref_branch(const char *ref);

/* ---- reading ---- */

/* The commit that a revision names (HEAD, a branch as "refs/heads/NAME", a commit). *ret_found is
 * false where there is none; ret is untouched then. */
CHECKED bool git_commit_of(const Git *git, const char *revision, char ret[GIT_OID_SIZE],
                           bool *ret_found, Error *err);
/* Of a branch: its head. */
CHECKED bool git_branch_head(const Git *git, const char *branch, char ret[GIT_OID_SIZE],
                             bool *ret_found, Error *err);
/* Commits that `tip` has and `base` has not. */
CHECKED bool git_count_ahead(const Git *git, const char *base, const char *tip, int64_t *ret,
                             Error *err);
CHECKED bool git_is_ancestor(const Git *git, const char *old, const char *tip, bool *ret,
                             Error *err);
/* A file of a commit, at most limit bytes, owned by the caller, with a \0 behind it. *ret_found
 * is false where there is no such file (a link or folder isn't one). */
CHECKED bool git_read_file(const Git *git, const char *commit, const char *path, size_t limit,
                           char **ret, size_t *ret_length, bool *ret_found, Error *err);
/* Paths of the files below a folder of a commit ("": all), NULL-terminated, in one piece:
 * mem_free. */
CHECKED bool git_list_files(const Git *git, const char *commit, const char *folder, char ***ret,
                            size_t *ret_count, Error *err);
/* Paths that differ between two commits; likewise. */
CHECKED bool git_changed_files(const Git *git, const char *from, const char *to, char ***ret,
                               size_t *ret_count, Error *err);
/* Writes the files of a commit into an empty directory. Links stay links. */
CHECKED bool git_export(const Git *git, const char *commit, const char *directory, Error *err);

/* ---- bare repositories ---- */

/* Makes one, settings and all; one that is there is given those settings again. */
CHECKED bool git_init_bare(const char *path, const char *head_branch, Error *err);

typedef struct GitPerson {
  const char *name; /* borrowed; what isn't a name's is left out */
  const char *email;
} GitPerson;

typedef struct GitMerge {
  const char *base;    /* commits */
  const char *head;    /* the second parent */
  const char *message; /* its text */
  GitPerson author;    /* who merges; the committer is Bough */
  int64_t at_us;       /* the commit's time: the same merge makes the same commit */
} GitMerge;

/* Makes the merge commit of two commits, without moving anything. MERGE_CONFLICT, naming files. */
CHECKED bool git_merge(const Git *git, const GitMerge *merge, char ret[GIT_OID_SIZE], Error *err);

/* Moves refs/heads/BRANCH from old to new; an old of NULL: there must be none yet; new NULL:
 * removes it. False with MERGE_STALE when it is somewhere else by now. */
CHECKED bool git_move_branch(const Git *git, const char *branch, const char *old, const char *new,
                             Error *err);
/* The same for any ref. */
CHECKED bool git_move_ref(const Git *git, const char *ref, const char *old, const char *new,
                          Error *err);

/* ---- work trees ---- */

/* The top of the work tree around git's directory, owned by the caller. NOTHING_TO_DO outside of
 * one. */
CHECKED bool git_top(const Git *git, char **ret, Error *err);
/* The branch that HEAD stands on, owned by the caller; NULL when it stands on none. */
CHECKED bool git_current_branch(const Git *git, char **ret, Error *err);
/* Whether nothing is changed, staged or untracked (ignored files don't count, nor does `but`, where
 * that is untracked; it may be NULL). *ret_first, owned by the caller (may be NULL): a path that
 * is, where it isn't clean. */
CHECKED bool git_is_clean(const Git *git, const char *but, bool *ret, char **ret_first, Error *err);
/* Whether git's index has that path, seen from git's directory. */
CHECKED bool git_is_tracked(const Git *git, const char *path, bool *ret, Error *err);
