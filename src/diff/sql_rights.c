/* Owners, grants, comments and security labels; default privileges. */
#include "diff/name.h"
#include "diff/sql_acl.h"
#include "diff/sql_build.h"

#include <ctype.h>
#include <string.h>

/* ---- words ---- */

const char *comment_word(const Object *object) {
  switch (object->kind) {
  case KIND_ATTRIBUTE:
  case KIND_VIEW_COLUMN:
  case KIND_COLUMN:
    return "COLUMN";
  case KIND_DOMAIN_CONSTRAINT:
  case KIND_CONSTRAINT:
    return "CONSTRAINT";
  default:
    return writer_of(object->kind)->drop + strlen("DROP ");
  }
}

static const char *grant_word(ObjectKind kind) {
  switch (kind) {
  case KIND_SEQUENCE:
    return "SEQUENCE";
  case KIND_FUNCTION:
  case KIND_AGGREGATE:
    return "FUNCTION";
  case KIND_PROCEDURE:
    return "PROCEDURE";
  case KIND_LANGUAGE:
    return "LANGUAGE";
  case KIND_SCHEMA:
    return "SCHEMA";
  case KIND_SERVER:
    return "FOREIGN SERVER";
  case KIND_FOREIGN_DATA_WRAPPER:
    return "FOREIGN DATA WRAPPER";
  case KIND_ENUM:
  case KIND_DOMAIN:
  case KIND_COMPOSITE:
  case KIND_RANGE:
  case KIND_BASE_TYPE:
    return "TYPE";
  default:
    return "TABLE";
  }
}

/* ---- grants ---- */

/* What GRANT and REVOKE are about: "ON TABLE x", or, in front, ALTER DEFAULT PRIVILEGES. */
typedef struct Target {
  const char *before; /* "" or "ALTER DEFAULT PRIVILEGES ... " */
  const char *behind; /* "ON TABLE x" */
  const char *column; /* of it, NULL: the whole */
  const char *owner;  /* who grants, unless said otherwise */
} Target;

static void add_rights(Buffer *sql, uint32_t rights, const char *column) {
  const char *comma = "";
  for (size_t bit = 0; acl_letters[bit] != '\0'; bit++) {
    if ((rights & 1U << bit) == 0)
      continue;
    sql_add(sql, "%s%s", comma, acl_word(bit));
    if (column != NULL)
      sql_add(sql, " (%I)", column);
    comma = ", ";
  }
}

static void add_grantee(Buffer *sql, const char *grantee) {
  if (grantee == NULL)
    buffer_add_text(sql, "PUBLIC");
  else
    name_add(sql, grantee);
}

typedef enum Verb { VERB_GRANT, VERB_GRANT_ON, VERB_REVOKE, VERB_REVOKE_OPTION } Verb;

/* PostgreSQL lets nobody grant in another's name, so the grantor's role is taken on. */
static void write_grant(Build *build, const Target *target, Verb verb, uint32_t rights,
                        const AclItem *item) {
  if (rights == 0)
    return;
  bool is_other =
      target->owner != NULL && item->grantor != NULL && !str_equal(item->grantor, target->owner);
  bool gives = verb == VERB_GRANT || verb == VERB_GRANT_ON;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "%s%s ", target->before, gives ? "GRANT" : "REVOKE");
  if (verb == VERB_REVOKE_OPTION)
    sql_add(&sql, "GRANT OPTION FOR ");
  add_rights(&sql, rights, target->column);
  sql_add(&sql, " %s %s ", target->behind, gives ? "TO" : "FROM");
  add_grantee(&sql, item->grantee);
  if (verb == VERB_GRANT_ON)
    sql_add(&sql, " WITH GRANT OPTION");
  if (is_other)
    emit(build, 0, "SET LOCAL ROLE %I", item->grantor);
  emit_buffer(build, 0, NULL, &sql);
  if (is_other)
    emit(build, 0, "RESET ROLE");
}

static const AclItem *same_item(const Acl *acl, const AclItem *item) {
  for (size_t at = 0; at < acl->count; at++)
    if (str_equal(acl->items[at].grantee, item->grantee) &&
        str_equal(acl->items[at].grantor, item->grantor))
      return &acl->items[at];
  static const AclItem none;
  return &none;
}

static void write_difference(Build *build, const Target *target, const Acl *before,
                             const Acl *after) {
  for (size_t at = before->count; at > 0; at--) {
    const AclItem *old = &before->items[at - 1];
    const AclItem *new = same_item(after, old);
    write_grant(build, target, VERB_REVOKE, old->rights & ~new->rights, old);
    write_grant(build, target, VERB_REVOKE_OPTION, old->options & new->rights & ~new->options, old);
  }
  for (size_t at = 0; at < after->count; at++) {
    const AclItem *new = &after->items[at];
    const AclItem *old = same_item(before, new);
    uint32_t plain = new->rights & ~new->options & ~old->rights;
    write_grant(build, target, VERB_GRANT, plain, new);
    write_grant(build, target, VERB_GRANT_ON, new->options & ~old->options, new);
  }
}

