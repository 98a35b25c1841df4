/* Inside of the comparison: what was renamed, and texts of before in after's names. */
#pragma once

#include "diff/compare.h"

typedef struct Renames Renames;

Renames *renames_new(void);
void renames_free(Renames *renames);
/* Takes a pair down if its names differ. Columns: of tables and views. */
void renames_add(Renames *renames, const Object *before, const Object *after);
/* Call once, after the last one. */
void renames_finish(Renames *renames);
bool renames_is_empty(const Renames *renames);

/* Appends text, which belongs to object (of before), with every name that was renamed replaced. */
void renames_translate(const Renames *renames, const Object *object, const char *text, Buffer *ret);
