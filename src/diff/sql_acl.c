/* Reads aclitem[] as PostgreSQL prints it: {=r/owner,"role name"=a*w/owner}. */
#include "diff/sql_acl.h"

#include <string.h>

const char acl_letters[] = "arwdDxtXUCTcsA";

const char *acl_word(size_t bit) {
  static const char *const words[] = {"INSERT",     "SELECT",  "UPDATE",  "DELETE",      "TRUNCATE",
                                      "REFERENCES", "TRIGGER", "EXECUTE", "USAGE",       "CREATE",
                                      "TEMPORARY",  "CONNECT", "SET",     "ALTER SYSTEM"};
  return words[bit];
}

static uint32_t bit_of(char letter) {
  const char *at = letter != '\0' ? strchr(acl_letters, letter) : NULL;
  return at != NULL ? 1U << (at - acl_letters) : 0;
}

/* One element of the array without the array's quoting; NULL at the end. */
static char *next_element(const char **text) {
  const char *at = *text;
  if (*at == '\0' || *at == '}')
    return NULL;
  AUTO_RELEASE(buffer_release) Buffer element = {0};
  buffer_add_text(&element, "");
  bool quoted = false;
  for (; *at != '\0' && (quoted || (*at != ',' && *at != '}')); at++) {
    if (*at == '"') {
      quoted = !quoted;
      continue;
    }
    if (*at == '\\' && at[1] != '\0')
      at++;
    buffer_add(&element, at, 1);
  }
  *text = at + (*at == ',' ? 1 : 0);
  return buffer_steal(&element);
}

/* A role up to stop or the end, its quotes taken away; NULL for none. */
static char *read_role(const char **text, char stop) {
  AUTO_RELEASE(buffer_release) Buffer role = {0};
  const char *at = *text;
  bool quoted = false;
  for (; *at != '\0' && (quoted || *at != stop); at++) {
    if (*at == '"' && !(quoted && at[1] == '"')) {
      quoted = !quoted;
      continue;
    }
    at += *at == '"' ? 1 : 0;
    buffer_add(&role, at, 1);
  }
  *text = at + (*at == stop && stop != '\0' ? 1 : 0);
  return role.length > 0 ? buffer_steal(&role) : NULL;
}

AclItem *acl_find(Acl *acl, const char *grantee, const char *grantor) {
  for (size_t at = 0; at < acl->count; at++)
    if (str_equal(acl->items[at].grantee, grantee) && str_equal(acl->items[at].grantor, grantor))
      return &acl->items[at];
  acl->items = mem_resize(acl->items, acl->count + 1, sizeof *acl->items);
  acl->items[acl->count] = (AclItem){.grantee = grantee != NULL ? str_dup(grantee) : NULL,
                                     .grantor = grantor != NULL ? str_dup(grantor) : NULL};
  return &acl->items[acl->count++];
}

static void read_item(Acl *acl, const char *text) {
  AUTO(str_free) char *grantee = read_role(&text, '=');
  uint32_t rights = 0;
  uint32_t options = 0;
  for (uint32_t last = 0; *text != '\0' && *text != '/'; text++) {
    if (*text == '*')
      options |= last;
    last = bit_of(*text);
    rights |= last;
  }
  text += *text == '/' ? 1 : 0;
  AUTO(str_free) char *grantor = read_role(&text, '\0');
  AclItem *item = acl_find(acl, grantee, grantor);
  item->rights |= rights;
  item->options |= options;
}

Acl acl_parse(const char *text) {
  Acl acl = {0};
  if (text == NULL || *text != '{')
    return acl;
  text++;
  for (char *element = next_element(&text); element != NULL; element = next_element(&text)) {
    read_item(&acl, element);
    str_free(element);
  }
  return acl;
}

void acl_release(Acl *acl) {
  for (size_t at = 0; at < acl->count; at++) {
    str_free(acl->items[at].grantee);
    str_free(acl->items[at].grantor);
  }
  mem_free(acl->items);
  *acl = (Acl){0};
}

typedef struct Default {
  ObjectKind kind;
  const char *owner;
  const char *everybody;
} Default;

Acl acl_default(ObjectKind kind, const char *owner) {
  static const Default defaults[] = {
      {KIND_TABLE, "arwdDxt", ""}, {KIND_FOREIGN_TABLE, "arwdDxt", ""},
      {KIND_VIEW, "arwdDxt", ""},  {KIND_MATERIALIZED_VIEW, "arwdDxt", ""},
      {KIND_SEQUENCE, "rwU", ""},  {KIND_FUNCTION, "X", "X"},
      {KIND_PROCEDURE, "X", "X"},  {KIND_AGGREGATE, "X", "X"},
      {KIND_LANGUAGE, "U", "U"},   {KIND_SCHEMA, "UC", ""},
      {KIND_SERVER, "U", ""},      {KIND_FOREIGN_DATA_WRAPPER, "U", ""},
      {KIND_ENUM, "U", "U"},       {KIND_DOMAIN, "U", "U"},
      {KIND_COMPOSITE, "U", "U"},  {KIND_RANGE, "U", "U"},
      {KIND_BASE_TYPE, "U", "U"},
  };
  Acl acl = {0};
  for (size_t at = 0; at < ARRAY_LENGTH(defaults); at++) {
    if (defaults[at].kind != kind)
      continue;
    for (const char *letter = defaults[at].owner; *letter != '\0'; letter++)
      acl_find(&acl, owner, owner)->rights |= bit_of(*letter);
    for (const char *letter = defaults[at].everybody; *letter != '\0'; letter++)
      acl_find(&acl, NULL, owner)->rights |= bit_of(*letter);
  }
  return acl;
}

void acl_change_owner(Acl *acl, const char *before, const char *after) {
  Acl changed = {0};
  for (size_t at = 0; at < acl->count; at++) {
    const AclItem *item = &acl->items[at];
    const char *grantee = str_equal(item->grantee, before) ? after : item->grantee;
    const char *grantor = str_equal(item->grantor, before) ? after : item->grantor;
    AclItem *target = acl_find(&changed, grantee, grantor);
    target->rights |= item->rights;
    target->options |= item->options;
  }
  acl_release(acl);
  *acl = changed;
}
