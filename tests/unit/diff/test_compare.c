/* The comparison on schemas built by hand: pairs by number, name and guess, and what counts as a
 * change. */
#include "built.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define RECORD                                                                                     \
  "database 5 \"other\"\nrelation 100 0 0 2200 r \"not ours\"\ndatabase 16385 \"app\"\n"           \
  "column 100 1 100 0 - \"a\"\ncolumn 100 2 100 0 - \"b\"\nrelation 100 0 0 2200 r \"t\"\n"        \
  "value 300 0 200 0 - \"x\"\ntype 200 0 0 2200 e \"mood\"\n"

typedef struct Sides {
  Schema *before, *after;
  Object *table[2];
} Sides;

/* Both: t (a integer, b text), number 100. */
static Sides sides(void) {
  Sides both = {schema_new(), schema_new(), {NULL}};
  Schema *schemas[] = {both.before, both.after};
  for (size_t at = 0; at < 2; at++) {
    both.table[at] = built_table(schemas[at], "t", 100);
    (void)built_column(schemas[at], both.table[at], "a", 1, "integer");
    (void)built_column(schemas[at], both.table[at], "b", 2, "text");
  }
  return both;
}

static Object *child(Object *parent, Schema *schema, const char *name) {
  for (size_t at = 0; at < schema->count; at++)
    if (schema->objects[at]->parent == parent && str_equal(schema->objects[at]->name, name))
      return schema->objects[at];
  return NULL;
}

static void expect(Sides *both, const char *record, const char *summary) {
  schema_finish(both->before);
  schema_finish(both->after);
  AUTO(base_free) Base *base = record != NULL ? base_parse(record, "app") : NULL;
  AUTO(diff_free) Diff *diff = diff_compare(both->before, both->after, base);
  AUTO(str_free) char *text = built_summary(diff);
  assert_string_equal(text, summary);
  schema_free(both->before);
  schema_free(both->after);
}

static void test_same(void **state) {
  Sides both = sides();
  expect(&both, RECORD, "");
}

static void test_renames_are_known_by_number(void **state) {
  Sides both = sides();
  both.table[1]->name = "u";
  child(both.table[1], both.after, "a")->name = "c";
  expect(&both, RECORD, "renamed table u; renamed column c");
}

static void test_renames_are_guessed_without_a_base(void **state) {
  Sides both = sides();
  child(both.table[1], both.after, "a")->name = "c";
  expect(&both, NULL, "renamed? column c");
}

static void test_guesses_need_one_candidate(void **state) {
  Sides both = sides();
  child(both.table[1], both.after, "a")->name = "c";
  (void)built_column(both.after, both.table[1], "d", 3, "integer");
  expect(&both, NULL, "removed column a; added column c; added column d");
}

static void test_both_added_a_column(void **state) {
  Sides both = sides();
  (void)built_column(both.before, both.table[0], "left", 3, "integer");
  (void)built_column(both.after, both.table[1], "right", 3, "integer");
  expect(&both, RECORD, "removed column left; added column right");
}

static void test_both_made_a_table(void **state) {
  Sides both = sides();
  (void)built_column(both.before, built_table(both.before, "left", 101), "x", 1, "integer");
  (void)built_column(both.after, built_table(both.after, "right", 101), "x", 1, "integer");
  expect(&both, RECORD, "removed table left; added table right");
}

static void test_old_name_taken_by_a_new_table(void **state) {
  Sides both = sides();
  both.table[1]->name = "t_old";
  (void)built_column(both.after, built_table(both.after, "t", 555), "z", 1, "integer");
  expect(&both, RECORD, "added table t; renamed table t_old");
}

static void test_dropped_and_made_anew(void **state) {
  Sides both = sides();
  both.table[1]->oid = 777;
  child(both.table[1], both.after, "a")->oid = 777;
  child(both.table[1], both.after, "b")->oid = 777;
  expect(&both, RECORD, "replaced table t");
}

static void test_column_made_anew_is_last(void **state) {
  Sides both = sides();
  Object *column = child(both.table[1], both.after, "a");
  column->subid = column->position = 3;
  expect(&both, RECORD, "reordered table t; replaced column a");
}

static void test_new_numbers_mean_nothing_without_data(void **state) {
  Sides both = sides();
  built(both.before, KIND_INDEX, both.table[0], "t_a", 102)->definition = "CREATE INDEX t_a ON x";
  built(both.after, KIND_INDEX, both.table[1], "t_a", 940)->definition = "CREATE INDEX t_a ON x";
  expect(&both, RECORD "relation 102 0 100 2200 i \"t_a\"\n", "");
}

