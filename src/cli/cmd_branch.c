/* bough branch ... */
#include "cli/handlers.h"
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

enum { TREE_DEPTH_LIMIT = 64 };

static const json_t *branch_of(const json_t *result) {
  return json_object_get(result, "branch");
}

/* Bodies
 * -------------------------------------------------------------------------------------------- */

json_t *cmd_branch_create_body(const Cli *cli) {
  const Invocation *invocation = &cli->invocation;
  return json_pack("{s:s, s:s*, s:s*, s:s*, s:b}", "name", invocation->arguments[0], "parent",
                   invocation_value(invocation, "parent"), "kind",
                   invocation_value(invocation, "kind"), "ttl", invocation_value(invocation, "ttl"),
                   "start", invocation_has(invocation, "start"));
}

json_t *cmd_branch_reset_body(const Cli *cli) {
  return json_object();
}

json_t *cmd_branch_rename_body(const Cli *cli) {
  return json_pack("{s:s}", "name", cli->invocation.arguments[1]);
}

json_t *cmd_branch_protect_body(const Cli *cli) {
  return json_pack("{s:b}", "protected", 1);
}

json_t *cmd_branch_unprotect_body(const Cli *cli) {
  return json_pack("{s:b}", "protected", 0);
}

bool cmd_branch_delete_run(Cli *cli, json_t **ret, Error *err) {
  Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/branches/");
  url_add_encoded(&path, cli->invocation.arguments[0]);
  if (invocation_has(&cli->invocation, "recursive"))
    buffer_add_text(&path, "?recursive=1");
  AUTO(str_free) char *text = buffer_steal(&path);
  return cli_call(cli, "DELETE", text, NULL, ret, err);
}

bool cmd_branch_expire_run(Cli *cli, json_t **ret, Error *err) {
  const char *ttl = invocation_value(&cli->invocation, "ttl");
  if ((ttl != NULL) == invocation_has(&cli->invocation, "never"))
    return error_set(err, ERROR_USAGE, "give either --ttl SPAN or --never");
  Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/branches/");
  url_add_encoded(&path, cli->invocation.arguments[0]);
  buffer_add_text(&path, "/expire");
  AUTO(str_free) char *text = buffer_steal(&path);
  AUTO(json_free)
  json_t *body = ttl != NULL ? json_pack("{s:s}", "ttl", ttl) : json_pack("{s:b}", "never", 1);
  return cli_call(cli, "POST", text, body, ret, err);
}

/* What was done
 * ------------------------------------------------------------------------------------- */

void cmd_branch_create_show(Cli *cli, const json_t *result) {
  const json_t *branch = branch_of(result);
  char duration[HUMAN_SIZE];
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  const char *parent = json_string_or(branch, "parent", NULL);
  show_line(cli, COLOUR_GOOD, "branch %s%s%s created in %s", show_text(branch, "name"),
            parent != NULL ? " of " : "", parent != NULL ? parent : "", duration);
  show_line(cli, COLOUR_NONE, "%s", show_text(result, "url"));
  show_notes(cli, result);
}

void cmd_branch_reset_show(Cli *cli, const json_t *result) {
  const json_t *branch = branch_of(result);
  char duration[HUMAN_SIZE];
  human_duration(json_number_or(result, "duration_ms", 0), duration);
  show_line(cli, COLOUR_GOOD, "branch %s is as its parent %s is now, reset in %s",
            show_text(branch, "name"), show_text(branch, "parent"), duration);
  show_notes(cli, result);
}

void cmd_branch_rename_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "branch %s is now called %s", cli->invocation.arguments[0],
            show_text(branch_of(result), "name"));
}

void cmd_branch_protect_show(Cli *cli, const json_t *result) {
  const json_t *branch = branch_of(result);
  show_line(cli, COLOUR_GOOD, "branch %s is %s", show_text(branch, "name"),
            json_bool_or(branch, "protected", false) ? "protected" : "not protected any more");
}

