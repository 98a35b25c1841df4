/* Migrations of schemas built by hand: order, renames that are certain and that are guessed, enum
 * labels, quoting, and what notes and findings may not do. The oracle tries the rest on a server.
 */
#include "built.h"

#include "diff/sql.h"
#include "diff/sql_acl.h"
#include "diff/sql_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct Sides {
  Schema *before, *after;
} Sides;

static Sides sides(void) {
  return (Sides){schema_new(), schema_new()};
}

/* The script; owned. */
static char *script_of(Sides *both, const char *record, unsigned flags) {
  schema_finish(both->before);
  schema_finish(both->after);
  AUTO(base_free) Base *base = record != NULL ? base_parse(record, "app") : NULL;
  AUTO(diff_free) Diff *diff = diff_compare(both->before, both->after, base);
  AUTO(diff_sql_free) DiffSql *sql = diff_sql_new(diff, base, flags);
  char *text = diff_sql_text(sql);
  schema_free(both->before);
  schema_free(both->after);
  return text;
}

#define HEAD                                                                                       \
  "BEGIN;\nSET LOCAL check_function_bodies = off;\nSET LOCAL search_path = pg_catalog, pg_temp;\n"

static void expect(Sides *both, const char *record, const char *expected) {
  AUTO(str_free) char *text = script_of(both, record, 0);
  assert_string_equal(text, expected);
}

static void test_nothing(void **state) {
  Sides both = sides();
  (void)built_column(both.before, built_table(both.before, "t", 100), "a", 1, "integer");
  (void)built_column(both.after, built_table(both.after, "t", 100), "a", 1, "integer");
  expect(&both, NULL, "");
}

static void test_certain_rename(void **state) {
  Sides both = sides();
  (void)built_column(both.before, built_table(both.before, "t", 100), "a", 1, "integer");
  (void)built_column(both.after, built_table(both.after, "Order", 100), "b;", 1, "integer");
  expect(&both,
         "database 16385 \"app\"\nrelation 100 0 0 2200 r \"t\"\ncolumn 100 1 100 0 - \"a\"\n",
         HEAD "ALTER TABLE public.t RENAME TO \"Order\";\n"
              "ALTER TABLE public.\"Order\" RENAME COLUMN a TO \"b;\";\nCOMMIT;\n");
}

static void test_guessed_rename(void **state) {
  Sides both = sides();
  (void)built_column(both.before, built_table(both.before, "t", 100), "a", 1, "integer");
  (void)built_column(both.after, built_table(both.after, "u", 101), "a", 1, "integer");
  expect(&both, NULL,
         "-- guess: public.u may be public.t under a new name: then rename it instead\n" HEAD
         "-- destructive: what it holds is gone\nDROP TABLE public.t;\n"
         "CREATE TABLE public.u (\n    a integer\n);\nCOMMIT;\n");
}

/* A line end in a name ends no comment, and so begins no statement. */
static void test_names_stay_in_their_comments(void **state) {
  Sides both = sides();
  (void)built_column(both.before, built_table(both.before, "t\nDROP TABLE x; --", 100), "a", 1,
                     "integer");
  (void)built_column(both.after, built_table(both.after, "u\rDROP TABLE x; --", 101), "a", 1,
                     "integer");
  AUTO(str_free) char *text = script_of(&both, NULL, 0);
  assert_null(strstr(text, "\r-"));
  const char *guess = strstr(text, "-- guess: ");
  assert_non_null(guess);
  assert_true(strcspn(guess, "\n") > strlen("-- guess: \"u DROP TABLE x; --\" may be"));
  assert_null(memchr(guess, '\r', strcspn(guess, "\n")));
  assert_non_null(strstr(text, "DROP TABLE public.\"t\nDROP TABLE x; --\";\n"));
}

static void add_enum(Schema *schema, const char *const *labels, size_t count) {
  Object *type = built(schema, KIND_ENUM, NULL, "mood", 200);
  for (size_t at = 0; at < count; at++) {
    Object *label = built(schema, KIND_ENUM_VALUE, type, labels[at], 300 + (uint32_t)at);
    label->position = (int32_t)at + 1;
  }
}

static void test_enum_grows_first(void **state) {
  static const char *const few[] = {"b", "d"};
  static const char *const many[] = {"a'; --", "b", "c\\", "d", "e"};
  Sides both = sides();
  add_enum(both.before, few, ARRAY_LENGTH(few));
  add_enum(both.after, many, ARRAY_LENGTH(many));
  expect(&both, NULL,
         "-- In transactions of their own: new labels can't be used where they are added.\n"
         "ALTER TYPE public.mood ADD VALUE 'a''; --' BEFORE 'b';\n"
         "ALTER TYPE public.mood ADD VALUE  E'c\\\\' AFTER 'b';\n"
         "ALTER TYPE public.mood ADD VALUE 'e' AFTER 'd';\n\n");
}

