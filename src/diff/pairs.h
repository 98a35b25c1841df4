/* Inside of the comparison: which object of before is which one of after. */
#pragma once

#include "diff/compare.h"

/* Fills in diff's after_of, before_of and renames. */
void pairs_find(Diff *diff, const Base *base, bool with_guesses);

/* Whether a pair's objects had a number in common when the sides parted. */
bool pair_is_certain(const Base *base, const Object *before, const Object *after);
