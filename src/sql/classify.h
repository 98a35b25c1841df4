/* Of src/sql alone: what a statement is, told from its tree. */
#pragma once

#include "sql/tree.h"

typedef struct SqlClass {
  const char *name; /* static */
  unsigned flags;   /* of SqlFlag */
} SqlClass;

SqlClass classify(const PgQuery__Node *tree);
