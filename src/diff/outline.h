/* What the renderers share: changes by the object that they lie in, and their words. */
#pragma once

#include "diff/compare.h"
#include "diff/impact.h"

typedef struct OutlineLine {
  const Object *top; /* the table, type or other object whose part changed, or that changed itself;
                        as it is after, if it is there */
  const Change *change;
} OutlineLine;

typedef struct Outline {
  OutlineLine *lines; /* by top, itself first; without what is implied and what is inherited */
  size_t count;
  size_t inherited; /* how many were left out because they follow from others */
} Outline;

void outline_init(Outline *outline, const Diff *diff);
void outline_release(Outline *outline);

typedef struct Counts {
  size_t by_kind[CHANGE_REORDERED + 1]; /* of ChangeKind, without what is implied or inherited */
  size_t rights, destructive, rewrites, locks;
} Counts;
Counts outline_count(const Outline *outline, const Diff *diff);

/* "added", "removed", ... */
const char *change_word(ChangeKind kind);
const Object *change_object(const Change *change); /* after, or before */

/* Whether the line belongs, wholly or with some properties, into the section of rights, and into
 * the other one. */
bool change_in_rights(const Change *change);
bool change_in_schema(const Change *change);

/* Appends "public.t" for what stands alone, "c" with its type for a column of a table that is the
 * heading anyway. */
void outline_add_name(Buffer *text, const Change *change);
/* Appends what an added column or the like is: its type and so on. */
void outline_add_facts(Buffer *text, const Object *object);
/* Appends "12.3 MB" */
void outline_add_size(Buffer *text, int64_t bytes);
/* Appends "drops data: reason (public.t, 12.3 MB)"; the name is a stranger's. */
void outline_add_impact(Buffer *text, const Impact *impact);
