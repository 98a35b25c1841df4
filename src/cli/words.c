/* Argument vectors. */
#include "cli/words.h"

#include "core/str.h"

void words_add(Words *words, char *word) {
  words->words = mem_resize(words->words, words->count + 2, sizeof *words->words);
  words->words[words->count++] = word;
  words->words[words->count] = NULL;
}

void words_release(Words *words) {
  for (size_t at = 0; at < words->count; at++)
    str_free(words->words[at]);
  mem_free(words->words);
  *words = (Words){0};
}
