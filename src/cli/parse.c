/* From argv to an Invocation, by the table: first the command, then its flags through getopt_long.
 */
#include "cli/command.h"
#include "core/name.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_BASE = 256, OPTION_LIMIT = 32 };

/* getopt's view of a command's flags and the common ones; value OPTION_BASE + n is flags[n]. */
typedef struct OptionSet {
  struct option options[OPTION_LIMIT];
  const Flag *flags[OPTION_LIMIT];
  size_t count;
} OptionSet;

static void add_option(OptionSet *set, const Flag *flag) {
  set->options[set->count] =
      (struct option){.name = flag->name,
                      .has_arg = flag->value != NULL ? required_argument : no_argument,
                      .val = OPTION_BASE + (int)set->count};
  set->flags[set->count++] = flag;
}

static void option_set_init(OptionSet *set, const Command *command) {
  *set = (OptionSet){0};
  for (size_t at = 0; command != NULL && at < FLAG_LIMIT && command->flags[at].name != NULL; at++)
    add_option(set, &command->flags[at]);
  for (size_t at = 0; at < common_flag_count; at++)
    add_option(set, &common_flags[at]);
}

static const Flag *find_short(int letter) {
  static const struct {
    int letter;
    const char *name;
  } letters[] = {{'h', "help"}, {'q', "quiet"}};
  for (size_t at = 0; at < ARRAY_LENGTH(letters); at++)
    for (size_t flag = 0; flag < common_flag_count && letters[at].letter == letter; flag++)
      if (str_equal(common_flags[flag].name, letters[at].name))
        return &common_flags[flag];
  return NULL;
}

static void add_flag(Invocation *invocation, const Flag *flag, const char *value) {
  size_t count = invocation->flag_count++;
  invocation->flags = mem_resize(invocation->flags, count + 1, sizeof *invocation->flags);
  invocation->flags[count].flag = flag;
  invocation->flags[count].value = value;
  if (str_equal(flag->name, "help"))
    invocation->wants_help = true;
  else if (str_equal(flag->name, "version"))
    invocation->wants_version = true;
}

/* "`bough branch create --help` lists ...", for the command as far as it is known. */
static bool usage_hint(const Invocation *invocation, Error *err) {
  const Command *command = invocation->command;
  if (command == NULL)
    return error_hint(err, "`bough%s%s --help` lists the commands",
                      invocation->noun != NULL ? " " : "",
                      invocation->noun != NULL ? invocation->noun : "");
  return error_hint(err, "see `bough %s%s%s --help`", command->noun,
                    command->verb != NULL ? " " : "", command->verb != NULL ? command->verb : "");
}

/* getopt_long takes every unambiguous beginning of a name; a script that used one would break with
 * the next flag that begins alike. */
static bool is_abbreviated(char *const *argv, const Flag *flag, const char *value) {
  const char *word = argv[optind - 1];
  if (value != NULL && word == value)
    word = argv[optind - 2];
  return str_starts(word, "--") &&
         (!str_starts(word + 2, flag->name) || strchr("=", word[2 + strlen(flag->name)]) == NULL);
}

static bool wrong_flag(const Invocation *invocation, int option, char *const *argv, Error *err) {
  bool is_letter = option == '?' && optopt > 0 && optopt < OPTION_BASE;
  if (is_letter)
    (void)error_set(err, ERROR_USAGE, "unknown flag -%c", optopt);
  else if (option == ':')
    (void)error_set(err, ERROR_USAGE, "%.80s needs a value", argv[optind - 1]);
  else
    (void)error_set(err, ERROR_USAGE, "unknown flag %.80s", argv[optind - 1]);
  return usage_hint(invocation, err);
}

static bool take_flag(Invocation *invocation, const OptionSet *set, int option, char *const *argv,
                      const Flag **ret_many, Error *err) {
  const Flag *flag = option >= OPTION_BASE ? set->flags[option - OPTION_BASE] : find_short(option);
  if (flag == NULL || (option >= OPTION_BASE && is_abbreviated(argv, flag, optarg)))
    return wrong_flag(invocation, option, argv, err);
  add_flag(invocation, flag, optarg);
  *ret_many = flag->many ? flag : NULL;
  return true;
}

/* A word that is no flag: one more value of a flag that takes many, else the next argument. */
static bool take_word(Invocation *invocation, const char *word, const Flag *many, Error *err) {
  if (many != NULL) {
    add_flag(invocation, many, word);
    return true;
  }
  size_t at = invocation->argument_count;
  if (at < ARGUMENT_LIMIT && invocation->command->arguments[at].many) {
    size_t count = invocation->word_count++;
    invocation->words = mem_resize(invocation->words, count + 1, sizeof *invocation->words);
    invocation->words[count] = word;
    return true;
  }
  if (at >= ARGUMENT_LIMIT || invocation->command->arguments[at].name == NULL) {
    (void)error_set(err, ERROR_USAGE, "unexpected \"%.80s\"", word);
    return usage_hint(invocation, err);
  }
  invocation->arguments[invocation->argument_count++] = word;
  return true;
}