static void test_type_changes_with_the_name(void **state) {
  Sides both = sides();
  Object *column = child(both.table[1], both.after, "a");
  column->name = "number";
  object_set(both.after, column, "type", "bigint");
  expect(&both, RECORD, "renamed column number");
}

static void test_texts_follow_renames(void **state) {
  Sides both = sides();
  both.table[1]->name = "u";
  child(both.table[1], both.after, "a")->name = "Odd name";
  Object *before = built(both.before, KIND_INDEX, both.table[0], "i", 102);
  Object *after = built(both.after, KIND_INDEX, both.table[1], "i", 102);
  before->definition = "CREATE INDEX i ON public.t USING btree (a) WHERE (b <> 'a'::text)";
  after->definition =
      "CREATE INDEX i ON public.u USING btree (\"Odd name\") WHERE (b <> 'a'::text)";
  Object *value = child(both.table[0], both.before, "b");
  object_set(both.before, value, "default", "nextval('public.t'::regclass)");
  object_set(both.after, child(both.table[1], both.after, "b"), "default",
             "nextval('public.u'::regclass)");
  expect(&both, RECORD, "renamed table u; renamed column Odd name");
}

static void test_swapped_columns_change_what_refers_to_them(void **state) {
  Sides both = sides();
  child(both.table[1], both.after, "a")->name = "tmp";
  child(both.table[1], both.after, "b")->name = "a";
  child(both.table[1], both.after, "tmp")->name = "b";
  built(both.before, KIND_INDEX, both.table[0], "i", 102)->definition =
      "CREATE INDEX i ON public.t USING btree (a)";
  built(both.after, KIND_INDEX, both.table[1], "i", 102)->definition =
      "CREATE INDEX i ON public.t USING btree (a)";
  expect(&both, RECORD, "renamed column b; renamed column a; changed index i");
}

static void test_a_renamed_schema_moves_nothing(void **state) {
  Sides both = sides();
  built(both.before, KIND_SCHEMA, NULL, "public", 2200)->schema = "";
  built(both.after, KIND_SCHEMA, NULL, "shop", 2200)->schema = "";
  both.table[1]->schema = "shop";
  expect(&both, RECORD "schema 2200 0 0 0 - \"public\"\n", "renamed schema shop");
}

static void test_a_moved_table_is_renamed(void **state) {
  Sides both = sides();
  both.table[1]->schema = "archive";
  expect(&both, RECORD, "renamed table t");
}

static Object *enum_with(Schema *schema, const char *const *values) {
  Object *type = built(schema, KIND_ENUM, NULL, "mood", 200);
  for (int32_t at = 0; values[at] != NULL; at++)
    built(schema, KIND_ENUM_VALUE, type, values[at], 900 + (uint32_t)at)->position = at + 1;
  return type;
}

static void test_order_of_an_enum_counts(void **state) {
  Sides both = sides();
  (void)enum_with(both.before, (const char *const[]){"x", "y", "z", NULL});
  (void)enum_with(both.after, (const char *const[]){"x", "new", "z", "y", NULL});
  expect(&both, NULL, "reordered type mood; added enum value new");
}

static void test_notes_are_no_difference_for_a_migration(void **state) {
  Sides both = sides();
  child(both.table[1], both.after, "a")->position = 9;
  schema_finish(both.before);
  schema_finish(both.after);
  AUTO(diff_free) Diff *diff = diff_compare(both.before, both.after, NULL);
  assert_int_equal(diff->count, 1);
  assert_false(diff_is_empty(diff));
  assert_true(diff_is_equivalent(diff));
  schema_free(both.before);
  schema_free(both.after);
}

static void test_what_goes_with_its_table_is_implied(void **state) {
  Sides both = sides();
  (void)built_column(both.after, built_table(both.after, "new", 101), "x", 1, "integer");
  schema_finish(both.before);
  schema_finish(both.after);
  AUTO(diff_free) Diff *diff = diff_compare(both.before, both.after, NULL);
  assert_int_equal(diff->count, 2);
  assert_false(diff->changes[0].is_implied);
  assert_true(diff->changes[1].is_implied);
  schema_free(both.before);
  schema_free(both.after);
}

