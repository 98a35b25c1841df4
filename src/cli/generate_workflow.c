/* docs/workflow-table.md: the workflow's table as a diagram, as rows, with its refusals; and what
 * doctor finds. */
#include "cli/generate.h"
#include "core/str.h"

#include <stdio.h>

typedef struct State {
  const char *name, *text, *meaning;
} State;

static const State states[] = {
#define SCM_STATE(name, text, meaning) {#name, (text), (meaning)},
#include "scm/states.def"
#undef SCM_STATE
};

static const State events[] = {
#define SCM_EVENT(name, text, meaning) {#name, (text), (meaning)},
#include "scm/states.def"
#undef SCM_EVENT
};

static const struct {
  const char *from, *event, *guard, *action, *next, *comment;
} moves[] = {
#define SCM_MOVE(state, event, guard, action, next, comment)                                       \
  {#state, #event, #guard, #action, #next, (comment)},
#include "scm/states.def"
#undef SCM_MOVE
};

static const struct {
  const char *from, *event, *code, *message;
} refusals[] = {
#define SCM_REFUSE(state, event, code, message, hint) {#state, #event, #code, (message)},
#include "scm/states.def"
#undef SCM_REFUSE
};

static const struct {
  const char *id, *severity, *fix, *meaning, *remedy;
} findings[] = {
#define SCM_FINDING(name, id, severity, fix, meaning, remedy)                                      \
  {(id), (severity), (fix), (meaning), (remedy)},
#include "scm/findings.def"
#undef SCM_FINDING
};

static const char *text_of(const State *list, size_t count, const char *name) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(list[at].name, name))
      return list[at].text;
  return name;
}

static const char *state_text(const char *name) {
  return text_of(states, ARRAY_LENGTH(states), name);
}

static const char *event_text(const char *name) {
  return text_of(events, ARRAY_LENGTH(events), name);
}

/* Those that lead elsewhere; what stays would only be loops. */
static void print_diagram(void) {
  (void)puts("\n## Diagram\n\n```mermaid\nstateDiagram-v2\n  [*] --> NONE");
  for (size_t at = 0; at < ARRAY_LENGTH(states); at++)
    (void)printf("  %s: %s\n", states[at].name, states[at].text);
  for (size_t at = 0; at < ARRAY_LENGTH(moves); at++)
    if (!str_equal(moves[at].from, moves[at].next))
      (void)printf("  %s --> %s: %s\n", moves[at].from, moves[at].next,
                   event_text(moves[at].event));
  (void)puts("```");
}

static void print_words(const char *title, const State *list, size_t count) {
  (void)printf("\n## %s\n\n| | |\n|---|---|\n", title);
  for (size_t at = 0; at < count; at++)
    (void)printf("| `%s` | %s |\n", list[at].text, list[at].meaning);
}

static void print_moves(void) {
  (void)puts(
      "\n## Moves\n\n| state | event | guard | action | next state | |\n|---|---|---|---|---|---|");
  for (size_t at = 0; at < ARRAY_LENGTH(moves); at++)
    (void)printf("| %s | %s | %s | %s | %s | %s |\n", state_text(moves[at].from),
                 event_text(moves[at].event), moves[at].guard, moves[at].action,
                 state_text(moves[at].next), moves[at].comment);
}

static void print_refusals(void) {
  (void)puts("\n## Refusals\n\n| state | event | error | |\n|---|---|---|---|");
  for (size_t at = 0; at < ARRAY_LENGTH(refusals); at++)
    (void)printf("| %s | %s | %s | %s |\n", state_text(refusals[at].from),
                 event_text(refusals[at].event), refusals[at].code, refusals[at].message);
}

static void print_findings(void) {
  (void)puts(
      "\n## What `bough scm doctor` finds\n\n| finding | severity | --fix | means | what is done, "
      "or why nothing is |\n|---|---|---|---|---|");
  for (size_t at = 0; at < ARRAY_LENGTH(findings); at++)
    (void)printf("| `%s` | %s | %s | %s | %s |\n", findings[at].id, findings[at].severity,
                 findings[at].fix, findings[at].meaning, findings[at].remedy);
}

void generate_workflow(void) {
  (void)puts("# The workflow's table\n\nGenerated from `src/scm/states.def` and "
             "`src/scm/findings.def` by `tools/gen-docs`; `docs/workflow.md` says what it means.\n"
             "Every pair of a state and an event is a move or a refusal.");
  print_diagram();
  print_words("States", states, ARRAY_LENGTH(states));
  print_words("Events", events, ARRAY_LENGTH(events));
  print_moves();
  print_refusals();
  print_findings();
}
