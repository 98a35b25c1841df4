/* What a command is: one row of the table in commands.c, from which parser, help, completion, man
 * page and docs/cli.md are made. */
#pragma once

#include "cli/output.h"
#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "http/client.h"

enum { ARGUMENT_LIMIT = 3, FLAG_LIMIT = 10 };

typedef struct Argument {
  const char *name; /* as in usage: "BRANCH" */
  const char *summary;
  const char *checked; /* what name_check calls it, "branch"; NULL: not a name */
  bool many;           /* any number of them, none too; stands last */
  bool optional;       /* stands last */
} Argument;

typedef struct Flag {
  const char *name;  /* without the dashes */
  const char *value; /* what usage calls its value; NULL: a switch */
  const char *summary;
  bool many; /* takes all words up to the next flag, and may be repeated */
} Flag;

typedef struct Cli Cli;
typedef struct Command Command;

/* Does the work; *ret is the result as --json prints it. */
typedef bool CommandRun(Cli *cli, json_t **ret, Error *err);
/* Tells a person about the result, on stdout. */
typedef void CommandShow(Cli *cli, const json_t *result);
/* The request's body, owned by the caller; NULL for none. */
typedef json_t *CommandBody(const Cli *cli);

struct Command {
  const char *noun;
  const char *verb; /* NULL: the noun is the whole command */
  const char *summary;
  const char *details; /* further paragraphs of help; may be NULL */
  Argument arguments[ARGUMENT_LIMIT];
  Flag flags[FLAG_LIMIT];
  const char *rest; /* what may follow "--"; NULL: nothing */
  bool hidden;      /* left out of help and documents */
  bool changes; /* tells of what it did, which --quiet silences; else it tells what was asked for */
  const char
      *method; /* of the request; "{project}", "{0}" in the path stand for project, argument */
  const char *path;
  int timeout_s; /* 0: a minute */
  CommandBody *body;
  CommandRun *run; /* NULL: the request alone; with a path, it makes that request */
  CommandShow *show;
};

extern const Command commands[];
extern const size_t command_count;
extern const Flag common_flags[];
extern const size_t common_flag_count;

/* What a group of commands is about: "branch", "Branches: ...". */
typedef struct Noun {
  const char *name;
  const char *summary;
} Noun;
extern const Noun nouns[];
extern const size_t noun_count;

/* Names under which bough is installed as well: each is `bough scm VERB`. */
typedef struct Alias {
  const char *name;
  const char *verb;
} Alias;
extern const Alias aliases[];
extern const size_t alias_count;
/* NULL: the name is none of them. */
const char *alias_verb(const char *name);

/* A command line that was understood. */
typedef struct Invocation {
  const Command *command; /* NULL: help is asked for */
  const char *noun;       /* help: on which noun; may be NULL */
  bool wants_help, wants_version;
  const char *arguments[ARGUMENT_LIMIT];
  size_t argument_count;
  const char **words; /* of an argument that may be given any number of times */
  size_t word_count;
  struct {
    const Flag *flag;
    const char *value;
  } * flags; /* as given, in their order */
  size_t flag_count;
  char *const *rest; /* behind "--", NULL-terminated; NULL when there was none */
} Invocation;

/* argv is borrowed. On failure *ret holds what was understood so far (--json, the command). */
CHECKED bool invocation_parse(int argc, char *const *argv, Invocation *ret, Error *err);
void invocation_release(Invocation *invocation);

bool invocation_has(const Invocation *invocation, const char *flag);
/* The value that was given last; NULL when there is none. */
const char *invocation_value(const Invocation *invocation, const char *flag);

struct Cli {
  char *const *argv; /* as main got it */
  Invocation invocation;
  Output output;
  Client *client;  /* made on first use by cli_client */
  char *project;   /* where none was named; found on first use by cli_project */
  int exit_status; /* of a command that did its work and found something wrong */
};

/* The state directory that this call is about; owned by the caller. */
char *cli_home_root(void);
/* Connects nothing yet: finds out where the server is and with which token. */
CHECKED bool cli_client(Cli *cli, Error *err);
/* The bearer token that was given with --token-file or BOUGH_TOKEN, owned by the caller; NULL:
 * none.
 */
CHECKED bool cli_token(const Cli *cli, char **ret, Error *err);
/* The name given with --project or BOUGH_PROJECT; NULL: neither. */
const char *cli_named_project(const Cli *cli);
/* Which project is meant: the named one, else that of the repository around the current directory
 * (bough.project, of `bough init`), else "-", the only one. Borrowed. */
const char *cli_project(Cli *cli);
/* The request of a row: its path with arguments filled in, its body, its time limit. */
CHECKED bool cli_request(Cli *cli, const Command *command, json_t *body, json_t **ret, Error *err);
/* Any other request. body is borrowed. */
CHECKED bool cli_call(Cli *cli, const char *method, const char *path, const json_t *body,
                      json_t **ret, Error *err);
