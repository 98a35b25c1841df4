/* The lines that psql writes: "psql:<stdin>:LINE: ERROR:  SQLSTATE: message", more about it, and
 * "psql:<stdin>:LINE: STATEMENT:  text", which may go on for many lines. A dump may forge such
 * lines by its notices; it can make its own import fail by that, and nothing else. */
#include "branch/verdict.h"

#include "branch/extension.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_LIMIT = 4096, TEXT_LIMIT = 2048, STATEMENT_SHOWN = 60, MESSAGE_SHOWN = 160 };

static const struct {
  Verdict verdict;
  const char *sqlstate, *beginning, *message;
} rules[] = {
#define VERDICT(name, sqlstate, beginning, message) {VERDICT_##name, sqlstate, beginning, message},
#include "branch/verdict.def"
#undef VERDICT
};

void verdict_report_release(VerdictReport *report) {
  for (size_t at = 0; at < VERDICT_COUNT_; at++)
    buffer_release(&report->examples[at]);
  buffer_release(&report->line);
  buffer_release(&report->message);
  buffer_release(&report->statement);
  json_free(report->roles);
  json_free(report->extensions);
  *report = (VerdictReport){0};
}

/* ---- judging ---- */

/* Copies the statement's beginning with single blanks and without comments before it. */
static void normalize(const char *statement, char *ret, size_t size) {
  size_t length = 0;
  for (const char *at = statement; *at != '\0' && length + 1 < size; at++) {
    if (length == 0 && at[0] == '-' && at[1] == '-') {
      at += strcspn(at, "\n");
      if (*at == '\0')
        break;
      continue;
    }
    bool blank = isspace((unsigned char)*at) != 0;
    if (!blank)
      ret[length++] = *at;
    else if (length > 0 && ret[length - 1] != ' ')
      ret[length++] = ' ';
  }
  ret[length] = '\0';
}

/* pattern: words that are compared without regard to case; "**" stands for any words. */
static bool begins_like(const char *statement, const char *pattern) {
  const char *gap = strstr(pattern, "** ");
  size_t head = gap != NULL ? (size_t)(gap - pattern) : strlen(pattern);
  if (strncasecmp(statement, pattern, head) != 0)
    return false;
  return gap == NULL || strcasestr(statement + head, gap + 2) != NULL;
}

Verdict verdict_of(const char *sqlstate, const char *statement, const char *message) {
  char text[TEXT_LIMIT];
  normalize(statement, text, sizeof text);
  for (size_t at = 0; at < ARRAY_LENGTH(rules); at++)
    if ((rules[at].sqlstate == NULL || str_equal(rules[at].sqlstate, sqlstate)) &&
        (rules[at].beginning == NULL || begins_like(text, rules[at].beginning)) &&
        (rules[at].message == NULL || strstr(message, rules[at].message) != NULL))
      return rules[at].verdict;
  return VERDICT_FAILED;
}

/* ---- what the verdicts need ---- */

enum { NAME_SIZE = 64 };

/* The identifier at *text, folded as PostgreSQL does; *text moves behind it. */
static bool take_identifier(const char **text, char ret[NAME_SIZE]) {
  bool quoted = **text == '"';
  const char *start = *text + (quoted ? 1 : 0);
  size_t length = strcspn(start, quoted ? "\"" : " ;");
  if (length == 0 || length >= NAME_SIZE)
    return false;
  for (size_t at = 0; at < length; at++)
    ret[at] = (char)(quoted ? start[at] : tolower((unsigned char)start[at]));
  ret[length] = '\0';
  *text = start + length + (quoted && start[length] == '"' ? 1 : 0);
  return true;
}

static bool take_words(const char **text, const char *words) {
  size_t length = strlen(words);
  if (strncasecmp(*text, words, length) != 0)
    return false;
  *text += length;
  return true;
}

static void add_role(VerdictReport *report, const char *name) {
  if (report->roles == NULL)
    report->roles = json_object();
  (void)json_object_set_new(report->roles, name, json_true());
}

/* role "NAME" does not exist, or CREATE ROLE NAME ... */
static void note_role(VerdictReport *report, const char *statement, const char *message) {
  char name[NAME_SIZE];
  const char *start = strstr(message, "role \"");
  if (start != NULL) {
    start += strlen("role ");
    if (take_identifier(&start, name))
      add_role(report, name);
    return;
  }
  if ((take_words(&statement, "CREATE ROLE ") || take_words(&statement, "CREATE USER ") ||
       take_words(&statement, "CREATE GROUP ")) &&
      take_identifier(&statement, name))
    add_role(report, name);
}

/* CREATE EXTENSION [IF NOT EXISTS] NAME [WITH] [SCHEMA SCHEMA]. False if the platform won't make
 * it. */
