/* The files that a run's tests see. Private to src/scm/ci_*.c. */
#pragma once

#include "core/json.h"
#include "git/git.h"

typedef struct CiTree {
  const char *directory; /* to be filled; must not be there yet */
  const char *base;      /* commit of the target */
  const char *result;    /* the merge that is tested */
  const char *test;      /* the declared command */
  bool keeps_tests;      /* those that the target has are as it has them, edited or not */
} CiTree;

/* Writes the files of result into directory, but: what the declared command starts with (a script
 * of the repository, what its programs look for by themselves: ci_line.h) is the target's, and what
 * would take its place is left out; tests that the target has and result lacks are there, with
 * keeps_tests also those that result edits. *ret_notes: texts about each such file, owned. */
CHECKED bool ci_tree_write(const Git *git, const CiTree *tree, json_t **ret_notes, Error *err);

/* Whether a path is a test's by the customs of the trade: below a folder test, tests, spec or
 * __tests__, or a file named test_x, x_test.y, x.test.y, x_spec.y, x.spec.y. */
bool ci_tree_is_test(const char *path);
