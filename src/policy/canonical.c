/* One form for one meaning: defaults written out, spans and sizes as numbers, lists for words. */
#include "policy/build.h"

#include "core/duration.h"
#include "core/size.h"
#include "core/str.h"

#include <string.h>

static json_t *copy(const json_t *row, const char *key) {
  const json_t *value = json_object_get(row, key);
  return value != NULL ? json_deep_copy(value) : json_null();
}

static json_t *list(const json_t *value) {
  if (value == NULL)
    return json_array();
  return json_is_array(value) ? json_deep_copy(value) : json_pack("[O]", value);
}

/* Names in the order of the alphabet, where theirs says nothing. */
static json_t *sorted(const json_t *value) {
  json_t *result = json_array();
  size_t at = 0;
  const json_t *word = NULL;
  json_array_foreach(value, at, word) {
    size_t place = 0;
    while (place < json_array_size(result) &&
           strcmp(json_string_value(json_array_get(result, place)), json_string_value(word)) < 0)
      place++;
    (void)json_array_insert_new(result, place, json_string(json_string_value(word)));
  }
  return result;
}

/* Seconds; null when nothing is declared, "never" as it stands. */
static json_t *seconds(const json_t *row, const char *key) {
  const char *text = json_string_or(row, key, NULL);
  int64_t result = 0;
  if (text == NULL)
    return json_null();
  return duration_parse(text, &result, NULL) ? json_integer(result) : json_string(text);
}

static json_t *bytes(const json_t *row, const char *key) {
  const char *text = json_string_or(row, key, NULL);
  int64_t result = 0;
  return text != NULL && size_parse(text, &result, NULL) ? json_integer(result) : json_null();
}

static json_t *tiers(const json_t *value) {
  json_t *result = json_array();
  size_t at = 0;
  const json_t *tier = NULL;
  json_array_foreach(value, at, tier) {
    (void)json_array_append_new(
        result,
        json_pack("{s:o, s:o, s:b, s:o, s:o, s:o}", "name", copy(tier, "name"), "parent",
                  copy(tier, "parent"), "protected",
                  json_is_true(json_object_get(tier, "protected")), "idle", seconds(tier, "idle"),
                  "reset", copy(tier, "reset"), "audit", sorted(json_object_get(tier, "audit"))));
  }
  return result;
}

/* A cap without a default is the default, too: nothing lives longer than it may. */
static json_t *kind(const json_t *row, const char *parent) {
  bool has_ttl = json_object_get(row, "ttl") != NULL;
  return json_pack("{s:s, s:o, s:o, s:o, s:o}", "parent", parent, "ttl",
                   seconds(row, has_ttl ? "ttl" : "ttl_max"), "ttl_max", seconds(row, "ttl_max"),
                   "max_per_principal", copy(row, "max_per_principal"), "idle",
                   seconds(row, "idle"));
}

static json_t *kinds(const json_t *value) {
  json_t *result = json_object();
  const char *name = NULL;
  json_t *row = NULL;
  json_object_foreach(json_object_get(value, "work_branches"), name, row) {
    const char *parent = json_string_value(json_object_get(row, "parent"));
    (void)json_object_set_new(result, name, kind(row, parent));
  }
  return result;
}

static json_t *subjects(const json_t *on) {
  if (!json_is_object(on))
    return list(on);
  return json_pack("{s:o, s:o}", "from", list(json_object_get(on, "from")), "to",
                   list(json_object_get(on, "to")));
}

static json_t *rules(const json_t *value) {
  json_t *result = json_array();
  size_t at = 0;
  const json_t *rule = NULL;
  json_array_foreach(value, at, rule) {
    (void)json_array_append_new(result, json_pack("{s:o, s:o, s:o, s:b, s:o}", "role",
                                                  list(json_object_get(rule, "role")), "action",
                                                  list(json_object_get(rule, "action")), "on",
                                                  subjects(json_object_get(rule, "on")), "own",
                                                  json_is_true(json_object_get(rule, "own")),
                                                  "kind", list(json_object_get(rule, "kind"))));
  }
  return result;
}

static json_t *promotions(const json_t *value) {
  json_t *result = json_array();
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(value, at, row) {
    (void)json_array_append_new(
        result,
        json_pack("{s:o, s:o, s:I, s:b, s:o}", "from", copy(row, "from"), "to", copy(row, "to"),
                  "approvals", (json_int_t)json_integer_or(row, "approvals", 0),
                  "author_may_approve", json_is_true(json_object_get(row, "author_may_approve")),
                  "require", sorted(json_object_get(row, "require"))));
  }
  return result;
}

static json_t *limits(const json_t *value) {
  return json_pack("{s:o, s:o, s:o}", "branches", copy(value, "branches"), "branch_bytes",
                   bytes(value, "branch_bytes"), "connections_per_branch",
                   copy(value, "connections_per_branch"));
}

static json_t *migrations(const json_t *value) {
  return json_pack("{s:b, s:o}", "idempotent", json_bool_or(value, "idempotent", false), "layout",
                   copy(value, "layout"));
}

json_t *policy_canonical(const json_t *value) {
  const json_t *keep = json_object_get(value, "keep");
  const json_t *commands = json_object_get(value, "commands");
  return json_pack(
      "{s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:s}, s:o, s:{s:o, s:o}, s:o,"
      " s:o}",
      "version", 1, "project", copy(value, "project"), "timezone",
      json_string_or(value, "timezone", "UTC"), "tiers", tiers(json_object_get(value, "tiers")),
      "entry", copy(value, "entry"), "features",
      kind(json_object_get(value, "features"), json_string_or(value, "entry", "")), "work_branches",
      kinds(value), "roles", sorted(json_object_get(value, "roles")), "allow",
      rules(json_object_get(value, "allow")), "promotion",
      promotions(json_object_get(value, "promotion")), "commands",
      commands != NULL ? json_deep_copy(commands) : json_object(), "tests", "from",
      json_string_or(json_object_get(value, "tests"), "from", "change"), "migrations",
      migrations(json_object_get(value, "migrations")), "keep", "snapshots",
      seconds(keep, "snapshots"), "audit", seconds(keep, "audit"), "limits",
      limits(json_object_get(value, "limits")), "extensions",
      sorted(json_object_get(value, "extensions")));
}
