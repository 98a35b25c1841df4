/* Checks of tiers, kinds and single values. */
#include "policy/check.h"

#include "core/cron.h"
#include "core/duration.h"
#include "core/size.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

/* What the schema allows at most; the rest isn't looked at. */
enum { WORDS_LIMIT = 200, GROUP_LIMIT = 100 };

/* Names that mean something else. */
static const char *const reserved[] = {"feature", "previous", "root", "snapshot", "target", "tier"};

static const char *const built_in[] = {"snapshot", "previous"};

void check_add_at(Check *check, Place place, const char *expected, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  for (size_t at = 0; at < check->known; at++)
    if (check->findings->items[at].line == place.line &&
        check->findings->items[at].column == place.column)
      return;
  findings_add(check->findings, place, expected, "%s", message);
}

/* Words
 * --------------------------------------------------------------------------------------------- */

size_t words_count(const json_t *words) {
  size_t count = json_is_string(words) ? 1 : json_array_size(words);
  return count < WORDS_LIMIT ? count : WORDS_LIMIT;
}

const char *words_at(const json_t *words, size_t at) {
  return json_string_value(json_is_string(words) ? words : json_array_get(words, at));
}

char *words_pointer(const json_t *words, const char *pointer, size_t at) {
  return json_is_string(words) ? str_dup(pointer) : str_format("%s/%zu", pointer, at);
}

bool words_have(const json_t *words, const char *word) {
  for (size_t at = 0; at < words_count(words); at++)
    if (words_at(words, at) != NULL && str_equal(words_at(words, at), word))
      return true;
  return false;
}

static bool is_among(const char *const *names, size_t count, const char *name) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(names[at], name))
      return true;
  return false;
}

/* What is declared
 * ---------------------------------------------------------------------------------- */

const json_t *declared_tier(const Check *check, const char *name) {
  size_t at = 0;
  const json_t *tier = NULL;
  json_array_foreach(json_object_get(check->root, "tiers"), at, tier) {
    const char *known = json_string_value(json_object_get(tier, "name"));
    if (known != NULL && str_equal(known, name))
      return tier;
  }
  return NULL;
}

bool is_tier(const Check *check, const char *name) {
  return declared_tier(check, name) != NULL;
}

bool is_built_in(const char *name) {
  return is_among(built_in, ARRAY_LENGTH(built_in), name);
}

bool is_kind(const Check *check, const char *name) {
  return str_equal(name, "feature") ||
         json_object_get(json_object_get(check->root, "work_branches"), name) != NULL;
}

const char *kind_parent(const Check *check, const char *kind) {
  if (str_equal(kind, "feature"))
    return json_string_value(json_object_get(check->root, "entry"));
  const json_t *row = json_object_get(json_object_get(check->root, "work_branches"), kind);
  return json_string_value(json_object_get(row, "parent"));
}

static void add_name(Buffer *text, const char *name) {
  buffer_add_format(text, "%s%s", text->length > 0 ? ", " : "one of: ", name);
}

static void add_tiers(const Check *check, Buffer *text) {
  size_t at = 0;
  const json_t *tier = NULL;
  json_array_foreach(json_object_get(check->root, "tiers"), at, tier) {
    const char *name = json_string_value(json_object_get(tier, "name"));
    if (name != NULL)
      add_name(text, name);
  }
}

static void add_kinds(const Check *check, Buffer *text) {
  const char *kind = NULL;
  json_t *row = NULL;
  add_name(text, "feature");
  json_object_foreach(json_object_get(check->root, "work_branches"), kind, row) {
    add_name(text, kind);
  }
}

char *known_words(const json_t *words) {
  Buffer text = {0};
  buffer_add_text(&text, "");
  for (size_t at = 0; at < words_count(words); at++)
    if (words_at(words, at) != NULL)
      add_name(&text, words_at(words, at));
  return buffer_steal(&text);
}

char *known_tiers(const Check *check) {
  Buffer text = {0};
  add_tiers(check, &text);
  return buffer_steal(&text);
}

char *known_kinds(const Check *check) {
  Buffer text = {0};
  add_kinds(check, &text);
  return buffer_steal(&text);
}

char *known_subjects(const Check *check) {
  Buffer text = {0};
  add_tiers(check, &text);
  add_kinds(check, &text);
  return buffer_steal(&text);
}

/* Single values
 * ------------------------------------------------------------------------------------- */

