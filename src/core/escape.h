/* Strangers' text in a place that means something. */
#pragma once

#include "core/str.h"

/* Appends text for a terminal: control characters and those that turn the direction of writing as
 * \u{..}. Line ends become line ends followed by indent blanks; indent < 0: "\n" in writing. */
void escape_terminal(Buffer *ret, const char *text, int indent);

/* Appends text that stands between HTML tags on one line of markdown: whatever could be markup in
 * either, a mention, a reference or a link is an entity. */
void escape_inline(Buffer *ret, const char *text);

/* The same for inside of <pre>: the lines stay. */
void escape_block(Buffer *ret, const char *text);