/* Reads flags; with stop at the first other word, which is left at optind. */
static bool take_words(int argc, char *const *argv, bool stop, Invocation *invocation, Error *err) {
  OptionSet set;
  option_set_init(&set, invocation->command);
  const Flag *many = NULL;
  for (;;) {
    int option = getopt_long(argc, argv, stop ? "+:hq" : "-:hq", set.options, NULL);
    if (option == -1)
      return true;
    bool ok = option == 1 ? take_word(invocation, optarg, many, err)
                          : take_flag(invocation, &set, option, argv, &many, err);
    if (!ok)
      return false;
  }
}

/* Behind "--" stands what another program is given; where there is none, plain arguments. */
static bool take_rest(int argc, char *const *argv, Invocation *invocation, Error *err) {
  if (invocation->command->rest != NULL) {
    invocation->rest = argv + optind;
    return true;
  }
  for (int at = optind; at < argc; at++)
    if (!take_word(invocation, argv[at], NULL, err))
      return false;
  return true;
}

static const Command *find_command(const char *noun, const char *verb) {
  for (size_t at = 0; at < command_count; at++)
    if (str_equal(commands[at].noun, noun) && str_equal(commands[at].verb, verb))
      return &commands[at];
  return NULL;
}

static const Noun *find_noun(const char *name) {
  for (size_t at = 0; at < noun_count; at++)
    if (str_equal(nouns[at].name, name))
      return &nouns[at];
  return NULL;
}

/* Flags of every command may stand before noun and verb too: `bough --json branch list`. */
static bool find_words(int argc, char *const *argv, Invocation *ret, Error *err) {
  optind = 0; /* GNU: start afresh */
  opterr = 0;
  if (!take_words(argc, argv, true, ret, err))
    return false;
  const char *noun = optind < argc ? argv[optind] : NULL;
  bool is_help_command = str_equal(noun, "help");
  if (is_help_command) {
    ret->wants_help = true;
    noun = ++optind < argc ? argv[optind] : NULL;
  }
  if (noun == NULL)
    return ret->wants_help || ret->wants_version ||
           error_set(err, ERROR_USAGE, "no command is given");
  optind++;
  ret->command = find_command(noun, NULL);
  if (ret->command != NULL) {
    /* `bough audit` is a command, `bough audit verify` another one */
    const Command *further = optind < argc ? find_command(noun, argv[optind]) : NULL;
    if (further != NULL) {
      ret->command = further;
      optind++;
    }
    return true;
  }
  if (find_noun(noun) == NULL)
    return error_set(err, ERROR_USAGE, "unknown command \"%.80s\"", noun);
  ret->noun = find_noun(noun)->name;
  if (!take_words(argc, argv, true, ret, err))
    return false;
  const char *verb = optind < argc ? argv[optind++] : NULL;
  if (verb == NULL)
    return ret->wants_help || error_set(err, ERROR_USAGE, "bough %s what?", noun);
  ret->command = find_command(noun, verb);
  return ret->command != NULL ||
         error_set(err, ERROR_USAGE, "unknown command \"%s %.80s\"", noun, verb);
}

/* A name that breaks the rules is told here, with what would do; the server checks it again. */
static bool check_argument(const Argument *argument, const char *value, Error *err) {
  if (argument->checked == NULL || name_check(argument->checked, value, err))
    return true;
  AUTO(str_free) char *mapped = NULL;
  if (name_from_git(value, &mapped, NULL))
    return error_hint(err, "use 1 to 63 of a-z, 0-9 and -, starting with a letter: \"%s\"", mapped);
  return false;
}

static bool check_arguments(const Invocation *invocation, Error *err) {
  for (size_t at = 0; at < ARGUMENT_LIMIT; at++) {
    const Argument *argument = &invocation->command->arguments[at];
    if (argument->name == NULL || argument->many)
      return true;
    if (at >= invocation->argument_count && argument->optional)
      return true;
    if (at >= invocation->argument_count) {
      (void)error_set(err, ERROR_USAGE, "%s is missing", argument->name);
      return usage_hint(invocation, err);
    }
    if (!check_argument(argument, invocation->arguments[at], err))
      return false;
  }
  return true;
}

bool invocation_parse(int argc, char *const *argv, Invocation *ret, Error *err) {
  *ret = (Invocation){0};
  if (!find_words(argc, argv, ret, err)) {
    if (err != NULL && err->hint[0] == '\0')
      (void)usage_hint(ret, err);
    return false;
  }
  if (ret->command == NULL)
    return true;
  /* getopt starts again behind the command; argv[0] of that part is skipped by it. */
  int used = optind - 1;
  optind = 0;
  if (!take_words(argc - used, argv + used, false, ret, err))
    return false;
  if (ret->wants_help || ret->wants_version)
    return true;
  return take_rest(argc - used, argv + used, ret, err) && check_arguments(ret, err);
}

void invocation_release(Invocation *invocation) {
  mem_free(invocation->flags);
  mem_free(invocation->words);
  *invocation = (Invocation){0};
}

bool invocation_has(const Invocation *invocation, const char *flag) {
  for (size_t at = 0; at < invocation->flag_count; at++)
    if (str_equal(invocation->flags[at].flag->name, flag))
      return true;
  return false;
}

const char *invocation_value(const Invocation *invocation, const char *flag) {
  for (size_t at = invocation->flag_count; at > 0; at--)
    if (str_equal(invocation->flags[at - 1].flag->name, flag))
      return invocation->flags[at - 1].value;
  return NULL;
}
