/* Completion for bash and zsh: words by position, names of branches asked from the server. */
#include "cli/generate.h"
#include "cli/help.h"

#include <stdio.h>

/* Verbs of a noun, or all words that a command line can begin with (noun NULL). */
static void print_words(const char *noun) {
  for (size_t at = 0; noun == NULL && at < noun_count; at++)
    (void)printf("%s ", nouns[at].name);
  for (size_t at = 0; at < command_count; at++) {
    const Command *command = &commands[at];
    if (!command->hidden && (noun == NULL) == (command->verb == NULL) &&
        (noun == NULL || str_equal(noun, command->noun)))
      (void)printf("%s ", noun == NULL ? command->noun : command->verb);
  }
}

static void print_flag_words(const Flag *flags, size_t count) {
  for (size_t at = 0; at < count && flags[at].name != NULL; at++)
    (void)printf("--%s ", flags[at].name);
}

/* A line of the shell's case: "branch create) flags='...'; names=branch ;;". */
static void print_case(const Command *command) {
  AUTO(str_free) char *name = help_name(command);
  (void)printf("    '%s') flags='", name);
  print_flag_words(command->flags, FLAG_LIMIT);
  const char *checked = command->arguments[0].checked;
  bool is_new = str_equal(command->verb, "create");
  (void)printf("'; names=%s ;;\n", checked != NULL && !is_new ? checked : "");
}

static void print_cases(void) {
  for (size_t at = 0; at < command_count; at++)
    if (!commands[at].hidden)
      print_case(&commands[at]);
}

static void print_noun_cases(void) {
  for (size_t at = 0; at < noun_count; at++) {
    (void)printf("    %s) choices='", nouns[at].name);
    print_words(nouns[at].name);
    (void)puts("' ;;");
  }
}

/* The names are the first column of the list; both shells call this function. */
static void print_names_function(void) {
  (void)puts("_bough_names() {\n"
             "  command bough \"$1\" list --quiet 2>/dev/null | awk 'NR > 1 { print $1 }'\n"
             "}\n");
}

void generate_bash(void) {
  (void)puts(
      "# Completion of bough for bash. Generated from src/cli/commands.c by tools/gen-docs.\n");
  print_names_function();
  (void)fputs("_bough() {\n"
              "  local current=${COMP_WORDS[COMP_CWORD]} choices='' flags='' names='' common='",
              stdout);
  print_flag_words(common_flags, common_flag_count);
  (void)fputs("'\n  COMPREPLY=()\n  if [ \"$COMP_CWORD\" -eq 1 ]; then choices='", stdout);
  print_words(NULL);
  (void)puts("help'\n"
             "  elif [ \"$COMP_CWORD\" -eq 2 ]; then\n    case ${COMP_WORDS[1]} in");
  print_noun_cases();
  (void)puts("    esac\n  fi\n  for command in \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" "
             "\"${COMP_WORDS[1]}\"; do\n"
             "    case $command in");
  print_cases();
  (void)puts(
      "    *) continue ;;\n    esac\n    break\n  done\n"
      "  case $current in\n"
      "    -*) choices=\"$flags$common\" ;;\n"
      "    *) if [ -z \"$choices\" ] && [ -n \"$names\" ]; then choices=$(_bough_names "
      "\"$names\"); fi ;;\n"
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$current\")\n"
      "  if [ -z \"$choices\" ]; then mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); fi\n"
      "}\ncomplete -F _bough bough");
}

void generate_zsh(void) {
  (void)puts(
      "#compdef bough\n"
      "# Completion of bough for zsh. Generated from src/cli/commands.c by tools/gen-docs.\n");
  print_names_function();
  (void)fputs("_bough() {\n  local command choices='' flags='' names='' common='", stdout);
  print_flag_words(common_flags, common_flag_count);
  (void)fputs("'\n  if (( CURRENT == 2 )); then\n    choices='", stdout);
  print_words(NULL);
  (void)puts("help'\n  elif (( CURRENT == 3 )); then\n    case $words[2] in");
  print_noun_cases();
  (void)puts("    esac\n  fi\n  for command in \"$words[2] $words[3]\" \"$words[2]\"; do\n"
             "    case $command in");
  print_cases();
  (void)puts(
      "    *) continue ;;\n    esac\n    break\n  done\n"
      "  if [[ $PREFIX == -* ]]; then\n    choices=\"$flags$common\"\n"
      "  elif [[ -z $choices && -n $names ]]; then\n    choices=$(_bough_names $names)\n  fi\n"
      "  if [[ -n $choices ]]; then compadd -- ${=choices}; else _files; fi\n"
      "}\n\n_bough \"$@\"");
}
