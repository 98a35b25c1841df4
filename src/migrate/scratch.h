/* Branches that a proof makes for itself and throws away. */
#pragma once

#include "branch/branch.h"

typedef struct Scratch {
  Context *context; /* NULL: there is none */
  const ProjectRow *project;
  char name[NAME_MAX_LENGTH + 1];
} Scratch;

/* Forks parent, as the caller may; is_copy: parent is a scratch branch of the same proof. Should it
 * outlive its maker, it ends by itself within hours. */
CHECKED bool scratch_make(Context *context, const ProjectRow *project, const char *parent,
                          bool is_copy, Scratch *ret, Error *err);
/* Deletes it; what can't be deleted now ends by itself. */
void scratch_release(Scratch *scratch);
