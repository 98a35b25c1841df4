/* The rules by which a change is destructive, rewrites a table, or holds a heavy lock. */
#include "diff/impact.h"

#include "core/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool Test(const Diff *diff, const Change *change);

/* ---- tests ---- */

/* The object's table as it is before; NULL: it is new. */
static const Object *table_before(const Diff *diff, const Change *change) {
  const Object *object = change->before;
  if (object == NULL && change->after->parent != NULL)
    return diff_partner(diff, change->after->parent);
  if (object != NULL && object->parent != NULL)
    return object->parent;
  return object;
}

static bool on_old_table(const Diff *diff, const Change *change) {
  const Object *table = table_before(diff, change);
  return table != NULL && table->kind == KIND_TABLE;
}

static bool is_turned_on(const PropertyChange *change) {
  return str_equal(change->after, "t");
}

static const PropertyChange *property_change(const Change *change, const char *name) {
  for (size_t at = 0; at < change->property_count; at++)
    if (str_equal(change->properties[at].name, name))
      return &change->properties[at];
  return NULL;
}

static bool becomes_not_null(const Diff *diff, const Change *change) {
  return is_turned_on(property_change(change, "not_null"));
}

static bool becomes_valid(const Diff *diff, const Change *change) {
  return is_turned_on(property_change(change, "validated"));
}

/* "name(a,b)" -> name and numbers; -1 where there is none. */
typedef struct TypeText {
  size_t length; /* of the name */
  int first, second;
} TypeText;

static TypeText type_text(const char *type) {
  TypeText text = {strcspn(type, "("), -1, -1};
  (void)sscanf(type + text.length, "(%9d,%9d", &text.first, &text.second);
  return text;
}

static bool is_type(const char *type, const TypeText *text, const char *name) {
  return strlen(name) == text->length && strncmp(type, name, text->length) == 0;
}

/* PostgreSQL keeps the table as it is where the new type only allows more. */
static bool keeps_table(const char *before, const char *after) {
  TypeText left = type_text(before);
  TypeText right = type_text(after);
  bool is_wider = right.first < 0 || (left.first >= 0 && right.first >= left.first);
  if (is_type(before, &left, "character varying") && is_type(after, &right, "text"))
    return true;
  if (is_type(before, &left, "text") && is_type(after, &right, "character varying"))
    return right.first < 0;
  if (is_type(before, &left, "cidr") && is_type(after, &right, "inet"))
    return true;
  if (left.length != right.length || strncmp(before, after, left.length) != 0)
    return false;
  if (is_type(before, &left, "numeric"))
    return right.first < 0 || (is_wider && left.second == right.second);
  return (is_type(before, &left, "character varying") || is_type(before, &left, "bit varying")) &&
         is_wider;
}

static bool rewrites_for_type(const Diff *diff, const Change *change) {
  const PropertyChange *type = property_change(change, "type");
  return on_old_table(diff, change) && !keeps_table(type->before, type->after);
}

/* Types in the order in which each holds the values of those before it. */
static int rank_of(const char *type, const char *const *order, size_t count) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(order[at], type))
      return (int)at;
  return -1;
}

static bool narrows_by_rank(const char *before, const char *after) {
  static const char *const integers[] = {"smallint", "integer", "bigint", "numeric"};
  static const char *const floats[] = {"real", "double precision"};
  int left = rank_of(before, integers, ARRAY_LENGTH(integers));
  int right = rank_of(after, integers, ARRAY_LENGTH(integers));
  if (left >= 0 && right >= 0)
    return right < left;
  left = rank_of(before, floats, ARRAY_LENGTH(floats));
  right = rank_of(after, floats, ARRAY_LENGTH(floats));
  return left >= 0 && right >= 0 && right < left;
}

static bool narrows(const Diff *diff, const Change *change) {
  const PropertyChange *type = property_change(change, "type");
  TypeText left = type_text(type->before);
  TypeText right = type_text(type->after);
  if (narrows_by_rank(type->before, type->after))
    return true;
  if (right.first >= 0 && (left.first < 0 || right.first < left.first))
    return true; /* shorter, or with a limit that wasn't there */
  return right.second >= 0 && left.second > right.second; /* fewer digits behind the point */
}