/* "3 days", "expired", "-"; whether it is to be noticed. */
static Colour end_of(const json_t *branch, char ret[HUMAN_SIZE]) {
  int64_t rest = json_integer_or(branch, "expires_in_seconds", -1);
  bool is_closed = json_string_or(branch, "expired_at", NULL) != NULL;
  (void)snprintf(ret, HUMAN_SIZE, "%s", rest < 0 ? "-" : "expired");
  if (rest > 0 && !is_closed)
    human_age(rest, ret);
  if (rest == 0 || is_closed)
    return COLOUR_BAD;
  return json_bool_or(branch, "expiring", false) ? COLOUR_WARNING : COLOUR_NONE;
}

void cmd_branch_expire_show(Cli *cli, const json_t *result) {
  const json_t *branch = branch_of(result);
  char rest[HUMAN_SIZE];
  (void)end_of(branch, rest);
  if (json_string_or(branch, "expires_at", NULL) == NULL)
    show_line(cli, COLOUR_GOOD, "branch %s has no end", show_text(branch, "name"));
  else
    show_line(cli, COLOUR_GOOD, "branch %s ends in %s, at %s", show_text(branch, "name"), rest,
              show_text(branch, "expires_at"));
}

void cmd_branch_delete_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(show_array(result, "deleted"), at, name) {
    if (json_is_string(name))
      show_line(cli, COLOUR_GOOD, "branch %s deleted", json_string_value(name));
  }
}

/* Looking
 * ------------------------------------------------------------------------------------------- */

void cmd_branch_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"NAME",    "PARENT", "KIND",    "STATE",
                                       "COMPUTE", "AGE",    "EXPIRES", "BY"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *branch = NULL;
  json_array_foreach(show_array(result, "branches"), at, branch) {
    const char *state = show_text(branch, "state");
    const char *compute = show_text(json_object_get(branch, "endpoint"), "state");
    char age[HUMAN_SIZE];
    char end[HUMAN_SIZE];
    Colour end_colour = end_of(branch, end);
    human_age(json_integer_or(branch, "age_seconds", -1), age);
    table_add(&table, COLOUR_NONE, show_text(branch, "name"));
    table_add(&table, COLOUR_NONE, show_text(branch, "parent"));
    table_add(&table, COLOUR_NONE, show_text(branch, "kind"));
    table_add(&table, output_state_colour(state), state);
    table_add(&table, output_state_colour(compute), compute);
    table_add(&table, COLOUR_NONE, age);
    table_add(&table, end_colour, end);
    table_add(&table, COLOUR_NONE, show_text(branch, "created_by"));
  }
  table_print(&table, &cli->output);
}

/* A branch whose parent isn't listed stands at the left. By ids: a deleted parent's name may be
 * another's by now. */
typedef struct Tree {
  const Cli *cli;
  const json_t *branches;
  bool has_more[TREE_DEPTH_LIMIT]; /* at each depth: whether a sibling follows */
} Tree;

static bool is_listed(const json_t *branches, const char *id) {
  size_t at = 0;
  const json_t *branch = NULL;
  json_array_foreach(branches, at, branch) {
    if (str_equal(json_string_or(branch, "id", NULL), id))
      return true;
  }
  return false;
}

static bool is_child(const Tree *tree, const json_t *branch, const char *parent) {
  const char *own = json_string_or(branch, "parent_id", NULL);
  if (parent != NULL)
    return str_equal(own, parent);
  return own == NULL || !is_listed(tree->branches, own);
}

/* The next child of parent from index on; the array's size when there is none. */
static size_t next_child(const Tree *tree, const char *parent, size_t index) {
  size_t count = json_array_size(tree->branches);
  while (index < count && !is_child(tree, json_array_get(tree->branches, index), parent))
    index++;
  return index;
}

static void draw_branch(const Tree *tree, const json_t *branch, size_t depth) {
  for (size_t at = 1; at < depth; at++)
    (void)fputs(tree->has_more[at] ? "│  " : "   ", stdout);
  if (depth > 0)
    (void)fputs(tree->has_more[depth] ? "├─ " : "└─ ", stdout);
  const Output *output = &tree->cli->output;
  const char *state = show_text(branch, "state");
  output_text(output, str_equal(state, "ready") ? COLOUR_BOLD : output_state_colour(state),
              show_text(branch, "name"));
  char age[HUMAN_SIZE];
  human_age(json_integer_or(branch, "age_seconds", -1), age);
  AUTO(str_free)
  char *rest = str_format("  %s%s, %s%s", str_equal(state, "ready") ? "" : state,
                          str_equal(state, "ready") ? show_text(branch, "kind") : "", age,
                          json_bool_or(branch, "protected", false) ? ", protected" : "");
  output_text(output, COLOUR_DIM, rest);
  (void)putchar('\n');
}

