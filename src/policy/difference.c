/* What changes from one policy to another, told by what it means for people and branches. */
#include "policy/policy.h"

#include "core/str.h"

#include <inttypes.h>
#include <string.h>

/* How a change of a value moves what is allowed. */
typedef enum Effect {
  CHANGES_ONLY,
  MORE_WIDENS, /* a limit: larger, or none, allows more */
  MORE_NARROWS,
  TRUE_WIDENS,
  TRUE_NARROWS,
} Effect;

typedef enum Unit { PLAIN, SPAN } Unit;

typedef struct Field {
  const char *name;
  Effect effect;
  Unit unit;
  const char *meaning;
} Field;

static const Field top_fields[] = {
    {"project", CHANGES_ONLY, PLAIN, "the project that the policy is meant for"},
    {"timezone", CHANGES_ONLY, PLAIN, "schedules are read in this zone from now on"},
    {"entry", CHANGES_ONLY, PLAIN,
     "new features fork from it; features in flight keep their parent"},
};

static const Field tier_fields[] = {
    {"parent", CHANGES_ONLY, PLAIN, "promotions and resets follow it; no branch is moved"},
    {"protected", TRUE_NARROWS, PLAIN,
     "true: nobody writes to it, changes its schema or migrates it, only promotion does; open "
     "sessions lose that right"},
    {"idle", CHANGES_ONLY, SPAN, "when its compute may sleep"},
    {"reset", CHANGES_ONLY, PLAIN,
     "when it is made anew from its parent: what was written there is lost each time"},
    {"audit", CHANGES_ONLY, PLAIN, "classes of statements that are recorded"},
};

static const Field kind_fields[] = {
    {"parent", CHANGES_ONLY, PLAIN, "new ones fork from it; those that stand keep their parent"},
    {"ttl", CHANGES_ONLY, SPAN, "how long new ones live; those that stand keep their end"},
    {"ttl_max", MORE_WIDENS, SPAN, "the longest life that may be asked for from now on"},
    {"max_per_principal", MORE_WIDENS, PLAIN,
     "how many one principal may have; those that stand stay"},
    {"idle", CHANGES_ONLY, SPAN, "when their computes may sleep"},
};

static const Field promotion_fields[] = {
    {"approvals", MORE_NARROWS, PLAIN, "how many must approve"},
    {"author_may_approve", TRUE_WIDENS, PLAIN, "whether an author's approval counts"},
    {"require", CHANGES_ONLY, PLAIN, "checks that must have passed"},
};

static const Field keep_fields[] = {
    {"snapshots", CHANGES_ONLY, SPAN, "older snapshots are deleted"},
    {"audit", CHANGES_ONLY, SPAN, "older days of the audit are deleted"},
};

static const Field limit_fields[] = {
    {"branches", MORE_WIDENS, PLAIN,
     "how many branches the project may have; those that stand stay"},
    {"branch_bytes", MORE_WIDENS, PLAIN,
     "a branch, no tier, that writes more after a start is suspended"},
    {"connections_per_branch", MORE_WIDENS, PLAIN, "for new connections"},
};

static const Field command_fields[] = {
    {"test", CHANGES_ONLY, PLAIN, "what CI runs"},
    {"post_check", CHANGES_ONLY, PLAIN, "what is run after a promotion"},
};

static const Field migration_fields[] = {
    {"idempotent", CHANGES_ONLY, PLAIN,
     "whether migrations must be such that they can be run again"},
    {"layout", CHANGES_ONLY, PLAIN, "how files are read: which are migrations, in which order"},
};

static const Field test_fields[] = {
    {"from", CHANGES_ONLY, PLAIN, "whose tests CI runs where a change edits them"},
};

/* Rows
 * ---------------------------------------------------------------------------------------------- */

static json_t *value_or_null(const json_t *value) {
  return value != NULL ? json_deep_copy(value) : json_null();
}

static const char *change_of(const json_t *before, const json_t *after) {
  bool was = before != NULL && !json_is_null(before);
  bool is = after != NULL && !json_is_null(after);
  return was && is ? "changed" : is ? "added" : "removed";
}

static void add(json_t *list, const char *path, const json_t *before, const json_t *after,
                const char *effect, const char *meaning) {
  (void)json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:s, s:s}", "path", path,
                                              "change", change_of(before, after), "before",
                                              value_or_null(before), "after", value_or_null(after),
                                              "effect", effect, "meaning", meaning));
}

