/* Principals: adding, removing and describing them. */
#include "branch/principal.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "branch/describe.h"
#include "branch/login.h"
#include "branch/token.h"
#include "core/clock.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>
#include <string.h>

enum {
  NAME_LIMIT = 48, /* with its prefix it is a role's name */
  ROLES_LIMIT = 8,
};

/* ---- roles on branches ---- */

/* Names have no '_', so no two of them share a role. */
void principal_role(const Home *home, const PrincipalRow *principal, char ret[ROLE_SIZE]) {
  if (principal->os_uid == (int64_t)home->owner_uid) {
    (void)snprintf(ret, ROLE_SIZE, "%.63s", home->login_role);
    return;
  }
  (void)snprintf(ret, ROLE_SIZE, ROLE_PREFIX "u_%.*s", NAME_LIMIT, principal->name);
  for (char *c = ret; *c != '\0'; c++)
    if (*c == '-')
      *c = '_';
}

bool principal_roles(Context *context, json_t **ret, Error *err) {
  PrincipalRow *rows = NULL;
  size_t count = 0;
  if (!principal_list(context->catalog, &rows, &count, err))
    return false;
  json_t *roles = json_pack("[s]", PROMOTION_ROLE);
  for (size_t at = 0; at < count; at++) {
    char role[ROLE_SIZE];
    principal_role(context->home, &rows[at], role);
    (void)json_array_append_new(roles, json_string(role));
  }
  mem_free(rows);
  *ret = roles;
  return true;
}

/* ---- description ---- */

static json_t *describe_roles(const char *roles) {
  json_t *list = json_array();
  while (*roles != '\0') {
    size_t length = strcspn(roles, ",");
    (void)json_array_append_new(list, json_stringn(roles, length));
    roles += length + (roles[length] == ',');
  }
  return list;
}

static json_t *describe_principal(const PrincipalRow *row) {
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", row->id, "name", row->name, "type",
                   row->type, "roles", describe_roles(row->roles), "for",
                   row->on_behalf_of[0] != '\0' ? json_string(row->on_behalf_of) : json_null(),
                   "created_by",
                   row->created_by[0] != '\0' ? json_string(row->created_by) : json_null(),
                   "created_at", describe_time(row->created_at));
}

static bool add_tokens(Context *context, const PrincipalRow *row, json_t *object, Error *err) {
  TokenRow *tokens = NULL;
  size_t count = 0;
  if (!token_list(context->catalog, row->id, &tokens, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "id", tokens[at].id,
                                                "created_by", tokens[at].created_by, "created_at",
                                                describe_time(tokens[at].created_at), "expires_at",
                                                describe_time(tokens[at].expires_at)));
  (void)json_object_set_new(object, "tokens", list);
  mem_free(tokens);
  return true;
}

bool principal_show_all(Context *context, json_t **ret, Error *err) {
  PrincipalRow *rows = NULL;
  size_t count = 0;
  if (!principal_list(context->catalog, &rows, &count, err))
    return false;
  AUTO(json_free) json_t *list = json_array();
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++) {
    if (!access_is_platform(context) && !str_equal(context->caller.id, rows[at].id))
      continue;
    AUTO(json_free) json_t *object = describe_principal(&rows[at]);
    ok = add_tokens(context, &rows[at], object, err);
    (void)json_array_append(list, object);
  }
  mem_free(rows);
  if (ok)
    *ret = json_pack("{s:O}", "principals", list);
  return ok;
}

/* ---- adding and removing ---- */

static bool read_roles(const json_t *body, PrincipalRow *row, Error *err) {
  const json_t *roles = json_object_get(body, "roles");
  size_t at = 0;
  const json_t *value = NULL;
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  if (!json_is_array(roles) || json_array_size(roles) == 0 || json_array_size(roles) > ROLES_LIMIT)
    return error_set(err, ERROR_USAGE, "\"roles\" must be a list of 1 to %d names", ROLES_LIMIT);
  json_array_foreach(roles, at, value) {
    const char *role = json_is_string(value) ? json_string_value(value) : "";
    if (!name_check("role", role, err))
      return false;
    buffer_add_format(&text, "%s%s", at > 0 ? "," : "", role);
    row->is_platform = row->is_platform || str_equal(role, "platform");
  }
  if (text.length >= sizeof row->roles)
    return error_set(err, ERROR_TOO_LARGE, "the names of the roles are too long");
  memcpy(row->roles, text.text, text.length + 1);
  return true;
}

static bool read_on_behalf(Context *context, const json_t *body, PrincipalRow *row, Error *err) {
  const char *name = json_string_or(body, "for", NULL);
  PrincipalRow other;
  if (name == NULL)
    return true;
  if (!str_equal(row->type, "agent"))
    return error_set(err, ERROR_USAGE, "only an agent acts for somebody else");
  if (!principal_by_name(context->catalog, name, &other, err))
    return false;
  (void)snprintf(row->on_behalf_of, sizeof row->on_behalf_of, "%s", other.name);
  return true;
}

