/* What is written for people: nothing of a stranger's text is more than text, and each change that
 * costs something says so. */
#include "built.h"
#include "diff/impact.h"
#include "diff/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const RenderOptions options = {.before = "staging", .after = "feature", .database = "app"};

/* Ends quotations, tags, comments and lists, mentions, links, and talks to the terminal. */
static const char *const hostile[] = {
    "</code></summary><script>alert(1)</script>",
    "`code` **bold** _it_ ~~x~~ [a](http://evil.example) ![i](//evil.example/x.png)",
    "--> <!-- bough-diff sha256:0 -->",
    "@everyone #1 GH-1 www.evil.example http://evil.example",
    "line\n\n# heading\n- item\n</details>\n</pre>",
    "\033[2J\033]0;title\a\b\r",
    ("\xE2\x80\xAEgnp.txt \xC2\x9B"
     "31m \xEF\xBB\xBF"),
    "\xff\xfe\xc0\x80\xe2\x28",
    "| a | b |\n|---|---|",
    "&lt;script&gt; &#60;",
};

static Schema *schema_of(const char *text, bool is_after) {
  Schema *schema = schema_new();
  Object *table = built_table(schema, "t", 1);
  (void)built_column(schema, table, "id", 1, "integer");
  if (is_after) {
    table->comment = text;
    Object *column = built_column(schema, table, text, 2, text);
    object_set(schema, column, "default", text);
    Object *type = built(schema, KIND_ENUM, NULL, text, 3);
    (void)built(schema, KIND_ENUM_VALUE, type, text, 4);
    Object *function = built(schema, KIND_FUNCTION, NULL, "f", 5);
    function->signature = "()";
    object_set(schema, function, "body", text);
    object_set(schema, function, "security_definer", "t");
    Object *policy = built(schema, KIND_POLICY, table, text, 6);
    object_set(schema, policy, "using", text);
  } else {
    Object *function = built(schema, KIND_FUNCTION, NULL, "f", 5);
    function->signature = "()";
    object_set(schema, function, "body", "old");
  }
  schema_finish(schema);
  return schema;
}

static bool contains(const char *text, const char *part) {
  return strstr(text, part) != NULL;
}

/* The page without what the renderer itself writes. */
static void check_markdown(const char *page) {
  static const char *const never[] = {
      "<script", "`",        "**bold", "](",   "http:",        "www.", "@",
      "\n# ",    "\n- item", "GH-1",   "\033", "\xE2\x80\xAE", "|---", "bough-diff sha256:0"};
  for (size_t at = 0; at < ARRAY_LENGTH(never); at++)
    if (contains(page, never[at]))
      fail_msg("%s in:\n%s", never[at], page);
  size_t opened = 0;
  size_t closed = 0;
  size_t comments = 0;
  for (const char *at = page; *at != '\0'; at++) {
    opened += str_starts(at, "<details>") ? 1 : 0;
    closed += str_starts(at, "</details>") ? 1 : 0;
    comments += str_starts(at, "<!--") || str_starts(at, "-->") ? 1 : 0;
  }
  assert_int_equal(opened, closed);
  assert_int_equal(comments, 2); /* the digest's */
}

static void check_terminal(const char *page) {
  for (const char *c = page; *c != '\0'; c++)
    assert_true((unsigned char)*c >= 0x20 || *c == '\n');
  assert_false(contains(page, "\xE2\x80\xAE"));
  assert_false(contains(page, "\xC2\x9B"));
}

static void test_hostile_texts(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(hostile); at++) {
    AUTO(schema_free) Schema *before = schema_of("x", false);
    AUTO(schema_free) Schema *after = schema_of(hostile[at], true);
    AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
    AUTO(str_free) char *markdown = render_markdown(diff, &options);
    AUTO(str_free) char *text = render_text(diff, &options);
    AUTO(json_free) json_t *json = render_json(diff, &options);
    check_markdown(markdown);
    check_terminal(text);
    assert_non_null(json);
    assert_true(contains(text, "Rights"));
  }
}

static void test_nothing_for_nothing(void **state) {
  AUTO(schema_free) Schema *before = schema_of("x", false);
  AUTO(schema_free) Schema *after = schema_of("x", false);
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  AUTO(str_free) char *markdown = render_markdown(diff, &options);
  AUTO(json_free) json_t *json = render_json(diff, &options);
  assert_string_equal(markdown, "");
  assert_true(json_is_true(json_object_get(json, "same")));
}

static char *page_for(const char *comment) {
  AUTO(schema_free) Schema *before = schema_of("x", false);
  AUTO(schema_free) Schema *after = schema_of(comment, true);
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  return render_markdown(diff, &options);
}

