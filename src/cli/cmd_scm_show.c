/* What the commands of the workflow tell people. */
#include "cli/handlers.h"
#include "cli/queue.h"
#include "cli/show.h"

static const json_t *change_of(const json_t *result) {
  return json_object_get(result, "change");
}

static void show_branch(Cli *cli, const json_t *result) {
  const json_t *branch = json_object_get(result, "branch");
  const char *url = json_string_or(branch, "url", NULL);
  if (url != NULL)
    show_line(cli, COLOUR_NONE, "%s", url);
}

void cmd_scm_claim_show(Cli *cli, const json_t *result) {
  const json_t *change = change_of(result);
  show_line(cli, COLOUR_GOOD, "%s is claimed: git branch %s, database branch %s, into %s",
            show_text(change, "feature"), show_text(change, "git_branch"),
            show_text(change, "branch"), show_text(change, "tier"));
  show_branch(cli, result);
  show_line(cli, COLOUR_NONE,
            "Next: change, `bough migrate apply %s`, commit, bough scm prepare-pr",
            show_text(change, "branch"));
}

void cmd_scm_prepare_show(Cli *cli, const json_t *result) {
  const char *diff = json_string_or(result, "schema_diff", NULL);
  const json_t *change = change_of(result);
  show_line(cli, COLOUR_GOOD, "%s is pr-ready: %s", show_text(change, "feature"),
            show_text(change, "pr_url"));
  if (diff != NULL)
    show_line(cli, COLOUR_NONE, "schema diff %.16s is kept", show_text(result, "digest"));
  show_line(cli, COLOUR_NONE, "Next: bough scm wait-ci");
}

void cmd_scm_wait_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "%s is ci-green: %s", show_text(change_of(result), "feature"),
            show_text(change_of(result), "ci_run_url"));
  show_line(cli, COLOUR_NONE, "Next: a review, then bough scm merge");
}

void cmd_scm_withdraw_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "%s left the queue; nothing else has changed",
            show_text(change_of(result), "feature"));
}

/* --no-wait */
static void show_queued(Cli *cli, const json_t *queued) {
  AUTO(str_free) char *place = queue_place(queued);
  show_line(cli, COLOUR_GOOD, "%s: %s", show_text(queued, "feature"), place);
  show_line(cli, COLOUR_NONE, "Next: bough scm status, or bough scm merge to wait for it");
}

void cmd_scm_merge_show(Cli *cli, const json_t *result) {
  const json_t *change = change_of(result);
  const json_t *queued = json_object_get(result, "queued");
  if (queued != NULL) {
    show_queued(cli, queued);
    return;
  }
  show_line(cli, COLOUR_GOOD, "%s is merged into %s; it was %s before",
            show_text(change, "feature"), show_text(change, "tier"), show_text(change, "snapshot"));
  show_line(cli, COLOUR_NONE, "Next: bough scm claim ID");
}

void cmd_scm_abandon_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "%s is abandoned: its git branch and its database branch are gone",
            show_text(result, "abandoned"));
}

static void show_ladder(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *gate = NULL;
  json_array_foreach(show_array(result, "gates"), at, gate) {
    bool passed = json_bool_or(gate, "passed", false);
    bool next = json_bool_or(gate, "next", false);
    show_line(cli, passed ? COLOUR_GOOD : COLOUR_DIM, "  %s %-18s %s", passed ? "[x]" : "[ ]",
              show_text(gate, "gate"),
              next ? show_text(gate, "command") : json_string_or(gate, "at", ""));
  }
}

static void show_changes(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"FEATURE", "STATE", "INTO", "BY", "CLAIMED", "PR"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *change = NULL;
  json_array_foreach(show_array(result, "changes"), at, change) {
    char age[HUMAN_SIZE + 16];
    if (!json_is_null(json_object_get(change, "ended_at")))
      continue;
    show_ago(show_text(change, "claimed_at"), age);
    table_add(&table, COLOUR_NONE, show_text(change, "feature"));
    table_add(&table, COLOUR_NONE, show_text(change, "state"));
    table_add(&table, COLOUR_NONE, show_text(change, "tier"));
    table_add(&table, COLOUR_NONE, show_text(change, "claimed_by"));
    table_add(&table, COLOUR_NONE, age);
    table_add(&table, COLOUR_NONE, show_text(change, "pr_url"));
  }
  table_print(&table, &cli->output);
}

void cmd_scm_status_show(Cli *cli, const json_t *result) {
  const json_t *branch = json_object_get(result, "branch");
  show_field(cli, "state", json_string_or(result, "state", NULL));
  show_field(cli, "feature", json_string_or(change_of(result), "feature", NULL));
  show_field(cli, "git branch", json_string_or(result, "git_branch", NULL));
  show_field(cli, "database branch", json_string_or(branch, "name", NULL));
  show_ladder(cli, result);
  if (!json_bool_or(result, "state_file_agrees", true))
    show_line(cli, COLOUR_WARNING,
              "the state file isn't what the server's record says: `bough scm doctor`");
  show_changes(cli, result);
  if (json_array_size(show_array(result, "queue")) > 0)
    cmd_ci_queue_show(cli, result);
}

void cmd_scm_sync_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, ".env and the state file are those of database branch %s",
            show_text(json_object_get(result, "branch"), "name"));
}

/* Alone, so that it can be a password command. */
void cmd_scm_password_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_NONE, "%s", show_text(result, "password"));
}
