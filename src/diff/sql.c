/* A difference as a migration: from the plan to a script or JSON. */
#include "diff/sql.h"

#include "diff/sql_build.h"

#include <string.h>

static void build_release(Build *build) {
  for (size_t at = 0; at < build->count; at++)
    str_free(build->nodes[at].moved_name);
  mem_free(build->nodes);
  mem_free(build->slots);
  mem_free(build->users);
  mem_free(build->stack);
}

/* By phase; within one the order stays. */
static void sort_phases(DiffSql *sql) {
  SqlStatement *sorted = mem_new(sql->count + 1, sizeof *sorted);
  size_t count = 0;
  for (int phase = 0; phase < SQL_PHASE_COUNT; phase++)
    for (size_t at = 0; at < sql->count; at++)
      if (sql->statements[at].phase == (SqlPhase)phase)
        sorted[count++] = sql->statements[at];
  mem_free(sql->statements);
  sql->statements = sorted;
}

/* A guess is nothing to build on, but whoever reads the migration should know of it. */
static void tell_guess(DiffSql *ret, const Change *change) {
  AUTO_RELEASE(buffer_release) Buffer note = {0};
  if ((kind_info(change->object_kind)->flags & KIND_DATA) == 0)
    return;
  sql_add(&note, "%O may be %O under a new name: then rename it instead", change->after,
          change->before);
  ret->guesses = mem_resize(ret->guesses, ret->guess_count + 1, sizeof *ret->guesses);
  ret->guesses[ret->guess_count++] = buffer_steal(&note);
}

static bool tell_guesses(DiffSql *ret, const Diff *diff) {
  bool has_guesses = false;
  for (size_t at = 0; at < diff->count; at++)
    if (diff->changes[at].kind == CHANGE_RENAMED && !diff->changes[at].is_certain) {
      tell_guess(ret, &diff->changes[at]);
      has_guesses = true;
    }
  return has_guesses;
}

/* Where a rename is guessed, what uses it looks unchanged; so such a diff is made again without. */
DiffSql *diff_sql_new(const Diff *diff, const Base *base, unsigned flags) {
  DiffSql *ret = mem_new(1, sizeof *ret);
  AUTO(diff_free) Diff *certain = NULL;
  if (tell_guesses(ret, diff))
    certain = diff_compare_certain(diff->before, diff->after, base);
  AUTO_RELEASE(build_release)
  Build build = {.diff = certain != NULL ? certain : diff, .flags = flags, .ret = ret};
  sql_plan_make(&build);
  order_write(&build);
  sort_phases(ret);
  return ret;
}

static void free_texts(char **texts, size_t count) {
  for (size_t at = 0; at < count; at++)
    str_free(texts[at]);
  mem_free(texts);
}

void diff_sql_free(DiffSql *sql) {
  if (sql == NULL)
    return;
  for (size_t at = 0; at < sql->count; at++) {
    str_free(sql->statements[at].text);
    str_free(sql->statements[at].note);
  }
  mem_free(sql->statements);
  free_texts(sql->findings, sql->finding_count);
  free_texts(sql->guesses, sql->guess_count);
  mem_free(sql);
}

/* ---- text ---- */

static const char *const phase_heads[] = {
    [SQL_FIRST] =
        "-- In transactions of their own: new labels can't be used where they are added.\n",
    [SQL_MAIN] = "BEGIN;\n"
                 "SET LOCAL check_function_bodies = off;\n"
                 "SET LOCAL search_path = pg_catalog, pg_temp;\n",
    [SQL_LAST] = "-- Outside of a transaction.\n",
};

static const char *const phase_tails[] = {
    [SQL_FIRST] = "\n",
    [SQL_MAIN] = "COMMIT;\n",
    [SQL_LAST] = "",
};

/* Nothing in a comment may end its line. */
static void add_comment(Buffer *text, const char *head, const char *line) {
  buffer_add_text(text, head);
  for (; *line != '\0'; line++) {
    char byte = (unsigned char)*line < ' ' ? ' ' : *line;
    buffer_add(text, &byte, 1);
  }
  buffer_add_text(text, "\n");
}

static void add_statement(Buffer *text, const SqlStatement *statement) {
  if (statement->note != NULL)
    add_comment(text, statement->is_destructive ? "-- destructive: " : "-- ", statement->note);
  buffer_add_text(text, statement->text);
  buffer_add_text(text, ";\n");
}

static void add_phase(Buffer *text, const DiffSql *sql, SqlPhase phase) {
  bool is_open = false;
  for (size_t at = 0; at < sql->count; at++) {
    if (sql->statements[at].phase != phase)
      continue;
    if (!is_open)
      buffer_add_text(text, phase_heads[phase]);
    is_open = true;
    add_statement(text, &sql->statements[at]);
  }
  if (is_open)
    buffer_add_text(text, phase_tails[phase]);
}

char *diff_sql_text(const DiffSql *sql) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "");
  for (size_t at = 0; at < sql->finding_count; at++)
    add_comment(&text, "-- not expressible: ", sql->findings[at]);
  for (size_t at = 0; at < sql->guess_count; at++)
    add_comment(&text, "-- guess: ", sql->guesses[at]);
  for (int phase = 0; phase < SQL_PHASE_COUNT; phase++)
    add_phase(&text, sql, (SqlPhase)phase);
  return buffer_steal(&text);
}

/* ---- JSON ---- */

static json_t *texts_json(char *const *texts, size_t count) {
  json_t *array = json_array();
  for (size_t at = 0; at < count; at++)
    (void)!json_array_append_new(array, json_string(texts[at])); /* fails out of memory only */
  return array;
}

json_t *diff_sql_json(const DiffSql *sql) {
  json_t *statements = json_array();
  for (size_t at = 0; at < sql->count; at++) {
    const SqlStatement *statement = &sql->statements[at];
    json_t *row = json_pack("{s:s, s:b, s:b, s:b, s:s?}", "sql", statement->text, "in_transaction",
                            statement->phase == SQL_MAIN, "destructive", statement->is_destructive,
                            "rewrite", statement->is_rewrite, "note", statement->note);
    (void)!json_array_append_new(statements, row);
  }
  return json_pack("{s:o, s:o, s:o}", "statements", statements, "not_expressible",
                   texts_json(sql->findings, sql->finding_count), "guesses",
                   texts_json(sql->guesses, sql->guess_count));
}
