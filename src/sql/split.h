/* Of src/sql alone: a text cut into its parts, without a parser. */
#pragma once

#include "sql/sql.h"

typedef struct SplitPart {
  SqlPartKind kind;
  size_t start;
  size_t length;
  int depth; /* at least as many as the levels that the parse tree will have */
  bool terminated;
} SplitPart;

typedef struct Split {
  SplitPart *parts;
  size_t count;
  size_t capacity;
  SqlComment *comments; /* without positions */
  size_t comment_count;
  size_t comment_capacity;
  SqlLongName *names;
  size_t name_count;
  size_t name_capacity;
} Split;

void split_text(const char *text, size_t length, Split *ret);
void split_release(Split *split);
