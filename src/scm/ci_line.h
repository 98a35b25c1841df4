/* Which files of a repository say what the declared line does. Private to src/scm/ci_*.c. */
#pragma once

#include "core/json.h"

typedef enum CiRole {
  CI_ROLE_NONE,
  CI_ROLE_RUN,    /* what the line starts: a script that it names, the only Makefile */
  CI_ROLE_RULES,  /* what a program of the line looks for by itself: says what is run, and how */
  CI_ROLE_GOAL,   /* has the name of what make is to make, which then is made already */
  CI_ROLE_WRITES, /* how git writes all others */
  CI_ROLE_MIXED,  /* says so among what a change has to bring along, such as dependencies */
  CI_ROLE_COUNT_,
} CiRole;

typedef struct CiLine {
  char *text;         /* the words, each with its \0 */
  const char **words; /* in text */
  size_t count;
  unsigned started; /* bits: programs of the table */
  const json_t *base;
} CiLine;
void ci_line_release(CiLine *line);

/* base: an object whose keys are the target's files and folders; borrowed. ret: release. */
void ci_line_init(const char *text, const json_t *base, CiLine *ret);

/* Of a file of the target, or of what is merged into it. */
CiRole ci_line_role(const CiLine *line, const char *path);
