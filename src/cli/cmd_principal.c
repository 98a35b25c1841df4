/* bough principal ... */
#include "cli/handlers.h"
#include "cli/show.h"

#include <stdio.h>

/* Bodies
 * -------------------------------------------------------------------------------------------- */

static json_t *roles_of(const Invocation *invocation) {
  json_t *roles = json_array();
  for (size_t at = 0; at < invocation->flag_count; at++)
    if (str_equal(invocation->flags[at].flag->name, "role"))
      (void)json_array_append_new(roles, json_string(invocation->flags[at].value));
  return roles;
}

json_t *cmd_principal_add_body(const Cli *cli) {
  const Invocation *invocation = &cli->invocation;
  return json_pack("{s:s, s:s*, s:o, s:s*}", "name", invocation->arguments[0], "type",
                   invocation_value(invocation, "type"), "roles", roles_of(invocation), "for",
                   invocation_value(invocation, "for"));
}

json_t *cmd_principal_token_body(const Cli *cli) {
  return json_pack("{s:s*}", "ttl", invocation_value(&cli->invocation, "ttl"));
}

/* What was done
 * ------------------------------------------------------------------------------------- */

void cmd_principal_add_show(Cli *cli, const json_t *result) {
  const json_t *principal = json_object_get(result, "principal");
  const char *name = show_text(principal, "name");
  show_line(cli, COLOUR_GOOD, "%s %s is added", show_text(principal, "type"), name);
  show_line(cli, COLOUR_NONE, "Next: bough principal token %s", name);
}

void cmd_principal_remove_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "%s is removed, its tokens and sessions too",
            show_text(result, "removed"));
}

void cmd_principal_revoke_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_GOOD, "%s is revoked", show_text(result, "revoked"));
}

/* The token alone, so that it can be put into a file. */
void cmd_principal_token_show(Cli *cli, const json_t *result) {
  show_line(cli, COLOUR_NONE, "%s", show_text(result, "token"));
}

static char *join(const json_t *list, const char *key) {
  Buffer text = {0};
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    const char *value = key != NULL ? show_text(item, key) : json_string_value(item);
    buffer_add_format(&text, "%s%s", at > 0 ? " " : "", value != NULL ? value : "-");
  }
  return buffer_steal(&text);
}

void cmd_principal_list_show(Cli *cli, const json_t *result) {
  static const char *const titles[] = {"NAME", "TYPE", "ROLES", "FOR", "TOKENS"};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, ARRAY_LENGTH(titles));
  size_t at = 0;
  const json_t *principal = NULL;
  json_array_foreach(show_array(result, "principals"), at, principal) {
    AUTO(str_free) char *roles = join(show_array(principal, "roles"), NULL);
    AUTO(str_free) char *tokens = join(show_array(principal, "tokens"), "id");
    table_add(&table, COLOUR_NONE, show_text(principal, "name"));
    table_add(&table, COLOUR_NONE, show_text(principal, "type"));
    table_add(&table, COLOUR_NONE, roles);
    table_add(&table, COLOUR_NONE, show_text(principal, "for"));
    table_add(&table, COLOUR_NONE, tokens);
  }
  table_print(&table, &cli->output);
}
