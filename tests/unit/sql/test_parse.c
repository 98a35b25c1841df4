/* Scripts cut into parts, where errors are, and what is too much. */
#include "core/str.h"
#include "sql/sql.h"
#include "sql/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static SqlScript *parse(const char *text) {
  SqlScript *script = NULL;
  Error err = ERROR_INIT;
  if (!sql_parse(text, strlen(text), &script, &err))
    fail_msg("%s", err.message);
  return script;
}

/* The parts joined by "|", each with a letter for its kind in front; a part that has an error gets
 * an exclamation mark. */
static void expect_parts(const char *text, const char *expected) {
  AUTO(sql_free) SqlScript *script = parse(text);
  AUTO_RELEASE(buffer_release) Buffer found = {0};
  buffer_add_text(&found, "");
  for (size_t at = 0; at < script->count; at++) {
    const SqlPart *part = &script->parts[at];
    AUTO(str_free) char *piece = sql_part_text(script, part);
    buffer_add_format(&found, "%s%c%s%s", at > 0 ? "|" : "", "smd"[part->kind],
                      part -> error != NULL ? "!" : "", piece);
  }
  assert_string_equal(found.text, expected);
}

static void test_parts(void **state) {
  expect_parts("", "");
  expect_parts(" -- nothing\n/* here /* nested */ */;;", "");
  expect_parts("select 1", "sselect 1");
  expect_parts("select 1; select 2 ;", "sselect 1|sselect 2");
  expect_parts("\xEF\xBB\xBFselect 1;", "sselect 1");
  expect_parts("select ';', \"a\"\";\" from t /* ; */; select $$;$$, $x$;$$;$x$",
               "sselect ';', \"a\"\";\" from t|sselect $$;$$, $x$;$$;$x$");
  expect_parts("select E'\\';', 'it''s;'; select 1", "sselect E'\\';', 'it''s;'|sselect 1");
  expect_parts("select U&'d\\0061;', b'1', $1;", "sselect U&'d\\0061;', b'1', $1");
  expect_parts("create rule r as on insert to t do (select 1; select 2); select 3",
               "screate rule r as on insert to t do (select 1; select 2)|sselect 3");
}

static void test_bodies(void **state) {
  expect_parts("create function f() returns int begin atomic select 1; select case when true then "
               "1 else 2 end; end; select 3",
               "screate function f() returns int begin atomic select 1; select case when true then "
               "1 else 2 end; end|sselect 3");
  expect_parts("create or replace procedure p() begin atomic end; begin; commit;",
               "screate or replace procedure p() begin atomic end|sbegin|scommit");
}

static void test_dumps(void **state) {
  expect_parts("\\set x 1\nselect 1;\n\\connect app\n", "m\\set x 1|sselect 1|m\\connect app");
  expect_parts("select 1 \\gset\nselect 2;", "sselect 1|m\\gset|sselect 2");
  expect_parts("copy t (a) from stdin;\n1;'\n2\\n\n\\.\nselect 1;",
               "scopy t (a) from stdin|d1;'\n2\\n\n|sselect 1");
  expect_parts("COPY t FROM\n stdin WITH (FORMAT csv); -- then\r\n1\r\n\\.\r\nselect 1;",
               "sCOPY t FROM\n stdin WITH (FORMAT csv)|d1\r\n|sselect 1");
  expect_parts("copy t from stdin;\n1\n", "scopy t from stdin|d1\n");
  expect_parts("copy t from stdin;\n\\.\n", "scopy t from stdin|d");
  expect_parts("copy (select 1 from stdin) to stdout; select 1;",
               "scopy (select 1 from stdin) to stdout|sselect 1");
}

static void test_errors(void **state) {
  expect_parts("select 1; selec 2; select 3", "sselect 1|s!selec 2|sselect 3");
  expect_parts("select 'open; select 2", "s!select 'open; select 2");
  expect_parts("select (1; select 2", "s!select (1; select 2");
  AUTO(sql_free)
  SqlScript *script = parse("select 1;\n-- \xC3\xA4\n select '\xC3\xB6\xC3\xBC' fron t where;");
  const SqlPart *part = &script->parts[1];
  assert_int_equal(part->position.line, 3);
  assert_int_equal(part->position.column, 2);
  assert_string_equal(part->error, "syntax error at or near \"t\"");
  assert_int_equal(part->error_position.line, 3);
  assert_int_equal(part->error_position.column, 19);
  assert_null(part->tree);
  assert_int_equal(part->flags, 0);
  Error err = ERROR_INIT;
  assert_false(sql_check(script, &err));
  assert_string_equal(err.message, "line 3, column 19: syntax error at or near \"t\"");
}