/* No limit is the largest of all. */
static double limit_of(const json_t *value) {
  return json_is_number(value) ? json_number_value(value) : 1e18;
}

static const char *effect_of(Effect effect, const json_t *before, const json_t *after) {
  switch (effect) {
  case MORE_WIDENS:
    return limit_of(after) > limit_of(before) ? "widens" : "narrows";
  case MORE_NARROWS:
    return json_number_value(after) > json_number_value(before) ? "narrows" : "widens";
  case TRUE_WIDENS:
    return json_is_true(after) ? "widens" : "narrows";
  case TRUE_NARROWS:
    return json_is_true(after) ? "narrows" : "widens";
  case CHANGES_ONLY:
    break;
  }
  return "changes";
}

static bool differs(const json_t *before, const json_t *after) {
  bool was = before != NULL && !json_is_null(before);
  bool is = after != NULL && !json_is_null(after);
  return was != is || (was && !json_same(before, after));
}

static json_t *shown(const json_t *value, Unit unit) {
  static const struct {
    int64_t seconds;
    char letter;
  } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  if (unit != SPAN || !json_is_integer(value))
    return value_or_null(value);
  int64_t seconds = json_integer_value(value);
  size_t at = 0;
  while (seconds % units[at].seconds != 0)
    at++;
  AUTO(str_free)
  char *text = str_format("%" PRId64 "%c", seconds / units[at].seconds, units[at].letter);
  return json_string(text);
}

static void compare_fields(json_t *list, const char *base, const Field *fields, size_t count,
                           const json_t *before, const json_t *after) {
  for (size_t at = 0; at < count; at++) {
    const json_t *old = json_object_get(before, fields[at].name);
    const json_t *new = json_object_get(after, fields[at].name);
    if (!differs(old, new))
      continue;
    AUTO(str_free)
    char *path = str_format("%s%s%s", base, base[0] != '\0' ? "." : "", fields[at].name);
    AUTO(json_free) json_t *old_shown = shown(old, fields[at].unit);
    AUTO(json_free) json_t *new_shown = shown(new, fields[at].unit);
    add(list, path, old_shown, new_shown, effect_of(fields[at].effect, old, new),
        fields[at].meaning);
  }
}

/* Groups of rows
 * ------------------------------------------------------------------------------------ */

typedef struct Group {
  const char *path; /* "tiers" */
  const Field *fields;
  size_t field_count;
  const char *added, *removed; /* what a row that comes or goes means */
  const char *added_effect, *removed_effect;
} Group;

static const Group tier_group = {
    "tiers",
    tier_fields,
    ARRAY_LENGTH(tier_fields),
    "a new tier: create its branch from its parent; nothing is re-parented",
    "no tier any more: its branch stays, as one without a kind that only rules on \"*\" speak of",
    "changes",
    "changes"};
static const Group kind_group = {
    "work_branches",
    kind_fields,
    ARRAY_LENGTH(kind_fields),
    "a new kind of branches",
    "no new ones: those that stand stay until their end, and only rules on \"*\" speak of them",
    "widens",
    "narrows"};
static const Group promotion_group = {"promotion",
                                      promotion_fields,
                                      ARRAY_LENGTH(promotion_fields),
                                      "a new way between branches",
                                      "nothing is promoted that way any more",
                                      "widens",
                                      "narrows"};

/* Objects by name, of which one may be missing. */
static void compare_group(json_t *list, const Group *group, json_t *before, json_t *after) {
  const char *name = NULL;
  json_t *row = NULL;
  json_object_foreach(after, name, row) {
    AUTO(str_free) char *path = str_format("%s.%s", group->path, name);
    const json_t *old = json_object_get(before, name);
    if (old == NULL)
      add(list, path, NULL, row, group->added_effect, group->added);
    else
      compare_fields(list, path, group->fields, group->field_count, old, row);
  }
  json_object_foreach(before, name, row) {
    AUTO(str_free) char *path = str_format("%s.%s", group->path, name);
    if (json_object_get(after, name) == NULL)
      add(list, path, row, NULL, group->removed_effect, group->removed);
  }
}

/* An array's rows under their names: a tier's, or "from->to". */
static json_t *by_name(const json_t *rows) {
  json_t *object = json_object();
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(rows, at, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    AUTO(str_free)
    char *key = name != NULL ? str_dup(name)
                             : str_format("%s->%s", json_string_or(row, "from", ""),
                                          json_string_or(row, "to", ""));
    (void)json_object_set_new(object, key, json_deep_copy(row));
  }
  return object;
}

