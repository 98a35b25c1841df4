/* One decision in the making: what decide.c, create.c, promote.c, subject.c and reason.c share.
 * Private to src/policy.
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

/* Whole actions. */
bool judge_create(Judge *judge);
bool judge_fork(Judge *judge);
bool judge_move(Judge *judge); /* promote, promote.approve, rollback */

/* Parts of them: true, or the decision is a refusal. */

/* Some rule allows it; *ret is its index. branch: what a refusal names. */
bool judge_by_rule(Judge *judge, const RuleQuestion *question, const PolicyBranch *branch,
                   int *ret);
/* The data of source may be copied into a branch of a kind (a number of rules_subject). */
bool judge_copy(Judge *judge, const PolicyBranch *source, int kind, int *ret);
/* Branches of that kind are forked from source. */
bool judge_source(Judge *judge, const char *name, const PolicyBranch *source);
/* The end that is asked for is within the kind's cap, counted from when the branch was made.
 * may_be_none: 0 stands for the default. */
bool judge_end(Judge *judge, const char *name, int64_t made_at, bool may_be_none);
/* The limits let one more branch of that kind stand. */
bool judge_numbers(Judge *judge);
/* The name that is asked for is no tier's, unless the kind is "tier". */
bool judge_name(Judge *judge, const char *kind);

RuleQuestion judge_question(const Judge *judge, PolicyAction action, const PolicyBranch *branch);

/* Facts about a branch; all but is_owner's take NULL for a branch that isn't known. */
bool is_owner(const PolicyPrincipal *principal, const PolicyBranch *branch);
const PolicyTier *branch_tier(const Judge *judge, const PolicyBranch *branch);
const char *branch_label(const PolicyBranch *branch);
/* What a snapshot was taken of, in the end; any other branch itself; NULL: not known. */
const PolicyBranch *branch_data(const PolicyBranch *branch);
/* Where its data comes from: the nearest tier above it, else the root of its lineage. */
const PolicyBranch *branch_bottom(const PolicyBranch *branch);
/* Both are there, and the same. */
bool name_same(const char *a, const char *b);
