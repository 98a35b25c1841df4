/* Inside of the comparison: looking into the base. */
#pragma once

#include "diff/compare.h"
#include "diff/numbers.h"

bool base_has(const Base *base, Number number);
