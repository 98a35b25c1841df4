/* Branches that a proof makes for itself and throws away. */
#pragma once

#include "branch/branch.h"

typedef struct Scratch {
  Context *context; /* NULL: there is none */
  const ProjectRow *project;
  char id[ID_SIZE];
  char name[NAME_MAX_LENGTH + 1];
} Scratch;

/* Forks parent, as the caller may; is_copy: parent is a scratch branch of the same proof. When
 * this process ends, the branch does. */
CHECKED bool scratch_make(Context *context, const ProjectRow *project, const char *parent,
                          bool is_copy, Scratch *ret, Error *err);
/* It's for who asked, to be deleted by them; it ends by itself within hours. */
CHECKED bool scratch_keep(Scratch *scratch, Error *err);
/* Deletes it; what can't be deleted now ends by itself within hours. */
void scratch_release(Scratch *scratch);
