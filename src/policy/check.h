/* What a schema can't say about a policy: that names are declared, that chains end, that rights can
 * apply. Works on the value as it was read, also where parts of it are wrong. Private to
 * src/policy.
 */
#pragma once

#include "policy/source.h"

typedef struct Check {
  const Yaml *yaml;
  const json_t *root;
  PolicyFindings *findings;
  size_t known; /* findings of earlier steps: where one stands already, no other is added */
} Check;

void check_all(const Yaml *yaml, PolicyFindings *findings);
void check_rules(Check *check);
void check_promotions(Check *check);

/* Adds a finding about the value at pointer, or about its key: (check, pointer, expected, format,
 * ...). */
#define check_add(check, pointer, ...)                                                             \
  check_add_at(check, yaml_place((check)->yaml, pointer, false), __VA_ARGS__)
#define check_add_key(check, pointer, ...)                                                         \
  check_add_at(check, yaml_place((check)->yaml, pointer, true), __VA_ARGS__)
void check_add_at(Check *check, Place place, const char *expected, const char *format, ...)
    PRINTF(4, 5);

/* A word or a list of words: how many (200 at most), the one (NULL: isn't text), and its pointer
 * (owned by the caller). */
size_t words_count(const json_t *words);
const char *words_at(const json_t *words, size_t at);
char *words_pointer(const json_t *words, const char *pointer, size_t at);
bool words_have(const json_t *words, const char *word);

/* NULL: not declared. "feature" is always declared. */
const json_t *declared_tier(const Check *check, const char *name);
bool is_tier(const Check *check, const char *name);
bool is_kind(const Check *check, const char *name); /* "feature" or a work branch */
bool is_built_in(const char *name); /* kinds that every policy has: snapshot, previous */
/* What a kind forks from: a tier, a kind, "target"; NULL: not known. */
const char *kind_parent(const Check *check, const char *kind);

/* "one of: production, staging", owned by the caller. */
char *known_words(const json_t *words);
char *known_tiers(const Check *check);
char *known_subjects(const Check *check); /* tiers and kinds */
char *known_kinds(const Check *check);