void grants_write(Build *build, const char *target, const char *column, const Acl *before,
                  const Acl *after) {
  const Target whole = {.before = "", .behind = target, .column = column};
  write_difference(build, &whole, before, after);
}

static Acl acl_of(const Object *object, const char *owner) {
  return object->grants != NULL ? acl_parse(object->grants) : acl_default(object->kind, owner);
}

static bool is_column(ObjectKind kind) {
  return kind == KIND_COLUMN || kind == KIND_VIEW_COLUMN;
}

static const char *owner_of(const Object *object) {
  return is_column(object->kind) ? object->parent->owner : object->owner;
}

static void write_object_grants(Build *build, const Object *object, const Acl *before) {
  AUTO_RELEASE(buffer_release) Buffer behind = {0};
  const char *owner = owner_of(object);
  if (is_column(object->kind))
    sql_add(&behind, "ON TABLE %P", object);
  else
    sql_add(&behind, "ON %s %O", grant_word(object->kind), object);
  Target target = {.before = "",
                   .behind = behind.text,
                   .column = is_column(object->kind) ? object->name : NULL,
                   .owner = owner};
  AUTO_RELEASE(acl_release) Acl after = acl_of(object, owner);
  write_difference(build, &target, before, &after);
}

/* ---- what default privileges give to a new object ---- */

static char privilege_type(ObjectKind kind) {
  switch (kind) {
  case KIND_TABLE:
  case KIND_FOREIGN_TABLE:
  case KIND_VIEW:
  case KIND_MATERIALIZED_VIEW:
    return 'r';
  case KIND_SEQUENCE:
    return 'S';
  case KIND_FUNCTION:
  case KIND_PROCEDURE:
  case KIND_AGGREGATE:
    return 'f';
  case KIND_ENUM:
  case KIND_DOMAIN:
  case KIND_COMPOSITE:
  case KIND_RANGE:
  case KIND_BASE_TYPE:
    return 'T';
  default:
    return kind == KIND_SCHEMA ? 'n' : '\0';
  }
}

/* Which of before's default privileges apply depends on who runs the migration. So whatever any of
 * them could give is taken, and what they could take is given again. */
static void level_defaults(Build *build, const Object *object, const char *behind, Acl *acl) {
  char type = privilege_type(object->kind);
  bool found = false;
  for (size_t at = 0; at < build->before_count; at++) {
    const Object *privilege = build->nodes[at].object;
    if (privilege->kind != KIND_DEFAULT_PRIVILEGE || value_of(privilege, "type")[0] != type)
      continue;
    AUTO_RELEASE(acl_release) Acl given = acl_parse(privilege->grants);
    for (size_t item = 0; item < given.count; item++) {
      if (str_equal(given.items[item].grantee, object->owner))
        continue;
      AUTO_RELEASE(buffer_release) Buffer sql = {0};
      sql_add(&sql, "REVOKE ALL %s FROM ", behind);
      add_grantee(&sql, given.items[item].grantee);
      emit_buffer(build, 0, NULL, &sql);
    }
    found = true;
  }
  if (!found)
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "REVOKE ALL %s FROM PUBLIC, %I", behind, object->owner);
  emit_buffer(build, 0, NULL, &sql);
  acl_release(acl);
}

/* ---- owner, comment, labels ---- */

static void write_comment(Build *build, const Object *object) {
  if (object->kind != KIND_ENUM_VALUE)
    emit(build, 0, "COMMENT ON %s %O IS %L", comment_word(object), object, object->comment);
}

static void write_label(Build *build, const Object *object, const char *line, size_t length,
                        bool remove) {
  AUTO(str_free) char *text = str_ndup(line, length);
  char *label = strstr(text, ": ");
  if (label == NULL)
    return;
  *label = '\0';
  emit(build, 0, "SECURITY LABEL FOR %I ON %s %O IS %L", text, comment_word(object), object,
       remove ? NULL : label + strlen(": "));
}

static void write_labels(Build *build, const Object *object, const char *before) {
  const char *line;
  size_t length;
  for (const char *text = before; next_line(&text, &line, &length);)
    write_label(build, object, line, length, true);
  for (const char *text = object->labels; next_line(&text, &line, &length);)
    write_label(build, object, line, length, false);
}

/* An extension's objects and an owned sequence belong to somebody else's owner. */
static bool has_own_owner(const Object *object) {
  return object->owner != NULL && object->parent == NULL && object->kind != KIND_EXTENSION &&
         object->kind != KIND_DEFAULT_PRIVILEGE && object->kind != KIND_USER_MAPPING;
}

static void write_owner(Build *build, const Object *object) {
  emit(build, 0, "ALTER %s %O OWNER TO %I", writer_of(object->kind)->drop + strlen("DROP "), object,
       object->owner);
}

static bool can_have_grants(const Object *object) {
  return is_column(object->kind) || (has_own_owner(object) && object->kind != KIND_OPERATOR);
}