/* Two principals with one role would be one inside of a branch. */
static bool check_role(Context *context, const PrincipalRow *row, Error *err) {
  char role[ROLE_SIZE];
  principal_role(context->home, row, role);
  return !str_equal(role, context->home->login_role) ||
         error_set(err, ERROR_INVALID_NAME, "the name \"%s\" is too much like that of \"%s\"",
                   row->name, context->home->owner_name);
}

static bool read_principal(Context *context, const json_t *body, PrincipalRow *row, Error *err) {
  static const char *const types[] = {"human", "agent", "ci"};
  const char *name = NULL;
  const char *type = NULL;
  bool known = false;
  if (!json_get_string(body, "name", &name, err) || !json_get_string(body, "type", &type, err) ||
      !name_check("principal", name, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(types); at++)
    known = known || str_equal(types[at], type);
  if (!known)
    return error_set(err, ERROR_USAGE, "\"type\" must be human, agent or ci");
  if (strlen(name) > NAME_LIMIT)
    return error_set(err, ERROR_INVALID_NAME, "a principal's name has at most %d characters",
                     NAME_LIMIT);
  id_new("pri", row->id);
  (void)snprintf(row->name, sizeof row->name, "%s", name);
  (void)snprintf(row->type, sizeof row->type, "%s", type);
  (void)snprintf(row->created_by, sizeof row->created_by, "%s", context->caller.name);
  row->os_uid = -1;
  row->created_at = clock_wall_us();
  return read_roles(body, row, err) && read_on_behalf(context, body, row, err) &&
         check_role(context, row, err);
}

bool principal_add(Context *context, const json_t *body, json_t **ret, Error *err) {
  PrincipalRow row = {0};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!access_system(context, ACTION_PRINCIPAL_MANAGE, err) ||
      !read_principal(context, body, &row, err))
    return false;
  AUTO(json_free) json_t *description = describe_principal(&row);
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !principal_insert(context->catalog, &row, err) ||
      !principal_set_roles(context->catalog, row.id, row.roles, err) ||
      !audit_record(context, "principal.add", description, err) || !catalog_commit(&guard, err))
    return false;
  *ret = json_pack("{s:O}", "principal", description);
  return true;
}

/* Agents have no more right to be there than whom they act for; they are named, not removed with
 * them behind anybody's back. */
static bool check_no_agents(Context *context, const PrincipalRow *row, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer agents = {0};
  PrincipalRow *rows = NULL;
  size_t count = 0;
  if (!principal_list(context->catalog, &rows, &count, err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (str_equal(rows[at].on_behalf_of, row->name))
      buffer_add_format(&agents, "%s%s", agents.length > 0 ? ", " : "", rows[at].name);
  mem_free(rows);
  if (agents.length == 0)
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "agents act for \"%s\": %.400s", row->name, agents.text);
  return error_hint(err, "remove them first: `bough principal remove`");
}

/* What the proxy has cut off may still be at work on computes; the role's login goes in any case.
 */
static bool shut_out(Context *context, const PrincipalRow *row, Error *err) {
  char role[ROLE_SIZE];
  EndpointRow *endpoints = NULL;
  size_t count = 0;
  principal_role(context->home, row, role);
  if (!endpoint_list(context->catalog, &endpoints, &count, err))
    return false;
  for (size_t at = 0; at < count; at++) {
    Error ignored = ERROR_INIT; /* one that is ending takes what is at work there with it */
    (void)!login_shut(context, &endpoints[at], role, &ignored);
  }
  mem_free(endpoints);
  return true;
}

bool principal_remove(Context *context, const char *name, json_t **ret, Error *err) {
  PrincipalRow row;
  AUTO(json_free) json_t *params = json_pack("{s:s}", "principal", name);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!access_system(context, ACTION_PRINCIPAL_MANAGE, err) ||
      !principal_by_name(context->catalog, name, &row, err))
    return false;
  if (row.os_uid == (int64_t)context->home->owner_uid)
    return error_set(err, ERROR_FORBIDDEN, "\"%s\" set Bough up and stays", row.name);
  if (!check_no_agents(context, &row, err) || !catalog_begin(context->catalog, &guard, err) ||
      !access_confirm(context, err) || !principal_set_removed(context->catalog, row.id, err) ||
      !audit_record(context, "principal.remove", params, err) || !catalog_commit(&guard, err))
    return false;
  context_push_now(context, "terminate",
                   json_pack("{s:s, s:i, s:s}", "principal", row.name, "grace_ms", 0, "reason",
                             "terminating connection: the principal was removed"));
  if (!shut_out(context, &row, err))
    return false;
  *ret = json_pack("{s:s}", "removed", row.name);
  return true;
}