static void test_owners_of_the_platform_are_one(void **state) {
  Sides both = sides();
  both.table[0]->owner = "bough_owner";
  both.table[1]->owner = "bough_u_jo";
  expect(&both, NULL, "");
  both = sides();
  both.table[0]->owner = "bough_owner";
  both.table[1]->owner = "alice";
  expect(&both, NULL, "changed table t");
}

/* ---- grants ---- */

static void expect_grants(ObjectKind kind, const char *grants, const char *expected) {
  AUTO(schema_free) Schema *schema = schema_new();
  Object *object = built(schema, kind, NULL, "x", 1);
  object->owner = "jo \"the\" boss";
  object->grants = grants;
  assert_string_equal(object_grants(&schema->arena, object), expected);
}

static void test_grants(void **state) {
#define OWNER "\\\"jo \\\"\\\"the\\\"\\\" boss\\\""
  expect_grants(KIND_TABLE, NULL, "");
  expect_grants(KIND_TABLE, "{\"" OWNER "=arwdDxt/" OWNER "\"}", "");
  expect_grants(KIND_TABLE, "{\"" OWNER "=arwdDxt/" OWNER "\",bough_u_x=r/x,reader=r*w/x,=a/x}",
                "PUBLIC=a\nreader=r*w");
  expect_grants(KIND_TABLE, "{\"" OWNER "=r/" OWNER "\"}", "OWNER=r");
  expect_grants(KIND_FUNCTION, "{\"" OWNER "=X/" OWNER "\",=X/x}", "");
  expect_grants(KIND_FUNCTION, "{\"" OWNER "=X/" OWNER "\"}", "PUBLIC=");
  expect_grants(KIND_COLUMN, "{Reader=r/x}", "\"Reader\"=r");
  expect_grants(KIND_TABLE, "{}", "OWNER=");
}

/* ---- names ---- */

static void expect_identity(const Object *object, const char *expected) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  object_add_identity(&text, object);
  assert_string_equal(text.text, expected);
}

static void test_identities(void **state) {
  AUTO(schema_free) Schema *schema = schema_new();
  Object *table = built_table(schema, "order", 1);
  expect_identity(table, "public.\"order\"");
  expect_identity(built_column(schema, table, "a\"; drop table x; --", 1, "text"),
                  "public.\"order\".\"a\"\"; drop table x; --\"");
  expect_identity(built(schema, KIND_TRIGGER, table, "Größe", 2), "\"Größe\" ON public.\"order\"");
  Object *function = built(schema, KIND_FUNCTION, NULL, "f", 3);
  function->signature = "(integer)";
  expect_identity(function, "public.f(integer)");
}

static void test_base_takes_any_text(void **state) {
  static const char *const records[] = {
      "",
      "\n\n",
      "database",
      "column",
      "database 5 \"app",
      "database 5 \"app\"\ncolumn",
      "database 5 \"app\"\ncolumn x y\nrelation 99999999999999 0"};
  for (size_t at = 0; at < ARRAY_LENGTH(records); at++)
    base_free(base_parse(records[at], "app"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same),
      cmocka_unit_test(test_renames_are_known_by_number),
      cmocka_unit_test(test_renames_are_guessed_without_a_base),
      cmocka_unit_test(test_guesses_need_one_candidate),
      cmocka_unit_test(test_both_added_a_column),
      cmocka_unit_test(test_both_made_a_table),
      cmocka_unit_test(test_old_name_taken_by_a_new_table),
      cmocka_unit_test(test_dropped_and_made_anew),
      cmocka_unit_test(test_column_made_anew_is_last),
      cmocka_unit_test(test_new_numbers_mean_nothing_without_data),
      cmocka_unit_test(test_type_changes_with_the_name),
      cmocka_unit_test(test_texts_follow_renames),
      cmocka_unit_test(test_swapped_columns_change_what_refers_to_them),
      cmocka_unit_test(test_a_renamed_schema_moves_nothing),
      cmocka_unit_test(test_a_moved_table_is_renamed),
      cmocka_unit_test(test_order_of_an_enum_counts),
      cmocka_unit_test(test_notes_are_no_difference_for_a_migration),
      cmocka_unit_test(test_what_goes_with_its_table_is_implied),
      cmocka_unit_test(test_owners_of_the_platform_are_one),
      cmocka_unit_test(test_grants),
      cmocka_unit_test(test_identities),
      cmocka_unit_test(test_base_takes_any_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
