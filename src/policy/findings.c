/* What is wrong in a policy file: a sorted list. */
#include "policy/findings.h"

#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void findings_add(PolicyFindings *findings, Place place, const char *expected, const char *format,
                  ...) {
  if (findings->count >= POLICY_FINDING_LIMIT)
    return;
  if (findings->count == findings->capacity) {
    findings->capacity = findings->capacity > 0 ? findings->capacity * 2 : 8;
    findings->items = mem_resize(findings->items, findings->capacity, sizeof *findings->items);
  }
  PolicyFinding *finding = &findings->items[findings->count++];
  va_list arguments;
  va_start(arguments, format);
  char message[512];
  (void)vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  *finding = (PolicyFinding){.line = place.line,
                             .column = place.column,
                             .message = str_dup(message),
                             .expected = str_dup(expected)};
}

static int compare(const void *a, const void *b) {
  const PolicyFinding *left = a;
  const PolicyFinding *right = b;
  if (left->line != right->line)
    return left->line < right->line ? -1 : 1;
  if (left->column != right->column)
    return left->column < right->column ? -1 : 1;
  int order = strcmp(left->message, right->message);
  return order != 0 ? order : strcmp(left->expected, right->expected);
}

static void finding_release(PolicyFinding *finding) {
  str_free(finding->message);
  str_free(finding->expected);
}

void findings_sort(PolicyFindings *findings) {
  size_t kept = 0;
  if (findings->count == 0)
    return;
  qsort(findings->items, findings->count, sizeof *findings->items, compare);
  for (size_t at = 1; at < findings->count; at++) {
    if (compare(&findings->items[kept], &findings->items[at]) == 0)
      finding_release(&findings->items[at]);
    else
      findings->items[++kept] = findings->items[at];
  }
  findings->count = kept + 1;
}

void policy_findings_release(PolicyFindings *findings) {
  for (size_t at = 0; at < findings->count; at++)
    finding_release(&findings->items[at]);
  mem_free(findings->items);
  *findings = (PolicyFindings){0};
}

json_t *policy_findings_json(const PolicyFindings *findings) {
  json_t *list = json_array();
  for (size_t at = 0; at < findings->count; at++) {
    const PolicyFinding *finding = &findings->items[at];
    (void)json_array_append_new(list,
                                json_pack("{s:i, s:i, s:o, s:o}", "line", finding->line, "column",
                                          finding->column, "message", json_line(finding->message),
                                          "expected", json_line(finding->expected)));
  }
  return list;
}

char *policy_findings_text(const PolicyFindings *findings, const char *file) {
  Buffer text = {0};
  buffer_add_text(&text, "");
  for (size_t at = 0; at < findings->count; at++) {
    const PolicyFinding *finding = &findings->items[at];
    buffer_add_format(&text, "%s:%d:%d: %s", file, finding->line, finding->column,
                      finding->message);
    if (finding->expected[0] != '\0')
      buffer_add_format(&text, " (expected %s)", finding->expected);
    buffer_add_text(&text, "\n");
  }
  return buffer_steal(&text);
}