static void test_comments(void **state) {
  AUTO(sql_free) SqlScript *script = parse("select 1; -- one\n  /* two */ select '--no';");
  assert_int_equal(script->comment_count, 2);
  assert_int_equal(script->comments[0].length, 6);
  assert_int_equal(script->comments[1].position.line, 2);
  assert_int_equal(script->comments[1].position.column, 3);
  assert_memory_equal(script->text + script->comments[1].start, "/* two */", 9);
}

static void expect_refused(const char *text, size_t length, ErrorCode code) {
  SqlScript *script = NULL;
  Error err = ERROR_INIT;
  assert_false(sql_parse(text, length, &script, &err));
  assert_int_equal(err.code, code);
  assert_null(script);
}

static void test_bytes(void **state) {
  expect_refused("select \0 1", 10, ERROR_USAGE);
  expect_refused("select '\xFF'", 9, ERROR_USAGE);
  expect_refused("select '\xC3", 9, ERROR_USAGE);
  AUTO(str_free) char *large = mem_new(SQL_TEXT_LIMIT + 2, 1);
  memset(large, ' ', SQL_TEXT_LIMIT + 1);
  expect_refused(large, SQL_TEXT_LIMIT + 1, ERROR_TOO_LARGE);
}

static char *repeat(const char *start, const char *piece, int count, const char *end) {
  Buffer text = {0};
  buffer_add_text(&text, start);
  for (int at = 0; at < count; at++)
    buffer_add_text(&text, piece);
  buffer_add_text(&text, end);
  return buffer_steal(&text);
}

/* What would nest a hundred thousand levels is refused before the parser recurses into it. */
static void test_depth(void **state) {
  static const struct {
    const char *start, *piece, *end;
  } rows[] = {
      {"select 1", "+1", ""},
      {"select ", "- ", "1"},
      {"select ", "not ", "true"},
      {"select 1", "::int", ""},
      {"select true", " is null", ""},
      {"select ", "f(", ""},
      {"select ", "f(1, ", ""},
      {"select 1, 2", " union select 1, 2", ""},
      {"select 1, 2", " except all select 1, 2", ""},
      {"select * from a", " join b on true", ""},
      {"select ", "array[", ""},
      {"select ", "(select ", ""},
      {"select ", "case when 1 then 2 else ", ""},
      {"select 1 from ", "(((((a join ", ""},
      {"", "explain ", "select 1"},
      {"select a", " collate \"C\"", ""},
      {"select a", " between 1 and not a", ""},
      {"with a as (", "with a as (", ""},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    AUTO(str_free) char *text = repeat(rows[at].start, rows[at].piece, 30000, rows[at].end);
    AUTO(sql_free) SqlScript *script = parse(text);
    assert_int_equal(script->count, 1);
    assert_string_equal(script->parts[0].error, "the statement is nested too deeply to be parsed");
    AUTO(str_free) char *most = repeat(rows[at].start, rows[at].piece, 400, rows[at].end);
    AUTO(sql_free) SqlScript *fine = parse(most);
    assert_true(fine->parts[0].tree != NULL || fine->parts[0].error != NULL);
  }
}

static void test_wide(void **state) {
  AUTO(str_free) char *wide = repeat("insert into t values (1)", ", (1, 'a', 2 + 3)", 20000, ";");
  AUTO(sql_free) SqlScript *script = parse(wide);
  assert_non_null(script->parts[0].tree);
  AUTO(str_free) char *long_one = repeat("select '", "0123456789", 110000, "';");
  AUTO(sql_free) SqlScript *too_long = parse(long_one);
  assert_string_equal(too_long->parts[0].error, "the statement is too long to be parsed");
}

static bool count_columns(void *context, const ProtobufCMessage *message) {
  if (message->descriptor == &pg_query__column_ref__descriptor)
    (*(int *)context)++;
  return message->descriptor != &pg_query__sub_link__descriptor;
}

static void test_walk(void **state) {
  AUTO(sql_free)
  SqlScript *script = parse("select a, f(b, c) from t where d in (select e from u) order by f");
  int columns = 0;
  tree_walk_node(script->parts[0].tree, count_columns, &columns);
  assert_int_equal(columns, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts),  cmocka_unit_test(test_bodies),   cmocka_unit_test(test_dumps),
      cmocka_unit_test(test_errors), cmocka_unit_test(test_comments), cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_depth),  cmocka_unit_test(test_wide),     cmocka_unit_test(test_walk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