static void check_duration(Check *check, const json_t *row, const char *base, const char *key) {
  const char *text = json_string_value(json_object_get(row, key));
  Error err = ERROR_INIT;
  int64_t seconds = 0;
  if (text == NULL || str_equal(text, "never") || duration_parse(text, &seconds, &err))
    return;
  AUTO(str_free) char *pointer = str_format("%s/%s", base, key);
  check_add(check, pointer, "at most 3650d", "%s", err.message);
}

static void check_size(Check *check, const json_t *limits) {
  const char *text = json_string_value(json_object_get(limits, "branch_bytes"));
  Error err = ERROR_INIT;
  int64_t bytes = 0;
  if (text != NULL && !size_parse(text, &bytes, &err))
    check_add(check, "/limits/branch_bytes", "a size such as 20GB", "%s", err.message);
}

static void check_timezone(Check *check) {
  const char *zone = json_string_value(json_object_get(check->root, "timezone"));
  Cron daily = {0};
  int64_t next = 0;
  if (zone != NULL && cron_parse("@daily", &daily, NULL) &&
      !cron_next(&daily, zone, 0, &next, NULL))
    check_add(check, "/timezone", "a time zone such as Europe/Berlin or UTC",
              "there is no time zone \"%.63s\"", zone);
}

/* Tiers
 * --------------------------------------------------------------------------------------------- */

static void check_name(Check *check, const char *name, Place place, const char *what) {
  if (is_among(reserved, ARRAY_LENGTH(reserved), name))
    check_add_at(check, place, "another name", "\"%s\" can't be the name of a %s: it has a meaning",
                 name, what);
}

static void check_schedule(Check *check, const json_t *tier, const char *base) {
  const char *text = json_string_value(json_object_get(tier, "reset"));
  AUTO(str_free) char *pointer = str_format("%s/reset", base);
  Error err = ERROR_INIT;
  Cron cron = {0};
  if (text == NULL)
    return;
  if (!cron_parse(text, &cron, &err))
    check_add(check, pointer, "a schedule such as \"0 2 * * *\"", "%s", err.message);
  if (json_object_get(tier, "parent") == NULL)
    check_add(check, pointer, "a parent, or no reset", "this tier has no parent to be reset from");
  if (json_is_true(json_object_get(tier, "protected")))
    check_add(check, pointer, "either protected or a reset",
              "a protected tier isn't reset: only promotion changes it");
}

/* Follows parents; one more step than there are tiers is a circle. */
static bool is_circular(const Check *check, const char *name) {
  size_t steps = json_array_size(json_object_get(check->root, "tiers"));
  const char *next = name;
  for (size_t step = 0; step <= steps; step++) {
    next = json_string_value(json_object_get(declared_tier(check, next), "parent"));
    if (next == NULL)
      return false;
    if (str_equal(next, name))
      return true;
  }
  return false; /* it leads into a circle that others are part of */
}

static void check_parent(Check *check, const json_t *tier, const char *base) {
  const char *name = json_string_value(json_object_get(tier, "name"));
  const char *parent = json_string_value(json_object_get(tier, "parent"));
  AUTO(str_free) char *pointer = str_format("%s/parent", base);
  AUTO(str_free) char *known = known_tiers(check);
  if (name == NULL || parent == NULL)
    return;
  if (!is_tier(check, parent))
    check_add(check, pointer, known, "there is no tier \"%.63s\"", parent);
  else if (is_circular(check, name))
    check_add(check, pointer, "a chain that ends at a tier without a parent",
              "\"%.63s\" is its own ancestor", name);
}

static void check_tier(Check *check, const json_t *tier, const char *base) {
  const char *name = json_string_value(json_object_get(tier, "name"));
  AUTO(str_free) char *pointer = str_format("%s/name", base);
  if (name != NULL) {
    check_name(check, name, yaml_place(check->yaml, pointer, false), "tier");
    if (declared_tier(check, name) != tier)
      check_add(check, pointer, "each tier once", "tier \"%.63s\" is declared already", name);
  }
  check_parent(check, tier, base);
  check_schedule(check, tier, base);
  check_duration(check, tier, base, "idle");
}

/* Exactly one tier has no parent. */
static void check_root(Check *check, const json_t *tiers) {
  const char *root = NULL;
  size_t at = 0;
  const json_t *tier = NULL;
  json_array_foreach(tiers, at, tier) {
    const char *name = json_string_value(json_object_get(tier, "name"));
    if (name == NULL || json_object_get(tier, "parent") != NULL)
      continue;
    AUTO(str_free) char *pointer = str_format("/tiers/%zu/name", at);
    if (root != NULL)
      check_add(check, pointer, "a parent: one tier is the root",
                "\"%.63s\" has no parent, and \"%.63s\" hasn't either", name, root);
    else
      root = name;
  }
}