static bool has_row(const json_t *rows, const json_t *row) {
  size_t at = 0;
  const json_t *other = NULL;
  json_array_foreach(rows, at, other) {
    if (json_same(other, row))
      return true;
  }
  return false;
}

static void compare_lists(json_t *list, const char *path, const json_t *before, const json_t *after,
                          const char *added, const char *removed) {
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(after, at, row) {
    if (!has_row(before, row))
      add(list, path, NULL, row, "widens", added);
  }
  json_array_foreach(before, at, row) {
    if (!has_row(after, row))
      add(list, path, row, NULL, "narrows", removed);
  }
}

static void compare_rows(json_t *list, const Group *group, const json_t *before,
                         const json_t *after) {
  AUTO(json_free) json_t *old = by_name(json_object_get(before, group->path));
  AUTO(json_free) json_t *new = by_name(json_object_get(after, group->path));
  compare_group(list, group, old, new);
}

json_t *policy_difference(const Policy *before, const Policy *after) {
  json_t *list = json_array();
  const json_t *old = before != NULL ? before->json : NULL;
  const json_t *new = after->json;
  compare_fields(list, "", top_fields, ARRAY_LENGTH(top_fields), old, new);
  compare_rows(list, &tier_group, old, new);
  compare_fields(list, "features", kind_fields, ARRAY_LENGTH(kind_fields),
                 json_object_get(old, "features"), json_object_get(new, "features"));
  compare_group(list, &kind_group, json_object_get(old, "work_branches"),
                json_object_get(new, "work_branches"));
  compare_lists(list, "roles", json_object_get(old, "roles"), json_object_get(new, "roles"),
                "principals may be given it", "those who have it have nothing by it any more");
  compare_lists(list, "allow", json_object_get(old, "allow"), json_object_get(new, "allow"),
                "this is allowed from now on",
                "this isn't allowed any more by this rule; open sessions lose what no other gives");
  compare_rows(list, &promotion_group, old, new);
  compare_fields(list, "commands", command_fields, ARRAY_LENGTH(command_fields),
                 json_object_get(old, "commands"), json_object_get(new, "commands"));
  compare_fields(list, "tests", test_fields, ARRAY_LENGTH(test_fields),
                 json_object_get(old, "tests"), json_object_get(new, "tests"));
  compare_fields(list, "migrations", migration_fields, ARRAY_LENGTH(migration_fields),
                 json_object_get(old, "migrations"), json_object_get(new, "migrations"));
  compare_fields(list, "keep", keep_fields, ARRAY_LENGTH(keep_fields), json_object_get(old, "keep"),
                 json_object_get(new, "keep"));
  compare_fields(list, "limits", limit_fields, ARRAY_LENGTH(limit_fields),
                 json_object_get(old, "limits"), json_object_get(new, "limits"));
  compare_lists(list, "extensions", json_object_get(old, "extensions"),
                json_object_get(new, "extensions"), "migrations may have the platform install it",
                "not installed any more; where it is, it stays");
  return list;
}

/* For people
 * ------------------------------------------------------------------------------------------ */

/* Text as it is, everything else as JSON; "" for nothing. */
static char *value_text(const json_t *value) {
  if (json_is_string(value))
    return str_dup(json_string_value(value));
  return json_is_null(value) || value == NULL ? str_dup("") : json_text(value);
}

char *policy_difference_text(const json_t *difference) {
  Buffer text = {0};
  buffer_add_text(&text, "");
  size_t at = 0;
  const json_t *row = NULL;
  json_array_foreach(difference, at, row) {
    const char *change = json_string_or(row, "change", "changed");
    AUTO(str_free) char *before = value_text(json_object_get(row, "before"));
    AUTO(str_free) char *after = value_text(json_object_get(row, "after"));
    const char *sign = str_equal(change, "added") ? "+" : str_equal(change, "removed") ? "-" : "~";
    buffer_add_format(&text, "%s %s: %s%s%s (%s: %s)\n", sign, json_string_or(row, "path", ""),
                      before, str_equal(change, "changed") ? " -> " : "", after,
                      json_string_or(row, "effect", ""), json_string_or(row, "meaning", ""));
  }
  return buffer_steal(&text);
}
