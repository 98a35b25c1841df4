/* Silencing from within the file: "-- bough:ignore RULE[,RULE] reason" for the statement below or
 * around it, "-- bough:ignore-file RULE[,RULE] reason" for all of it. Without a reason nothing is
 * silenced and that is a finding; what was silenced stays in the report, with the reason. */
#include "lint/engine.h"

#include <ctype.h>
#include <string.h>

enum { NAME_SIZE = 64 };

static const char mark[] = "bough:ignore";
static const char file_mark[] = "bough:ignore-file";

/* One comment that silences. Text is borrowed from the script. */
typedef struct Silence {
  const char *rules; /* "a,b" */
  size_t rules_length;
  const char *reason;
  size_t reason_length;
  size_t offset; /* of the comment */
  size_t from;   /* bytes of the script that it is about */
  size_t to;
} Silence;

static size_t skip_blanks(const char *text, size_t at, size_t end) {
  while (at < end && isspace((unsigned char)text[at]))
    at++;
  return at;
}

static size_t skip_word(const char *text, size_t at, size_t end) {
  while (at < end && !isspace((unsigned char)text[at]))
    at++;
  return at;
}

/* The statement that the comment stands in, else the next one. */
static void find_range(const Lint *lint, Silence *silence) {
  const SqlScript *script = lint->script;
  silence->from = silence->to = script->length;
  for (size_t at = 0; at < script->count; at++) {
    const SqlPart *part = &script->parts[at];
    if (part->start + part->length > silence->offset) {
      silence->from = part->start;
      silence->to = part->start + part->length;
      return;
    }
  }
}

/* The words of a comment behind its mark; false when it isn't one that silences. */
static bool read_silence(const Lint *lint, const SqlComment *comment, Silence *ret) {
  const char *text = lint->script->text;
  bool is_block = text[comment->start] == '/';
  size_t end = comment->start + comment->length - (is_block && comment->length >= 4 ? 2 : 0);
  size_t word = skip_blanks(text, comment->start + 2, end);
  size_t word_end = skip_word(text, word, end);
  size_t length = word_end - word;
  bool is_file = length == strlen(file_mark) && memcmp(text + word, file_mark, length) == 0;
  bool is_one = length == strlen(mark) && memcmp(text + word, mark, length) == 0;
  if (!is_file && !is_one)
    return false;
  size_t rules = skip_blanks(text, word_end, end);
  size_t rules_end = skip_word(text, rules, end);
  size_t reason = skip_blanks(text, rules_end, end);
  while (end > reason && isspace((unsigned char)text[end - 1]))
    end--;
  *ret = (Silence){.rules = text + rules,
                   .rules_length = rules_end - rules,
                   .reason = text + reason,
                   .reason_length = end - reason,
                   .offset = comment->start,
                   .to = lint->script->length + 1};
  if (is_one)
    find_range(lint, ret);
  return true;
}

static size_t silence_rule(Lint *lint, const Silence *silence, const LintRule *rule,
                           size_t findings) {
  SqlPosition from = sql_position(lint->script, silence->from);
  SqlPosition to = sql_position(lint->script, silence->to);
  size_t count = 0;
  for (size_t at = lint->first; at < findings; at++) {
    LintFinding *finding = &lint->report->findings[at];
    bool behind =
        finding->line > from.line || (finding->line == from.line && finding->column >= from.column);
    bool before =
        finding->line < to.line || (finding->line == to.line && finding->column <= to.column);
    if (finding->rule != rule || !behind || !before)
      continue;
    count++;
    if (finding->silenced == NULL)
      finding->silenced = str_ndup(silence->reason, silence->reason_length);
  }
  return count;
}

static void apply_name(Lint *lint, const Silence *silence, const char *name, size_t findings) {
  const LintRule *rule = lint_rule_by_name(name);
  char text[256];
  if (rule == NULL) {
    (void)snprintf(text, sizeof(text), "there is no rule \"%s\" to ignore", name);
    finding_add(lint, &rule_ignore_unknown, silence->offset, text);
  } else if (silence->reason_length == 0) {
    (void)snprintf(text, sizeof(text), "%s is ignored without a reason, so it isn't", name);
    finding_add(lint, &rule_ignore_reason, silence->offset, text);
  } else if (silence_rule(lint, silence, rule, findings) == 0) {
    (void)snprintf(text, sizeof(text), "%s finds nothing here that is to be ignored", name);
    finding_add(lint, &rule_ignore_unused, silence->offset, text);
  }
}

static void apply(Lint *lint, const Silence *silence, size_t findings) {
  size_t at = 0;
  if (silence->rules_length == 0)
    finding_add(lint, &rule_ignore_unknown, silence->offset, "no rule is named");
  while (at < silence->rules_length) {
    char name[NAME_SIZE] = "";
    const char *comma = memchr(silence->rules + at, ',', silence->rules_length - at);
    size_t length =
        comma == NULL ? silence->rules_length - at : (size_t)(comma - silence->rules) - at;
    memcpy(name, silence->rules + at, length < NAME_SIZE ? length : NAME_SIZE - 1);
    if (length > 0)
      apply_name(lint, silence, name, findings);
    at += length + 1;
  }
}

void ignore_apply(Lint *lint) {
  size_t findings = lint->report->count;
  for (size_t at = 0; at < lint->script->comment_count; at++) {
    Silence silence;
    if (read_silence(lint, &lint->script->comments[at], &silence))
      apply(lint, &silence, findings);
  }
}
