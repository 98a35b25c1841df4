/* The form for programs (docs/diff.md). */
#include "diff/impact.h"
#include "diff/outline.h"
#include "diff/render.h"

#include "core/str.h"

/* Databases of encoding SQL_ASCII may send any bytes. */
static json_t *text_or_null(const char *text) {
  if (text == NULL)
    return json_null();
  json_t *value = json_string(text);
  return value != NULL ? value : json_line(text);
}

static json_t *identity(const Object *object) {
  if (object == NULL)
    return json_null();
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  object_add_identity(&text, object);
  return text_or_null(text.text);
}

static json_t *properties_json(const Change *change) {
  json_t *list = json_array();
  for (size_t at = 0; at < change->property_count; at++) {
    const PropertyChange *property = &change->properties[at];
    (void)json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:b}", "name", property->name,
                                                "before", text_or_null(property->before), "after",
                                                text_or_null(property->after), "rights",
                                                property->is_rights));
  }
  return list;
}

static json_t *effects_json(unsigned effects) {
  static const char *const words[] = {"destructive", "rewrite", "lock"}; /* by bit */
  json_t *list = json_array();
  for (size_t bit = 0; bit < ARRAY_LENGTH(words); bit++)
    if ((effects & 1U << bit) != 0)
      (void)json_array_append_new(list, json_string(words[bit]));
  return list;
}

static json_t *integer_or_null(int64_t value) {
  return value >= 0 ? json_integer(value) : json_null();
}

static json_t *impacts_json(const Diff *diff, const Change *change) {
  Impact impacts[IMPACT_LIMIT];
  size_t count = impact_of(diff, change, impacts);
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++) {
    const Object *subject = impacts[at].subject;
    (void)json_array_append_new(
        list,
        json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}", "effects", effects_json(impacts[at].effects),
                  "lock", text_or_null(impacts[at].lock), "reason", impacts[at].reason, "table",
                  identity(subject), "bytes", integer_or_null(subject != NULL ? subject->size : -1),
                  "rows", integer_or_null(subject != NULL ? subject->rows : -1)));
  }
  return list;
}

static json_t *change_json(const Diff *diff, const Change *change) {
  const Object *object = change_object(change);
  return json_pack(
      "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:o, s:o}", "change",
      change_word(change->kind), "kind", kind_info(change->object_kind)->word, "schema",
      text_or_null(object->schema[0] != '\0' || object->parent == NULL ? object->schema
                                                                       : object->parent->schema),
      "name", text_or_null(object->name), "identity", identity(object), "parent",
      identity(object->parent), "from",
      change->kind == CHANGE_RENAMED ? identity(change->before) : json_null(), "certain",
      change->kind == CHANGE_RENAMED ? json_boolean(change->is_certain) : json_null(), "replaced",
      change->is_replaced, "inherited", change->is_inherited, "implied", change->is_implied,
      "rights", change->is_rights, "note", change->is_note, "properties", properties_json(change),
      "impacts", impacts_json(diff, change));
}

static json_t *summary_json(const Diff *diff) {
  Outline outline;
  outline_init(&outline, diff);
  Counts counts = outline_count(&outline, diff);
  json_t *summary = json_object();
  for (size_t kind = 0; kind < ARRAY_LENGTH(counts.by_kind); kind++)
    (void)json_object_set_new(summary, change_word((ChangeKind)kind),
                              json_integer((json_int_t)counts.by_kind[kind]));
  (void)json_object_set_new(summary, "rights", json_integer((json_int_t)counts.rights));
  (void)json_object_set_new(summary, "destructive", json_integer((json_int_t)counts.destructive));
  (void)json_object_set_new(summary, "rewrites", json_integer((json_int_t)counts.rewrites));
  (void)json_object_set_new(summary, "locks", json_integer((json_int_t)counts.locks));
  outline_release(&outline);
  return summary;
}

json_t *render_json(const Diff *diff, const RenderOptions *options) {
  json_t *changes = json_array();
  for (size_t at = 0; at < diff->count; at++)
    (void)json_array_append_new(changes, change_json(diff, &diff->changes[at]));
  return json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:o}", "before",
                   text_or_null(options->before), "after", text_or_null(options->after), "database",
                   text_or_null(options->database), "same", diff_is_empty(diff), "equivalent",
                   diff_is_equivalent(diff), "base", options->has_base, "summary",
                   summary_json(diff), "changes", changes);
}