void attributes_create(Build *build, const Node *node) {
  const Object *object = node->object;
  if (object->kind == KIND_DEFAULT_PRIVILEGE || object->kind == KIND_USER_MAPPING)
    return;
  if (has_own_owner(object))
    write_owner(build, object);
  if (can_have_grants(object)) {
    AUTO_RELEASE(acl_release) Acl before = acl_default(object->kind, owner_of(object));
    AUTO_RELEASE(buffer_release) Buffer behind = {0};
    sql_add(&behind, "ON %s %O", grant_word(object->kind), object);
    if (privilege_type(object->kind) != '\0')
      level_defaults(build, object, behind.text, &before);
    write_object_grants(build, object, &before);
  }
  /* An extension and its schema bring comments of their own. */
  if (object->comment != NULL || object->kind == KIND_EXTENSION)
    write_comment(build, object);
  write_labels(build, object, NULL);
}

void attributes_alter(Build *build, const Node *node) {
  const Object *object = node->object;
  const Object *before = node->partner->object;
  const PropertyChange *owner = node_change(node, "owner");
  const PropertyChange *labels = node_change(node, "labels");
  if (owner != NULL && object->kind == KIND_EXTENSION)
    finding(build, object, "the owner of an extension can't be changed");
  bool follows = object->kind == KIND_SEQUENCE && node_change(node, "owned_by") == NULL &&
                 object_property(object, "owned_by") != NULL;
  if (owner != NULL && has_own_owner(object) && !follows)
    write_owner(build, object);
  if ((owner != NULL || node_change(node, "grants") != NULL) && can_have_grants(object)) {
    AUTO_RELEASE(acl_release) Acl acl = acl_of(before, owner_of(before));
    if (!str_equal(owner_of(before), owner_of(object)))
      acl_change_owner(&acl, owner_of(before), owner_of(object));
    write_object_grants(build, object, &acl);
  }
  if (node_change(node, "comment") != NULL)
    write_comment(build, object);
  if (labels != NULL)
    write_labels(build, object, labels->before);
}

void attributes_clear(Build *build, const Node *node) {
  Object bare = *node->object;
  bare.grants = NULL;
  bare.comment = NULL;
  bare.labels = NULL;
  AUTO_RELEASE(acl_release) Acl acl = acl_of(node->object, owner_of(node->object));
  write_object_grants(build, &bare, &acl);
  if (node->object->comment != NULL)
    write_comment(build, &bare);
  write_labels(build, &bare, node->object->labels);
}

/* ---- default privileges ---- */

static ObjectKind kind_of_type(char type) {
  switch (type) {
  case 'S':
    return KIND_SEQUENCE;
  case 'f':
    return KIND_FUNCTION;
  case 'T':
    return KIND_ENUM;
  case 'n':
    return KIND_SCHEMA;
  default:
    return KIND_TABLE;
  }
}

/* Those of a schema add to what holds everywhere; those without one take the built-in ones' place.
 */
static Acl privilege_base(const Object *privilege) {
  if (object_property(privilege, "schema") != NULL)
    return (Acl){0};
  return acl_default(kind_of_type(value_of(privilege, "type")[0]), value_of(privilege, "role"));
}

static void write_privilege(Build *build, const Object *privilege, const Acl *before,
                            const Acl *after) {
  static const struct {
    char type;
    const char *behind;
  } words[] = {{'r', "ON TABLES"},
               {'S', "ON SEQUENCES"},
               {'f', "ON FUNCTIONS"},
               {'T', "ON TYPES"},
               {'n', "ON SCHEMAS"}};
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  sql_add(&head, "ALTER DEFAULT PRIVILEGES FOR ROLE %I ", value_of(privilege, "role"));
  if (object_property(privilege, "schema") != NULL)
    sql_add(&head, "IN SCHEMA %I ", value_of(privilege, "schema"));
  for (size_t at = 0; at < ARRAY_LENGTH(words); at++)
    if (words[at].type == value_of(privilege, "type")[0]) {
      Target target = {.before = head.text, .behind = words[at].behind};
      write_difference(build, &target, before, after);
    }
}

void default_privilege_create(Build *build, const Node *node) {
  AUTO_RELEASE(acl_release) Acl before = privilege_base(node->object);
  AUTO_RELEASE(acl_release) Acl after = acl_parse(node->object->grants);
  write_privilege(build, node->object, &before, &after);
}

void default_privilege_alter(Build *build, const Node *node) {
  AUTO_RELEASE(acl_release) Acl before = acl_parse(node->partner->object->grants);
  AUTO_RELEASE(acl_release) Acl after = acl_parse(node->object->grants);
  write_privilege(build, node->object, &before, &after);
}

void default_privilege_remove(Build *build, const Node *node) {
  AUTO_RELEASE(acl_release) Acl before = acl_parse(node->object->grants);
  AUTO_RELEASE(acl_release) Acl after = privilege_base(node->object);
  write_privilege(build, node->object, &before, &after);
}
