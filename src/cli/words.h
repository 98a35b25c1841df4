/* A growing argument vector. */
#pragma once

#include "core/base.h"

typedef struct Words {
  char **words; /* each owned; NULL-terminated, NULL before the first one */
  size_t count;
} Words;

void words_add(Words *words, char *word); /* takes it over */
void words_release(Words *words);
