/* The manual page bough(1). */
#include "cli/generate.h"
#include "cli/help.h"

#include <stdio.h>

/* Text in troff: a backslash, and a dot or quote at the start of a line, mean something there, and
 * a plain minus would become a hyphen. */
static void print_text(const char *text) {
  bool at_start = true;
  for (const char *c = text; *c != '\0'; c++) {
    if (at_start && (*c == '.' || *c == '\''))
      (void)fputs("\\&", stdout);
    if (*c == '\\')
      (void)fputs("\\e", stdout);
    else if (*c == '-')
      (void)fputs("\\-", stdout);
    else
      (void)putchar(*c);
    at_start = *c == '\n';
  }
  (void)putchar('\n');
}

static void print_item(const char *term, const char *text) {
  (void)fputs(".TP\n.B ", stdout);
  print_text(term);
  print_text(text);
}

static void print_flags(const Flag *flags, size_t count) {
  for (size_t at = 0; at < count && flags[at].name != NULL; at++) {
    AUTO(str_free) char *flag = help_flag(&flags[at]);
    print_item(flag, flags[at].summary);
  }
}

static void print_command(const Command *command) {
  AUTO(str_free) char *usage = help_usage(command);
  (void)fputs(".SS ", stdout);
  print_text(usage);
  print_text(command->summary);
  if (command->details != NULL) {
    (void)puts(".PP");
    print_text(command->details);
  }
  for (size_t at = 0; at < ARGUMENT_LIMIT && command->arguments[at].name != NULL; at++)
    print_item(command->arguments[at].name, command->arguments[at].summary);
  print_flags(command->flags, FLAG_LIMIT);
}

static const struct {
  const char *name;
  const char *text;
} environment[] = {
    {"BOUGH_HOME",
     "the state directory; default: /var/lib/bough for root, else ~/.local/share/bough"},
    {"BOUGH_SERVER", "where the server is, as with --server"},
    {"BOUGH_TOKEN", "a bearer token, as in the file of --token-file"},
    {"BOUGH_PROJECT", "which project, as with --project"},
    {"NO_COLOR", "when set, nothing is coloured"},
    {"PGPASSFILE", "where project create --from finds passwords; default: ~/.pgpass"},
};

void generate_man(void) {
  (void)puts(".TH BOUGH 1 \"\" \"Bough\" \"Bough Manual\"\n.SH NAME\n"
             "bough \\- branches of a real PostgreSQL, data and all\n.SH SYNOPSIS\n"
             ".B bough\n.I command\n.RI [ arguments ]\n.SH COMMANDS");
  for (size_t at = 0; at < command_count; at++)
    if (!commands[at].hidden)
      print_command(&commands[at]);
  (void)puts(".SH FLAGS OF EVERY COMMAND");
  print_flags(common_flags, common_flag_count);
  (void)puts(".SH EXIT STATUS");
  print_item("0", "done, or already so");
  print_item("1", "wrong usage, or nothing to act on");
  print_item("2", "refused");
  print_item("3", "failed, and nothing half done is left");
  print_item("4", "timed out");
  (void)puts(".SH ENVIRONMENT");
  for (size_t at = 0; at < ARRAY_LENGTH(environment); at++)
    print_item(environment[at].name, environment[at].text);
}
