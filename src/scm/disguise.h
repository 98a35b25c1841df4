/* What the server does as somebody else: with that one's rights, and under that name in the audit.
 *
 *   AUTO_RELEASE(disguise_release) Disguise disguise = {0};
 *   disguise_as(context, &principal, &disguise); */
#pragma once

#include "branch/context.h"

typedef struct Disguise {
  Context *context; /* NULL: none is worn */
  PrincipalRow before;
} Disguise;

void disguise_as(Context *context, const PrincipalRow *principal, Disguise *ret);
/* The server is itself again; what was asked meanwhile is forgotten. */
void disguise_release(Disguise *disguise);
