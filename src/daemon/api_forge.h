/* Handlers of the routes about code and pull requests, and of the jobs of git.sock. */
#pragma once

#include "daemon/route.h"

ApiHandler get_repository, get_pulls, get_pull, post_pulls, post_pull_review, post_pull_comment,
    post_pull_close, job_git_open, job_git_push, job_git_keep;
