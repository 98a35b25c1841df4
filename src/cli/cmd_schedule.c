/* bough schedule ... */
#include "cli/handlers.h"
#include "cli/show.h"

static Colour outcome_colour(const char *outcome) {
  return output_state_colour(str_equal(outcome, "") ? "-" : outcome);
}

void cmd_schedule_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"TIER", "FROM", "SCHEDULE", "ZONE",
                                       "NEXT", "LAST", "RESULT",   "ERROR"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *schedule = NULL;
  json_array_foreach(show_array(result, "schedules"), at, schedule) {
    char last[HUMAN_SIZE + 16] = "-";
    const char *started = json_string_or(schedule, "started_at", NULL);
    const char *outcome = json_string_or(schedule, "outcome", "");
    if (started != NULL)
      show_ago(started, last);
    table_add(&table, COLOUR_NONE, show_text(schedule, "tier"));
    table_add(&table, COLOUR_NONE, show_text(schedule, "parent"));
    table_add(&table, COLOUR_NONE, show_text(schedule, "expression"));
    table_add(&table, COLOUR_NONE, show_text(schedule, "zone"));
    table_add(&table, COLOUR_NONE, show_text(schedule, "next_at"));
    table_add(&table, COLOUR_NONE, last);
    table_add(&table, outcome_colour(outcome), outcome[0] != '\0' ? outcome : "-");
    table_add(&table, COLOUR_NONE, json_string_or(schedule, "error", ""));
  }
  table_print(&table, &cli->output);
}

void cmd_schedule_run_show(Cli *cli, const json_t *result) {
  char duration[HUMAN_SIZE];
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_line(cli, COLOUR_GOOD, "tier %s is built anew in %s, with %zu migrations applied again",
            cli->invocation.arguments[0], duration, json_array_size(show_array(result, "applied")));
  show_line(cli, COLOUR_NONE, "the old branch is called %s now", show_text(result, "previous"));
}
