/* The generated name that a branch gets when its own goes to another one, or is to be free. */
#pragma once

#include "core/name.h"

/* "production" becomes "production-20260131-120000-abcd". ret and name may be the same. */
void previous_name(char ret[NAME_MAX_LENGTH + 1], const char *name);
