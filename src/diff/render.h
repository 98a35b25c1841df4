/* A comparison for people and programs. Names, comments and labels come from strangers: no text of
 * theirs can end a quotation, start a tag, send a terminal a command or call somebody's name. */
#pragma once

#include "core/json.h"
#include "diff/compare.h"

typedef struct RenderOptions {
  const char *before; /* what the sides are called: branches' names */
  const char *after;
  const char *database;
  bool color;    /* text: with the terminal's colours */
  bool has_base; /* renames are known, not guessed */
} RenderOptions;

/* For a terminal. Owned by the caller. */
char *render_text(const Diff *diff, const RenderOptions *options);
/* For a pull request's comment; "" when nothing changed. Its first line is a comment with the
 * digest of the rest. Owned. */
char *render_markdown(const Diff *diff, const RenderOptions *options);
/* As docs/diff.md says. Owned. */
json_t *render_json(const Diff *diff, const RenderOptions *options);
