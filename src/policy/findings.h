/* Collecting what is wrong in a policy file. Private to src/policy. */
#pragma once

#include "policy/policy.h"

typedef struct Place { /* from 1 */
  int line;
  int column;
} Place;

/* Copies both texts; what is past POLICY_FINDING_LIMIT is dropped. */
void findings_add(PolicyFindings *findings, Place place, const char *expected, const char *format,
                  ...) PRINTF(4, 5);

/* By line and column; the same one only once. */
void findings_sort(PolicyFindings *findings);