static void draw_children(Tree *tree, const char *parent, size_t depth) {
  size_t count = json_array_size(tree->branches);
  for (size_t at = next_child(tree, parent, 0); at < count && depth < TREE_DEPTH_LIMIT;) {
    size_t next = next_child(tree, parent, at + 1);
    const json_t *branch = json_array_get(tree->branches, at);
    tree->has_more[depth] = next < count;
    draw_branch(tree, branch, depth);
    draw_children(tree, show_text(branch, "id"), depth + 1);
    at = next;
  }
}

void cmd_branch_tree_show(Cli *cli, const json_t *result) {
  Tree tree = {.cli = cli, .branches = show_array(result, "branches")};
  draw_children(&tree, NULL, 0);
}

static void show_lineage(const Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *origin = NULL;
  json_array_foreach(show_array(result, "lineage"), at, origin) {
    char ago[HUMAN_SIZE + 16];
    show_ago(show_text(origin, "forked_at"), ago);
    const char *state = show_text(origin, "state");
    AUTO(str_free)
    char *text = str_format(
        "%s (%s%s%s) at timeline %lld, %s, %s", show_text(origin, "name"), show_text(origin, "id"),
        str_equal(state, "ready") ? "" : ", ", str_equal(state, "ready") ? "" : state,
        (long long)json_integer_or(origin, "timeline", 0), show_text(origin, "lsn"), ago);
    show_field(cli, at == 0 ? "forked from" : "before that", text);
  }
}

static void show_usage(const Cli *cli, const json_t *usage) {
  show_bytes_field(cli, "data", json_object_get(usage, "logical_bytes"));
  show_bytes_field(cli, "written here", json_object_get(usage, "written_bytes"));
  const json_t *recent = json_object_get(usage, "written_since_start_bytes");
  if (json_is_integer(recent))
    show_bytes_field(cli, "since start", recent);
  show_bytes_field(cli, "deleting frees", json_object_get(usage, "freed_bytes"));
  show_bytes_field(cli, "log", json_object_get(usage, "wal_bytes"));
  const json_t *extents = json_object_get(usage, "extents");
  if (!json_is_integer(extents))
    return;
  AUTO(str_free)
  char *text =
      str_format("%lld extents in its largest file", (long long)json_integer_value(extents));
  show_field(cli, "fragmentation", text);
}

void cmd_branch_show_show(Cli *cli, const json_t *result) {
  const json_t *branch = branch_of(result);
  char age[HUMAN_SIZE];
  human_age(json_integer_or(branch, "age_seconds", -1), age);
  show_field(cli, "branch", show_text(branch, "name"));
  show_field(cli, "id", show_text(branch, "id"));
  show_field(cli, "project", show_text(branch, "project"));
  show_field(cli, "kind", show_text(branch, "kind"));
  show_state_field(cli, "state", show_text(branch, "state"));
  show_field(cli, "error", json_string_or(branch, "error", NULL));
  show_state_field(cli, "compute", show_text(json_object_get(branch, "endpoint"), "state"));
  show_field(cli, "protected", json_bool_or(branch, "protected", false) ? "yes" : "no");
  show_field(cli, "created by", show_text(branch, "created_by"));
  show_field(cli, "age", age);
  show_field(cli, "expires at", json_string_or(branch, "expires_at", NULL));
  show_lineage(cli, result);
  show_usage(cli, json_object_get(result, "usage"));
  const json_t *identity = json_object_get(result, "identity");
  if (json_is_object(identity)) {
    AUTO(str_free)
    char *text =
        str_format("%lld objects, digest %s", (long long)json_integer_or(identity, "objects", 0),
                   show_text(identity, "digest"));
    show_field(cli, "fork record", text);
  }
  show_field(cli, "url", json_string_or(result, "url", NULL));
}
