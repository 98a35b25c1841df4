/* Which blocks files lie in, as the file system tells (FIEMAP). */
#pragma once

#include "core/base.h"

/* Whether both files of one pool are of one size and lie in the very same blocks, so that they have
 * the same bytes. What was written must have been flushed. Anything that the file system doesn't
 * tell for certain (blocks not chosen yet, compressed, kept with the metadata) is false. */
bool extents_are_shared(int left, int right);
