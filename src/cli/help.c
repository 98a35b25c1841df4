/* What --help prints: the list of commands, those of a noun, or all about one. */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

enum { LINE_WIDTH = 80, LEFT_WIDTH = 22 };

char *help_name(const Command *command) {
  return command->verb != NULL ? str_format("%s %s", command->noun, command->verb)
                               : str_dup(command->noun);
}

char *help_flag(const Flag *flag) {
  return flag->value != NULL ? str_format("--%s %s", flag->name, flag->value)
                             : str_format("--%s", flag->name);
}

static void add_argument(Buffer *usage, const Argument *argument) {
  bool may_lack = argument->many || argument->optional;
  buffer_add_format(usage, " %s%s%s%s", may_lack ? "[" : "", argument->name,
                    argument->many ? "..." : "", may_lack ? "]" : "");
}

char *help_usage(const Command *command) {
  AUTO(str_free) char *name = help_name(command);
  Buffer usage = {0};
  buffer_add_format(&usage, "bough %s", name);
  for (size_t at = 0; at < ARRAY_LENGTH(command->arguments); at++)
    if (command->arguments[at].name != NULL)
      add_argument(&usage, &command->arguments[at]);
  for (size_t at = 0; at < ARRAY_LENGTH(command->flags) && command->flags[at].name != NULL; at++) {
    AUTO(str_free) char *flag = help_flag(&command->flags[at]);
    buffer_add_format(&usage, " [%s]", flag);
  }
  if (command->rest != NULL)
    buffer_add_format(&usage, " [-- %s]", command->rest);
  return buffer_steal(&usage);
}

/* Prints text word by word from column indent on; the first line stands there already. */
static void print_wrapped(const char *text, size_t indent) {
  size_t column = indent;
  while (*text != '\0') {
    size_t length = strcspn(text, " \n");
    if (column > indent && column + 1 + length > LINE_WIDTH) {
      (void)printf("\n%*s", (int)indent, "");
      column = indent;
    } else if (column > indent) {
      (void)putchar(' ');
      column++;
    }
    (void)fwrite(text, 1, length, stdout);
    column += length;
    text += length;
    if (*text == '\n') {
      (void)printf("\n%*s", (int)indent, "");
      column = indent;
    }
    text += *text != '\0';
  }
  (void)putchar('\n');
}

/* "  left     right", the right side wrapped. */
static void print_entry(const Output *output, const char *left, const char *right) {
  (void)fputs("  ", stdout);
  output_text(output, COLOUR_BOLD, left);
  size_t length = strlen(left);
  if (length + 2 > LEFT_WIDTH - 2)
    (void)printf("\n%*s", LEFT_WIDTH, "");
  else
    (void)printf("%*s", (int)(LEFT_WIDTH - 2 - length), "");
  print_wrapped(right, LEFT_WIDTH);
}

static void print_flags(const Output *output, const Flag *flags, size_t count) {
  for (size_t at = 0; at < count && flags[at].name != NULL; at++) {
    AUTO(str_free) char *left = help_flag(&flags[at]);
    print_entry(output, left, flags[at].summary);
  }
}

static void print_commands(const Output *output, const char *noun) {
  for (size_t at = 0; at < command_count; at++) {
    const Command *command = &commands[at];
    if (command->hidden || (noun != NULL && !str_equal(noun, command->noun)))
      continue;
    AUTO(str_free) char *left = help_name(command);
    print_entry(output, left, command->summary);
  }
}

static void print_overview(const Output *output, const char *noun) {
  (void)printf("Bough: branches of a real PostgreSQL, data and all.\n\nUsage: bough %s [arguments]"
               "\n\nCommands:\n",
               noun != NULL ? noun : "COMMAND");
  print_commands(output, noun);
  (void)puts("\nFlags of every command:");
  print_flags(output, common_flags, common_flag_count);
  (void)puts("\n`bough COMMAND --help` tells more about one command.");
}

static void print_command(const Output *output, const Command *command) {
  AUTO(str_free) char *usage = help_usage(command);
  (void)fputs("Usage: ", stdout);
  print_wrapped(usage, strlen("Usage: "));
  (void)printf("\n%c", command->summary[0] & ~0x20);
  print_wrapped(command->summary + 1, 0);
  if (command->details != NULL) {
    (void)putchar('\n');
    print_wrapped(command->details, 0);
  }
  if (command->arguments[0].name != NULL)
    (void)puts("\nArguments:");
  for (size_t at = 0; at < ARRAY_LENGTH(command->arguments); at++)
    if (command->arguments[at].name != NULL)
      print_entry(output, command->arguments[at].name, command->arguments[at].summary);
  if (command->flags[0].name != NULL)
    (void)puts("\nFlags:");
  print_flags(output, command->flags, ARRAY_LENGTH(command->flags));
  (void)puts("\nFlags of every command:");
  print_flags(output, common_flags, common_flag_count);
}

void help_print(const Invocation *invocation, const Output *output) {
  if (invocation->command != NULL)
    print_command(output, invocation->command);
  else
    print_overview(output, invocation->noun);
}
