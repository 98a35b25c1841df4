/* Text files that are part of a program; tools/embed.sh makes them from the tree. */
#pragma once

#include "core/base.h"

typedef struct EmbeddedFile {
  const char *name; /* without directories */
  const char *text;
} EmbeddedFile;
