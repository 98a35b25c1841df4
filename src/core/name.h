/* Names that people give and ids that Bough gives: the only strings that may become part of a path,
 * a role or a socket directory, and only after they passed here. */
#pragma once

#include "core/base.h"
#include "core/error.h"

enum { NAME_MAX_LENGTH = 63, ID_SIZE = 32 /* with \0 */ };

/* 1 to 63 of [a-z0-9-], starting with a letter. what: "branch", "project", for the message. */
CHECKED bool name_check(const char *what, const char *name, Error *err);

/* Maps a git branch name to a branch name: lower case, every other character a '-'. One that would
 * start otherwise than with a letter or be too long is refused. *ret is owned by the caller. */
CHECKED bool name_from_git(const char *git_name, char **ret, Error *err);

/* A fresh id "prefix-xxxxxxxxxxxx": 60 random bits in [a-z2-7]. */
void id_new(const char *prefix, char ret[ID_SIZE]);

/* Whether text is an id with that prefix, as id_new makes them. */
bool id_check(const char *prefix, const char *text);