/* Whether the name that ends before the parenthesis is one of them, as a whole. */
static bool is_computed_once(const char *expression, const char *open) {
  static const char *const once[] = {"now",
                                     "statement_timestamp",
                                     "transaction_timestamp",
                                     "current_setting",
                                     "to_char",
                                     "timezone",
                                     "date_trunc",
                                     "numeric",
                                     "varying",
                                     "character",
                                     "bit",
                                     "time",
                                     "timestamp",
                                     "interval",
                                     "make_interval",
                                     "lower",
                                     "upper"};
  const char *start = open;
  while (start > expression && (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
    start--;
  for (size_t at = 0; at < ARRAY_LENGTH(once); at++)
    if (strlen(once[at]) == (size_t)(open - start) &&
        strncmp(start, once[at], (size_t)(open - start)) == 0)
      return start == expression || start[-1] != '.'; /* another schema's is another function */
  return false;
}

/* A default that isn't the same for all rows. Functions that PostgreSQL knows as stable or
 * immutable are computed once; of others it can't be told from here, so they count as volatile. */
static bool is_volatile(const char *expression) {
  for (const char *open = strchr(expression, '('); open != NULL; open = strchr(open + 1, '('))
    if (open > expression && strchr(" (:,+-*/|'", open[-1]) == NULL && /* no mere group */
        !is_computed_once(expression, open))
      return true;
  return false;
}

static bool adds_computed(const Diff *diff, const Change *change) {
  const Object *column = change->after;
  const char *value = object_property(column, "default");
  return on_old_table(diff, change) &&
         (object_property(column, "identity") != NULL ||
          object_property(column, "generated") != NULL || (value != NULL && is_volatile(value)));
}

static bool adds_not_null(const Diff *diff, const Change *change) {
  const Object *column = change->after;
  return on_old_table(diff, change) && object_is(column, "not_null") &&
         object_property(column, "default") == NULL && object_property(column, "identity") == NULL;
}

static bool adds_constraint(const Diff *diff, const Change *change, const char *types) {
  const char *type = object_property(change->after, "type");
  return on_old_table(diff, change) && type != NULL && strchr(types, type[0]) != NULL &&
         object_is(change->after, "validated");
}

static bool adds_check(const Diff *diff, const Change *change) {
  return adds_constraint(diff, change, "c");
}

static bool adds_foreign_key(const Diff *diff, const Change *change) {
  return adds_constraint(diff, change, "f");
}

static bool adds_key(const Diff *diff, const Change *change) {
  return adds_constraint(diff, change, "pux");
}

static bool has_base_table(const Diff *diff, const Change *change) {
  return on_old_table(diff, change);
}

/* ---- rules ---- */

#define EXCLUSIVE "ACCESS EXCLUSIVE"

typedef struct Rule {
  ChangeKind change; /* CHANGE_CHANGED: renamed ones, too */
  ObjectKind kind;
  const char *property; /* that changed; NULL: whatever it is */
  Test *test;           /* NULL: always */
  unsigned effects;
  const char *lock;
  const char *reason;
} Rule;

static const Rule rules[] = {
    {CHANGE_REMOVED, KIND_TABLE, NULL, NULL, IMPACT_DESTRUCTIVE, EXCLUSIVE,
     "the table's rows are lost"},
    {CHANGE_REMOVED, KIND_COLUMN, NULL, has_base_table, IMPACT_DESTRUCTIVE, EXCLUSIVE,
     "the column's values are lost"},
    {CHANGE_REMOVED, KIND_SEQUENCE, NULL, NULL, IMPACT_DESTRUCTIVE, EXCLUSIVE,
     "the sequence's position is lost"},
    {CHANGE_REMOVED, KIND_MATERIALIZED_VIEW, NULL, NULL, IMPACT_DESTRUCTIVE, EXCLUSIVE,
     "what the view holds has to be computed again"},
    {CHANGE_REMOVED, KIND_EXTENSION, NULL, NULL, IMPACT_DESTRUCTIVE, NULL,
     "everything of the extension goes, columns of its types with their values too"},
    {CHANGE_REMOVED, KIND_ATTRIBUTE, NULL, NULL, IMPACT_DESTRUCTIVE, NULL,
     "the attribute's values are lost wherever the type is used"},
    {CHANGE_REMOVED, KIND_ENUM_VALUE, NULL, NULL, IMPACT_DESTRUCTIVE | IMPACT_REWRITE, EXCLUSIVE,
     "an enum can't lose a value: the type is made anew, and tables with rows of that value can't "
     "be converted"},
    {CHANGE_REORDERED, KIND_ENUM, NULL, NULL, IMPACT_REWRITE, EXCLUSIVE,
     "an enum can't be reordered: the type is made anew, and tables that use it are rewritten"},
    {CHANGE_REPLACED, KIND_TABLE, NULL, NULL, IMPACT_DESTRUCTIVE, NULL,
     "it was dropped and made anew: a migration that does the same loses the table's rows"},
    {CHANGE_REPLACED, KIND_COLUMN, NULL, NULL, IMPACT_DESTRUCTIVE, NULL,
     "it was dropped and made anew: a migration that does the same loses the column's values"},
    {CHANGE_REPLACED, KIND_SEQUENCE, NULL, NULL, IMPACT_DESTRUCTIVE, NULL,
     "it was dropped and made anew: a migration that does the same loses the sequence's position"},
    {CHANGE_ADDED, KIND_COLUMN, NULL, adds_computed, IMPACT_REWRITE, EXCLUSIVE,
     "its value is computed for each row"},
    {CHANGE_ADDED, KIND_COLUMN, NULL, adds_not_null, IMPACT_LOCK, EXCLUSIVE,
     "NOT NULL without a default fails if the table has rows"},
    {CHANGE_CHANGED, KIND_COLUMN, "type", narrows, IMPACT_DESTRUCTIVE, NULL,
     "values that don't fit the new type are refused or rounded"},
    {CHANGE_CHANGED, KIND_COLUMN, "type", rewrites_for_type, IMPACT_REWRITE, EXCLUSIVE,
     "the new type is stored differently: table and indexes are written anew"},
    {CHANGE_CHANGED, KIND_COLUMN, "collation", has_base_table, IMPACT_LOCK, EXCLUSIVE,
     "indexes on the column are built anew"},
    {CHANGE_CHANGED, KIND_COLUMN, "not_null", becomes_not_null, IMPACT_LOCK, EXCLUSIVE,
     "every row is read to find NULLs"},
    {CHANGE_CHANGED, KIND_COLUMN, "generated", has_base_table, IMPACT_REWRITE | IMPACT_DESTRUCTIVE,
     EXCLUSIVE, "a column that becomes generated, or another expression, is dropped and made anew"},
    {CHANGE_ADDED, KIND_CONSTRAINT, NULL, adds_check, IMPACT_LOCK, EXCLUSIVE,
     "every row is read; NOT VALID, then VALIDATE, holds it only for a moment"},
    {CHANGE_ADDED, KIND_CONSTRAINT, NULL, adds_foreign_key, IMPACT_LOCK, "SHARE ROW EXCLUSIVE",
     "every row is read while nobody writes to either table; NOT VALID, then VALIDATE, avoids it"},
    {CHANGE_ADDED, KIND_CONSTRAINT, NULL, adds_key, IMPACT_LOCK, EXCLUSIVE,
     "an index is built; CREATE UNIQUE INDEX CONCURRENTLY, then USING INDEX, avoids it"},
    {CHANGE_CHANGED, KIND_CONSTRAINT, "definition", has_base_table, IMPACT_LOCK, EXCLUSIVE,
     "the constraint is dropped and made anew: every row is read"},
    {CHANGE_CHANGED, KIND_CONSTRAINT, "validated", becomes_valid, IMPACT_LOCK,
     "SHARE UPDATE EXCLUSIVE", "every row is read, beside readers and writers"},
    {CHANGE_ADDED, KIND_INDEX, NULL, has_base_table, IMPACT_LOCK, "SHARE",
     "nobody writes while it is built; CREATE INDEX CONCURRENTLY avoids that"},
    {CHANGE_CHANGED, KIND_INDEX, "definition", has_base_table, IMPACT_LOCK, "SHARE",
     "the index is built anew; nobody writes meanwhile without CONCURRENTLY"},
    {CHANGE_CHANGED, KIND_TABLE, "persistence", NULL, IMPACT_REWRITE, EXCLUSIVE,
     "LOGGED and UNLOGGED tables are written anew"},
    {CHANGE_CHANGED, KIND_TABLE, "access_method", NULL, IMPACT_REWRITE, EXCLUSIVE,
     "another access method stores rows differently"},
    {CHANGE_CHANGED, KIND_TABLE, "tablespace", NULL, IMPACT_REWRITE, EXCLUSIVE,
     "the table is copied to another tablespace"},
    {CHANGE_CHANGED, KIND_TABLE, "partition_key", NULL, IMPACT_DESTRUCTIVE | IMPACT_REWRITE,
     EXCLUSIVE, "a table can't change how it is partitioned: it is made anew and filled again"},
    {CHANGE_CHANGED, KIND_TABLE, "partition_of", NULL, IMPACT_LOCK, EXCLUSIVE,
     "attaching reads every row, unless a constraint proves the bounds"},
    {CHANGE_CHANGED, KIND_TABLE, "bound", NULL, IMPACT_LOCK, EXCLUSIVE,
     "the partition is detached and attached again: every row is read"},
    {CHANGE_CHANGED, KIND_MATERIALIZED_VIEW, "definition", NULL, IMPACT_LOCK, EXCLUSIVE,
     "the view is made anew and computed again"},
    {CHANGE_ADDED, KIND_DOMAIN_CONSTRAINT, NULL, NULL, IMPACT_LOCK, "SHARE",
     "every table with a column of the domain is read"},
    {CHANGE_CHANGED, KIND_DOMAIN, "not_null", becomes_not_null, IMPACT_LOCK, "SHARE",
     "every table with a column of the domain is read"},
    {CHANGE_CHANGED, KIND_DOMAIN, "type", NULL, IMPACT_REWRITE, EXCLUSIVE,
     "a domain can't change its type: it is made anew, and tables that use it are rewritten"},
};

static bool applies(const Rule *rule, const Diff *diff, const Change *change) {
  ChangeKind kind = change->kind == CHANGE_RENAMED ? CHANGE_CHANGED : change->kind;
  if (rule->change != kind || rule->kind != change->object_kind)
    return false;
  if (rule->property != NULL && property_change(change, rule->property) == NULL)
    return false;
  return rule->test == NULL || rule->test(diff, change);
}

size_t impact_of(const Diff *diff, const Change *change, Impact ret[IMPACT_LIMIT]) {
  size_t count = 0;
  if (change->is_implied) /* told with the whole */
    return 0;
  const Object *table = table_before(diff, change);
  for (size_t at = 0; at < ARRAY_LENGTH(rules) && count < IMPACT_LIMIT; at++)
    if (applies(&rules[at], diff, change))
      ret[count++] = (Impact){
          rules[at].effects, rules[at].lock, rules[at].reason,
          table != NULL && (table->kind == KIND_TABLE || table->kind == KIND_MATERIALIZED_VIEW)
              ? table
              : NULL};
  return count;
}

static int compare_pointers(const void *a, const void *b) {
  const Object *left = *(Object *const *)a;
  const Object *right = *(Object *const *)b;
  return left < right ? -1 : left > right;
}

Object **impact_subjects(const Diff *diff, size_t *ret_count) {
  Object **subjects = mem_new(diff->count + 1, sizeof(Object *));
  size_t count = 0;
  for (size_t at = 0; at < diff->count; at++) {
    Impact impacts[IMPACT_LIMIT];
    if (impact_of(diff, &diff->changes[at], impacts) > 0 && impacts[0].subject != NULL)
      subjects[count++] = diff->before->objects[impacts[0].subject->index];
  }
  qsort(subjects, count, sizeof(Object *), compare_pointers);
  size_t kept = 0;
  for (size_t at = 0; at < count; at++)
    if (at == 0 || subjects[at] != subjects[at - 1])
      subjects[kept++] = subjects[at];
  *ret_count = kept;
  return subjects;
}
