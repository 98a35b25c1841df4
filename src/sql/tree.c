/* Reading libpg_query's messages: names, options, and a walk over all of a tree. */
#include "sql/tree.h"

#include <string.h>
#include <strings.h>

const char *tree_string(const PgQuery__Node *node) {
  const PgQuery__String *string = SQL_NODE(node, STRING, string);
  return string == NULL ? NULL : string->sval;
}

const char *tree_name(PgQuery__Node *const *list, size_t count, size_t from_end) {
  return from_end < count ? tree_string(list[count - 1 - from_end]) : NULL;
}

const PgQuery__DefElem *tree_option(PgQuery__Node *const *list, size_t count, const char *name) {
  for (size_t at = 0; at < count; at++) {
    const PgQuery__DefElem *option = SQL_NODE(list[at], DEF_ELEM, def_elem);
    if (option != NULL && strcasecmp(option->defname, name) == 0)
      return option;
  }
  return NULL;
}

bool tree_option_is_on(const PgQuery__DefElem *option) {
  if (option == NULL || option->arg == NULL)
    return option != NULL;
  const PgQuery__Boolean *boolean = SQL_NODE(option->arg, BOOLEAN, boolean);
  const PgQuery__Integer *integer = SQL_NODE(option->arg, INTEGER, integer);
  const char *text = tree_string(option->arg);
  if (boolean != NULL)
    return boolean->boolval;
  if (integer != NULL)
    return integer->ival != 0;
  return text == NULL || (strcasecmp(text, "false") != 0 && strcasecmp(text, "off") != 0);
}

static bool is_chosen(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
  if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
    return true;
  const char *base = (const char *)message;
  return *(const uint32_t *)(const void *)(base + field->quantifier_offset) == field->id;
}

static void walk_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       TreeVisit *visit, void *context) {
  const char *base = (const char *)message;
  const void *place = base + field->offset;
  if (field->label != PROTOBUF_C_LABEL_REPEATED) {
    tree_walk(*(ProtobufCMessage *const *)place, visit, context);
    return;
  }
  size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
  for (size_t at = 0; at < count; at++)
    tree_walk((*(ProtobufCMessage * *const *)place)[at], visit, context);
}

/* Recurses as deep as the tree is, which src/sql/parse.c bounds. */
void tree_walk(const ProtobufCMessage *root, TreeVisit *visit, void *context) {
  if (root == NULL || !visit(context, root))
    return;
  for (unsigned at = 0; at < root->descriptor->n_fields; at++) {
    const ProtobufCFieldDescriptor *field = &root->descriptor->fields[at];
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && is_chosen(root, field))
      walk_field(root, field, visit, context);
  }
}

void tree_walk_node(const PgQuery__Node *node, TreeVisit *visit, void *context) {
  if (node != NULL)
    tree_walk(&node->base, visit, context);
}