static void test_enum_reordered_is_made_anew(void **state) {
  static const char *const there[] = {"a", "b"};
  static const char *const back[] = {"b", "a"};
  Sides both = sides();
  add_enum(both.before, there, ARRAY_LENGTH(there));
  add_enum(both.after, back, ARRAY_LENGTH(back));
  expect(&both, NULL,
         HEAD "ALTER TYPE public.mood RENAME TO bough_old_1;\n"
              "CREATE TYPE public.mood AS ENUM ('b', 'a');\n"
              "DROP TYPE public.bough_old_1;\nCOMMIT;\n");
}

static void test_index_concurrently(void **state) {
  Sides both = sides();
  Schema *schemas[] = {both.before, both.after};
  for (size_t at = 0; at < 2; at++) {
    Object *table = built_table(schemas[at], "t", 100);
    (void)built_column(schemas[at], table, "a", 1, "integer");
    if (at == 0)
      continue;
    Object *index = built(schemas[at], KIND_INDEX, table, "i", 400);
    index->schema = "public";
    index->definition = "CREATE UNIQUE INDEX i ON public.t USING btree (a)";
  }
  AUTO(str_free) char *text = script_of(&both, NULL, DIFF_SQL_CONCURRENTLY);
  assert_string_equal(text, "-- Outside of a transaction.\n"
                            "CREATE UNIQUE INDEX CONCURRENTLY i ON public.t USING btree (a);\n");
}

static void test_type_change(void **state) {
  Sides both = sides();
  (void)built_column(both.before, built_table(both.before, "t", 100), "a", 1, "text");
  (void)built_column(both.after, built_table(both.after, "t", 100), "a", 1, "integer");
  expect(&both, NULL,
         HEAD "-- was text, converted by its text; fails where a value doesn't fit\n"
              "ALTER TABLE public.t ALTER COLUMN a TYPE integer USING a::integer;\nCOMMIT;\n");
}

static void test_json(void **state) {
  Sides both = sides();
  (void)built_table(both.before, "t", 100);
  schema_finish(both.before);
  schema_finish(both.after);
  AUTO(diff_free) Diff *diff = diff_compare(both.before, both.after, NULL);
  AUTO(diff_sql_free) DiffSql *sql = diff_sql_new(diff, NULL, 0);
  AUTO(json_free) json_t *json = diff_sql_json(sql);
  AUTO(str_free) char *text = json_text(json);
  assert_string_equal(text,
                      "{\"statements\":[{\"sql\":\"DROP TABLE public.t\",\"in_transaction\":true,"
                      "\"destructive\":true,\"rewrite\":false,\"note\":\"what it holds is gone\"}],"
                      "\"not_expressible\":[],\"guesses\":[]}");
  schema_free(both.before);
  schema_free(both.after);
}

static void test_acl(void **state) {
  AUTO_RELEASE(acl_release)
  Acl acl = acl_parse("{=r/o,\"\\\"a b\\\"\\\"c,}=\\\"=r*w/o\",x=U/\"odd role\"}");
  assert_int_equal(acl.count, 3);
  assert_null(acl.items[0].grantee);
  assert_string_equal(acl.items[1].grantee, "a b\"c,}=");
  assert_string_equal(acl.items[1].grantor, "o");
  assert_int_equal(acl.items[1].rights, 2 | 4);
  assert_int_equal(acl.items[1].options, 2);
  assert_string_equal(acl.items[2].grantor, "odd role");
}

/* Whatever text stands there: nothing is read behind its end. */
static void test_acl_cut_short(void **state) {
  static const char whole[] = "{=r/o,\"\\\"a b\\\"\\\"c\\\"=r*w/o\",x=U/\"odd role\"}";
  for (size_t length = 0; length < sizeof whole; length++) {
    AUTO(str_free) char *text = str_ndup(whole, length);
    AUTO_RELEASE(acl_release) Acl acl = acl_parse(text);
    assert_true(acl.count <= 3);
  }
}

static void test_options(void **state) {
  AUTO_RELEASE(options_release)
  SqlOptions options = options_parse("a='1', \"b \"\"c\"='it''s, x', d 'e', f= E'\\\\g'");
  assert_int_equal(options.count, 4);
  assert_string_equal(options_get(&options, "a"), "1");
  assert_string_equal(options_get(&options, "b \"c"), "it's, x");
  assert_string_equal(options_get(&options, "d"), "e");
  assert_null(options_get(&options, "g"));
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  options_add_difference(&sql, "a 'x', b 'y'", "b 'it''s', c 'z'");
  assert_string_equal(sql.text, "DROP a, SET b 'it''s', ADD c 'z'");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_certain_rename),
      cmocka_unit_test(test_guessed_rename),
      cmocka_unit_test(test_names_stay_in_their_comments),
      cmocka_unit_test(test_enum_grows_first),
      cmocka_unit_test(test_enum_reordered_is_made_anew),
      cmocka_unit_test(test_index_concurrently),
      cmocka_unit_test(test_type_change),
      cmocka_unit_test(test_json),
      cmocka_unit_test(test_acl),
      cmocka_unit_test(test_acl_cut_short),
      cmocka_unit_test(test_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
