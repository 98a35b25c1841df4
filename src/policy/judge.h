/* One decision in the making: what decide.c, promote.c and reason.c share. Private to src/policy.
 */
#pragma once

#include "policy/compile.h"
#include "policy/decide.h"

typedef struct Judge {
  const Policy *policy; /* NULL: none is in force */
  const PolicyRequest *request;
  PolicyDecision *decision;
  uint64_t roles;
} Judge;

/* Ends a decision: they return what they decided. */
bool judge_allow(Judge *judge, int rule);
bool judge_refuse(Judge *judge, int line, const char *format, ...) PRINTF(3, 4);

/* Refuses since no rule allows question: says what the principal lacks, and which roles could. */
bool judge_lacks(Judge *judge, const RuleQuestion *question, const char *what);

bool judge_move(Judge *judge); /* promote, promote.approve, rollback */

bool is_owner(const PolicyPrincipal *principal, const PolicyBranch *branch);