static void check_tiers(Check *check) {
  const json_t *tiers = json_object_get(check->root, "tiers");
  const char *entry = json_string_value(json_object_get(check->root, "entry"));
  AUTO(str_free) char *known = known_tiers(check);
  size_t at = 0;
  const json_t *tier = NULL;
  json_array_foreach(tiers, at, tier) {
    AUTO(str_free) char *base = str_format("/tiers/%zu", at);
    check_tier(check, tier, base);
  }
  check_root(check, tiers);
  if (entry != NULL && !is_tier(check, entry))
    check_add(check, "/entry", known, "there is no tier \"%.63s\"", entry);
}

/* Kinds
 * --------------------------------------------------------------------------------------------- */

static void check_lifetime(Check *check, const json_t *row, const char *base) {
  const char *ttl = json_string_value(json_object_get(row, "ttl"));
  const char *most = json_string_value(json_object_get(row, "ttl_max"));
  AUTO(str_free) char *pointer = str_format("%s/ttl", base);
  int64_t ttl_s = 0;
  int64_t most_s = 0;
  check_duration(check, row, base, "ttl");
  check_duration(check, row, base, "ttl_max");
  check_duration(check, row, base, "idle");
  if (ttl != NULL && most != NULL && duration_parse(ttl, &ttl_s, NULL) &&
      duration_parse(most, &most_s, NULL) && ttl_s > most_s)
    check_add(check, pointer, "at most ttl_max", "a ttl of %s is longer than the ttl_max of %s",
              ttl, most);
}

static bool is_circular_kind(const Check *check, const char *kind) {
  size_t steps = json_object_size(json_object_get(check->root, "work_branches"));
  const char *next = kind;
  for (size_t step = 0; step <= steps; step++) {
    next = kind_parent(check, next);
    if (next == NULL || !is_kind(check, next) || str_equal(next, "feature"))
      return false;
    if (str_equal(next, kind))
      return true;
  }
  return false;
}

static void check_kind(Check *check, const char *kind, const json_t *row) {
  AUTO_RELEASE(buffer_release) Buffer base = {0};
  buffer_add_text(&base, "/work_branches");
  json_pointer_add(&base, kind);
  AUTO(str_free) char *pointer = str_format("%s/parent", base.text);
  AUTO(str_free) char *known = known_subjects(check);
  const char *parent = json_string_value(json_object_get(row, "parent"));
  check_name(check, kind, yaml_place(check->yaml, base.text, true), "kind of branches");
  if (is_tier(check, kind))
    check_add_key(check, base.text, "another name", "\"%.63s\" is a tier already", kind);
  if (parent != NULL && !str_equal(parent, "target") && !is_tier(check, parent) &&
      !is_kind(check, parent))
    check_add(check, pointer, known, "there is no tier or kind \"%.63s\"", parent);
  else if (is_circular_kind(check, kind))
    check_add(check, pointer, "a chain that ends at a tier", "\"%.63s\" is its own ancestor", kind);
  check_lifetime(check, row, base.text);
}

static void check_kinds(Check *check) {
  const char *kind = NULL;
  json_t *row = NULL;
  check_lifetime(check, json_object_get(check->root, "features"), "/features");
  json_object_foreach(json_object_get(check->root, "work_branches"), kind, row) {
    check_kind(check, kind, row);
  }
}

/* These checks go over names again and again, which is for files of a size that the schema allows:
 * it has told about larger ones. */
static bool is_of_size(const json_t *root) {
  return json_array_size(json_object_get(root, "tiers")) <= GROUP_LIMIT &&
         json_object_size(json_object_get(root, "work_branches")) <= GROUP_LIMIT &&
         json_array_size(json_object_get(root, "promotion")) <= WORDS_LIMIT &&
         json_array_size(json_object_get(root, "allow")) <= POLICY_RULE_LIMIT;
}

void check_all(const Yaml *yaml, PolicyFindings *findings) {
  Check check = {.yaml = yaml, .root = yaml->value, .findings = findings, .known = findings->count};
  const json_t *keep = json_object_get(check.root, "keep");
  if (!is_of_size(check.root))
    return;
  check_timezone(&check);
  check_tiers(&check);
  check_kinds(&check);
  check_rules(&check);
  check_promotions(&check);
  check_duration(&check, keep, "/keep", "snapshots");
  check_duration(&check, keep, "/keep", "audit");
  check_size(&check, json_object_get(check.root, "limits"));
}
