/* Findings: where they are kept, as JSON and as the lines that people read. */
#include "lint/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 512 };

void finding_add(Lint *lint, const LintRule *rule, size_t offset, const char *text) {
  LintReport *report = lint->report;
  if (report->count >= LINT_FINDINGS_LIMIT)
    return;
  if (report->count == report->capacity) {
    report->capacity = report->capacity * 2 + 16;
    report->findings = mem_resize(report->findings, report->capacity, sizeof(LintFinding));
  }
  SqlPosition position = sql_position(lint->script, offset);
  report->findings[report->count++] = (LintFinding){.file = str_dup(lint->input->file),
                                                    .line = position.line,
                                                    .column = position.column,
                                                    .rule = rule,
                                                    .severity = rule->severity,
                                                    .text = str_dup(text)};
}

/* A file without statements has its first byte. */
static size_t place(const Lint *lint, int location) {
  if (lint->script->count == 0)
    return 0;
  size_t at = lint->at < lint->script->count ? lint->at : lint->script->count - 1;
  const SqlPart *part = &lint->script->parts[at];
  bool within = location > 0 && (size_t)location < part->length;
  return part->start + (within ? (size_t)location : 0);
}

void lint_find(Lint *lint, int location, const char *format, ...) {
  char text[TEXT_SIZE];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  finding_add(lint, lint->rule, place(lint, location), text);
}

void lint_report_release(LintReport *report) {
  for (size_t at = 0; at < report->count; at++) {
    str_free(report->findings[at].file);
    str_free(report->findings[at].text);
    str_free(report->findings[at].silenced);
  }
  mem_free(report->findings);
  *report = (LintReport){0};
}

static const char *severity_name(const LintFinding *finding) {
  return finding->severity == LINT_ERROR ? "error" : "warning";
}

static json_t *finding_to_json(const LintFinding *finding) {
  json_t *object = json_object();
  json_object_set_new(object, "file", json_line(finding->file));
  json_object_set_new(object, "line", json_integer(finding->line));
  json_object_set_new(object, "column", json_integer(finding->column));
  json_object_set_new(object, "rule", json_string(finding->rule->name));
  json_object_set_new(object, "severity", json_string(severity_name(finding)));
  json_object_set_new(object, "text", json_line(finding->text));
  json_object_set_new(object, "why", json_string(finding->rule->why));
  json_object_set_new(object, "instead", json_string(finding->rule->instead));
  if (finding->rule->refactoring != NULL)
    json_object_set_new(object, "refactoring", json_string(finding->rule->refactoring));
  if (finding->silenced != NULL)
    json_object_set_new(object, "silenced", json_line(finding->silenced));
  return object;
}

json_t *lint_report_to_json(const LintReport *report) {
  json_t *findings = json_array();
  for (size_t at = 0; at < report->count; at++)
    json_array_append_new(findings, finding_to_json(&report->findings[at]));
  json_t *object = json_object();
  json_object_set_new(object, "files", json_integer((json_int_t)report->files));
  json_object_set_new(object, "errors", json_integer((json_int_t)report->errors));
  json_object_set_new(object, "warnings", json_integer((json_int_t)report->warnings));
  json_object_set_new(object, "silenced", json_integer((json_int_t)report->silenced));
  json_object_set_new(object, "findings", findings);
  return object;
}

static void render_finding(const json_t *finding, bool explain, Buffer *ret) {
  const char *silenced = json_string_or(finding, "silenced", NULL);
  const char *severity = json_string_or(finding, "severity", "");
  buffer_add_format(ret, "%s:%lld:%lld: %s: %s [%s]\n", json_string_or(finding, "file", ""),
                    (long long)json_integer_or(finding, "line", 0),
                    (long long)json_integer_or(finding, "column", 0),
                    silenced != NULL ? "silenced" : severity, json_string_or(finding, "text", ""),
                    json_string_or(finding, "rule", ""));
  if (silenced != NULL) {
    buffer_add_format(ret, "    reason: %s\n", silenced);
    return;
  }
  if (!explain)
    return;
  buffer_add_format(ret, "    why: %s\n    instead: %s\n", json_string_or(finding, "why", ""),
                    json_string_or(finding, "instead", ""));
  const char *refactoring = json_string_or(finding, "refactoring", NULL);
  if (refactoring != NULL)
    buffer_add_format(ret, "    refactoring: %s\n", refactoring);
}

static void render_count(const json_t *report, const char *key, const char *singular,
                         const char *plural, Buffer *ret) {
  int64_t count = json_integer_or(report, key, 0);
  buffer_add_format(ret, "%lld %s", (long long)count, count == 1 ? singular : plural);
}

void lint_render_text(const json_t *report, bool explain, Buffer *ret) {
  size_t at = 0;
  json_t *finding = NULL;
  json_array_foreach(json_object_get(report, "findings"), at, finding) {
    render_finding(finding, explain, ret);
  }
  render_count(report, "files", "file: ", "files: ", ret);
  render_count(report, "errors", "error, ", "errors, ", ret);
  render_count(report, "warnings", "warning, ", "warnings, ", ret);
  render_count(report, "silenced", "silenced\n", "silenced\n", ret);
}
