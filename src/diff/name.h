/* Names as they stand in SQL and in texts for people. */
#pragma once

#include "core/str.h"

/* Appends a name as people write it, quoted only where SQL needs it. */
void name_add(Buffer *text, const char *name);
