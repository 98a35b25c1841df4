/* A command line, its words separated by newlines: understood or refused, never read past its end.
 */
#include "cli/command.h"
#include "core/name.h"
#include "fuzz.h"

#include <string.h>

enum { WORDS_LIMIT = 32 };

static int split(char *text, char *words[WORDS_LIMIT + 2]) {
  static char program[] = "bough";
  int count = 0;
  words[count++] = program;
  for (char *rest = text; rest != NULL && count <= WORDS_LIMIT;)
    words[count++] = strsep(&rest, "\n");
  words[count] = NULL;
  return count;
}

static void check(const Invocation *invocation) {
  const Command *command = invocation->command;
  HOLDS(invocation->argument_count <= ARGUMENT_LIMIT);
  for (size_t at = 0; command != NULL && !invocation->wants_help && at < invocation->argument_count;
       at++) {
    const char *kind = command->arguments[at].checked;
    HOLDS(invocation->arguments[at] != NULL);
    HOLDS(kind == NULL || name_check(kind, invocation->arguments[at], NULL));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  char *words[WORDS_LIMIT + 2];
  int count = split(text, words);
  AUTO_RELEASE(invocation_release) Invocation invocation = {0};
  Error failure = ERROR_INIT;
  if (invocation_parse(count, words, &invocation, &failure))
    check(&invocation);
  else
    HOLDS(failure.code != ERROR_NONE && failure.message[0] != '\0');
  return 0;
}
