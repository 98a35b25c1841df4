/* What a process has started, and what that has started. */
#pragma once

#include "core/base.h"

/* Kills all descendants of this process, which must be a subreaper, and reaps them: those whose
 * parent ends become its own children, so there is an end to it. */
void descendants_end(void);