static bool note_extension(VerdictReport *report, const char *statement) {
  char name[NAME_SIZE];
  char schema[NAME_SIZE] = "public";
  if (!take_words(&statement, "CREATE EXTENSION "))
    return false;
  (void)take_words(&statement, "IF NOT EXISTS ");
  if (!take_identifier(&statement, name) || !extension_is_safe(name))
    return false;
  (void)take_words(&statement, " WITH");
  if (take_words(&statement, " SCHEMA "))
    (void)take_identifier(&statement, schema);
  if (report->extensions == NULL)
    report->extensions = json_object();
  json_t *those = json_object_get(report->extensions, report->database);
  if (those == NULL) {
    those = json_object();
    (void)json_object_set_new(report->extensions, report->database, those);
  }
  (void)json_object_set_new(those, name, json_string(schema));
  return true;
}

static void judge(VerdictReport *report) {
  if (!report->open)
    return;
  const char *statement = report->statement.text != NULL ? report->statement.text : "";
  const char *message = report->message.text != NULL ? report->message.text : "";
  char shown[TEXT_LIMIT];
  normalize(statement, shown, sizeof shown);
  Verdict verdict = verdict_of(report->sqlstate, shown, message);
  if (verdict == VERDICT_ROLE)
    note_role(report, shown, message);
  if (verdict == VERDICT_SUPERUSER && note_extension(report, shown))
    verdict = VERDICT_MADE;
  if (report->counts[verdict]++ < VERDICT_EXAMPLES)
    buffer_add_format(&report->examples[verdict], "%s%s line %lld: %.*s%s%.*s",
                      report->examples[verdict].length > 0 ? "; " : "", report->file,
                      (long long)(report->at_line + report->line_offset), STATEMENT_SHOWN, shown,
                      shown[0] != '\0' ? ": " : "", MESSAGE_SHOWN, message);
  report->open = report->in_statement = false;
}

/* ---- reading ---- */

static void begin_error(VerdictReport *report, int64_t line, const char *sqlstate,
                        const char *text) {
  judge(report);
  report->open = true;
  report->at_line = line;
  (void)snprintf(report->sqlstate, sizeof report->sqlstate, "%.5s", sqlstate);
  buffer_clear(&report->message);
  buffer_clear(&report->statement);
  buffer_add_text(&report->message, text);
}

/* What stands behind "psql:<stdin>:LINE: ". */
static void read_report(VerdictReport *report, int64_t line, const char *text) {
  static const char *const severities[] = {"ERROR:  ", "FATAL:  ", "PANIC:  "};
  for (size_t at = 0; at < ARRAY_LENGTH(severities); at++) {
    size_t length = strlen(severities[at]);
    if (str_starts(text, severities[at]) && strlen(text) > length + 7 && text[length + 5] == ':') {
      begin_error(report, line, text + length, text + length + 7);
      return;
    }
  }
  if (str_starts(text, "error: ")) {
    bool is_command = strchr(text, '\\') != NULL;
    begin_error(report, line, is_command ? "meta" : "", text + strlen("error: "));
  } else if (str_starts(text, "STATEMENT:  ") && report->open) {
    report->in_statement = true;
    buffer_add_text(&report->statement, text + strlen("STATEMENT:  "));
  } else {
    judge(report); /* a notice: what came before is over */
  }
}

static void read_line(VerdictReport *report, const char *line) {
  static const char prefix[] = "psql:<stdin>:";
  if (str_starts(line, prefix)) {
    char *rest = NULL;
    int64_t number = strtoll(line + strlen(prefix), &rest, 10);
    if (str_starts(rest, ": ")) {
      read_report(report, number, rest + 2);
      return;
    }
  }
  if (str_starts(line, "psql: error: "))
    begin_error(report, 0, "", line + strlen("psql: error: "));
  else if (report->in_statement && report->statement.length < TEXT_LIMIT)
    buffer_add_format(&report->statement, "\n%s", line);
}

void verdict_feed(VerdictReport *report, const char *bytes, size_t length) {
  for (size_t at = 0; at < length; at++) {
    if (bytes[at] == '\n') {
      read_line(report, report->line.text != NULL ? report->line.text : "");
      buffer_clear(&report->line);
    } else if (report->line.length < LINE_LIMIT && bytes[at] != '\0') {
      buffer_add(&report->line, &bytes[at], 1);
    }
  }
}

void verdict_finish(VerdictReport *report) {
  if (report->line.length > 0)
    read_line(report, report->line.text);
  buffer_clear(&report->line);
  judge(report);
}

bool verdict_check(const VerdictReport *report, const VerdictRefusal *refusals, size_t count,
                   Error *err) {
  for (size_t at = 0; at < count; at++) {
    const VerdictRefusal *refusal = &refusals[at];
    if (report->counts[refusal->verdict] == 0)
      continue;
    (void)error_set(err, refusal->code, "%s (%lld): %s", refusal->message,
                    (long long)report->counts[refusal->verdict],
                    report->examples[refusal->verdict].text);
    return error_hint(err, "%s", refusal->hint);
  }
  return true;
}