static void test_digest(void **state) {
  AUTO(str_free) char *first = page_for("one");
  AUTO(str_free) char *again = page_for("one");
  AUTO(str_free) char *other = page_for("two");
  assert_true(str_starts(first, "<!-- bough-diff sha256:"));
  assert_string_equal(first, again);
  assert_true(strncmp(first, other, strcspn(first, "\n")) != 0);
}

static void test_long_pages_end(void **state) {
  AUTO(schema_free) Schema *before = schema_new();
  AUTO(schema_free) Schema *after = schema_new();
  for (int at = 0; at < 3000; at++) {
    Object *table =
        built_table(after, arena_format(&after->arena, "table_%d", at), 100 + (uint32_t)at);
    (void)built_column(after, table, "id", 1, "integer");
  }
  schema_finish(before);
  schema_finish(after);
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  AUTO(str_free) char *markdown = render_markdown(diff, &options);
  assert_true(strlen(markdown) < 65536);
  assert_true(contains(markdown, "too much for one comment"));
}

/* ---- what it costs ---- */

static unsigned effects_of_type(const char *from, const char *to) {
  AUTO(schema_free) Schema *before = schema_new();
  AUTO(schema_free) Schema *after = schema_new();
  (void)built_column(before, built_table(before, "t", 1), "c", 1, from);
  (void)built_column(after, built_table(after, "t", 1), "c", 1, to);
  schema_finish(before);
  schema_finish(after);
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  assert_int_equal(diff->count, 1);
  Impact impacts[IMPACT_LIMIT];
  unsigned effects = 0;
  for (size_t left = impact_of(diff, &diff->changes[0], impacts); left > 0; left--)
    effects |= impacts[left - 1].effects;
  return effects;
}

static void test_types(void **state) {
  static const struct {
    const char *from, *to;
    unsigned effects;
  } types[] = {
      {"character varying(10)", "character varying(20)", 0},
      {"character varying(10)", "character varying", 0},
      {"character varying(10)", "text", 0},
      {"text", "character varying", 0},
      {"cidr", "inet", 0},
      {"numeric(10,2)", "numeric(12,2)", 0},
      {"numeric(10,2)", "numeric", 0},
      {"character varying(20)", "character varying(10)", IMPACT_REWRITE | IMPACT_DESTRUCTIVE},
      {"text", "character varying(10)", IMPACT_REWRITE | IMPACT_DESTRUCTIVE},
      {"numeric(10,2)", "numeric(12,4)", IMPACT_REWRITE},
      {"numeric(10,4)", "numeric(12,2)", IMPACT_REWRITE | IMPACT_DESTRUCTIVE},
      {"integer", "bigint", IMPACT_REWRITE},
      {"bigint", "integer", IMPACT_REWRITE | IMPACT_DESTRUCTIVE},
      {"double precision", "real", IMPACT_REWRITE | IMPACT_DESTRUCTIVE},
      {"integer", "text", IMPACT_REWRITE},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(types); at++)
    if (effects_of_type(types[at].from, types[at].to) != types[at].effects)
      fail_msg("%s -> %s: %u", types[at].from, types[at].to,
               effects_of_type(types[at].from, types[at].to));
}

static unsigned effects_of_default(const char *value) {
  AUTO(schema_free) Schema *before = schema_new();
  AUTO(schema_free) Schema *after = schema_new();
  (void)built_table(before, "t", 1);
  Object *column = built_column(after, built_table(after, "t", 1), "c", 1, "text");
  object_set(after, column, "default", value);
  schema_finish(before);
  schema_finish(after);
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  Impact impacts[IMPACT_LIMIT];
  return impact_of(diff, &diff->changes[0], impacts) > 0 ? impacts[0].effects : 0;
}

static void test_defaults(void **state) {
  assert_int_equal(effects_of_default("0"), 0);
  assert_int_equal(effects_of_default("now()"), 0);
  assert_int_equal(effects_of_default("'x'::character varying(3)"), 0);
  assert_int_equal(effects_of_default("((1 + 2) * 3)"), 0);
  assert_int_equal(effects_of_default("random()"), IMPACT_REWRITE);
  assert_int_equal(effects_of_default("gen_random_uuid()"), IMPACT_REWRITE);
  assert_int_equal(effects_of_default("clock_timestamp()"), IMPACT_REWRITE);
  assert_int_equal(effects_of_default("public.mine(1)"), IMPACT_REWRITE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_nothing_for_nothing),
      cmocka_unit_test(test_digest),        cmocka_unit_test(test_long_pages_end),
      cmocka_unit_test(test_types),         cmocka_unit_test(test_defaults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
