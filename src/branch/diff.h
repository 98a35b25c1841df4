/* The schema diff of two branches: wakes both, reads both at once as an unprivileged role, compares
 * with the record of where they parted. */
#pragma once

#include "branch/context.h"

typedef struct DiffRequest {
  const char *branch;   /* what it has become */
  const char *against;  /* what it is held against; NULL: its parent */
  const char *before;   /* what the answer calls that; NULL: the branch's name */
  const char *database; /* NULL: the project's default */
  const char *format;   /* "text", "sql", "markdown", "json"; NULL: json */
  bool color;
  bool concurrently; /* of "sql": indexes of existing tables outside of the transaction */
  bool full;         /* reads both even where storage or digests tell that they are the same */
} DiffRequest;

/* As docs/api.md says. The caller must be allowed to read both. */
CHECKED bool branch_diff(Context *context, const ProjectRow *project, const DiffRequest *request,
                         json_t **ret, Error *err);
