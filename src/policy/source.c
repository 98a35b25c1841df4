/* From libyaml's events to a value with places: a stack of what is open, no recursion. */
#include "policy/source.h"

#include "core/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { PLACE_SHIFT = 20, NUMBER_LENGTH = 18, KEY_LENGTH = 100 };

typedef struct Frame {   /* a mapping or a sequence that isn't closed yet */
  json_t *container;     /* borrowed: what it stands in owns it */
  char *key;             /* that the next value is for; NULL: the key comes next */
  size_t pointer_length; /* of the pointer to the container */
} Frame;

typedef struct Reader {
  yaml_parser_t parser;
  Yaml *yaml;
  PolicyFindings *findings;
  Frame frames[POLICY_DEPTH_LIMIT];
  size_t depth;
  size_t nodes;
  size_t documents;
  Buffer pointer; /* to the value at hand */
  bool stopped;   /* nothing after this place would make sense */
} Reader;

static Place place_of(yaml_mark_t mark) {
  return (Place){.line = (int)mark.line + 1, .column = (int)mark.column + 1};
}

static void remember(json_t *places, const char *pointer, Place place) {
  json_int_t packed = ((json_int_t)place.line << PLACE_SHIFT) + place.column;
  (void)json_object_set_new(places, pointer, json_integer(packed));
}

static void stop(Reader *reader, Place place, const char *expected, const char *message) {
  findings_add(reader->findings, place, expected, "%s", message);
  reader->stopped = true;
}

/* Scalars
 * ------------------------------------------------------------------------------------------- */

static bool is_digits(const char *text) {
  size_t length = strspn(text, "0123456789");
  return length > 0 && length <= NUMBER_LENGTH && text[length] == '\0' &&
         (text[0] != '0' || length == 1);
}

/* 1.5 and 2e3: as JSON writes them, so that 1.2.3 and 12e are text. */
static bool is_real(const char *text) {
  char *end = NULL;
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || strspn(text, "0123456789.eE+-") != strlen(text) ||
      strlen(text) > NUMBER_LENGTH)
    return false;
  errno = 0;
  (void)strtod(text, &end);
  return errno == 0 && *end == '\0';
}

static json_t *plain_value(const char *text) {
  bool is_negative = text[0] == '-';
  if (text[0] == '\0' || str_equal(text, "~") || str_equal(text, "null"))
    return json_null();
  if (str_equal(text, "true") || str_equal(text, "false"))
    return json_boolean(text[0] == 't');
  if (is_digits(text + is_negative))
    return json_integer(strtoll(text, NULL, 10));
  if (is_real(text + is_negative))
    return json_real(strtod(text, NULL));
  return json_string(text);
}

static json_t *scalar_value(const yaml_event_t *event) {
  const char *text = (const char *)event->data.scalar.value;
  json_t *value =
      event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_value(text) : json_string(text);
  return value != NULL ? value : json_string("");
}

/* Where a value belongs
 * ----------------------------------------------------------------------------- */

/* Sets the pointer to the value that comes next, and returns what it goes into; NULL: the root. */
static Frame *enter(Reader *reader) {
  Frame *frame = reader->depth > 0 ? &reader->frames[reader->depth - 1] : NULL;
  reader->pointer.length = frame != NULL ? frame->pointer_length : 0;
  if (reader->pointer.text != NULL)
    reader->pointer.text[reader->pointer.length] = '\0';
  if (frame == NULL)
    return NULL;
  AUTO(str_free)
  char *index = frame->key == NULL ? str_format("%zu", json_array_size(frame->container)) : NULL;
  json_pointer_add(&reader->pointer, index != NULL ? index : frame->key);
  return frame;
}

/* Puts value where it belongs; takes it over. */
static void put(Reader *reader, json_t *value, Place place) {
  Frame *frame = enter(reader);
  remember(reader->yaml->values, reader->pointer.text != NULL ? reader->pointer.text : "", place);
  if (frame == NULL) {
    json_decref(reader->yaml->value);
    reader->yaml->value = value;
  } else if (frame->key == NULL) {
    (void)json_array_append_new(frame->container, value);
  } else {
    (void)json_object_set_new(frame->container, frame->key, value);
    str_free(frame->key);
    frame->key = NULL;
  }
}

static bool wants_key(const Reader *reader) {
  const Frame *frame = reader->depth > 0 ? &reader->frames[reader->depth - 1] : NULL;
  return frame != NULL && json_is_object(frame->container) && frame->key == NULL;
}

/* Each value remembers the keys that lead to it, so that long ones would take much memory. */
static void put_key(Reader *reader, const char *key, Place place) {
  if (strlen(key) > KEY_LENGTH) {
    stop(reader, place, "at most 100 characters", "this name is too long");
    return;
  }
  Frame *frame = &reader->frames[reader->depth - 1];
  frame->key = str_dup(key);
  (void)enter(reader);
  if (json_object_get(frame->container, key) != NULL) {
    Place first = yaml_place(reader->yaml, reader->pointer.text, true);
    AUTO(str_free) char *expected = str_format("it once: it is in line %d already", first.line);
    findings_add(reader->findings, place, expected, "\"%.60s\" is there twice", key);
  }
  remember(reader->yaml->keys, reader->pointer.text, place);
}

static void open_container(Reader *reader, json_t *container, Place place) {
  if (reader->depth == POLICY_DEPTH_LIMIT) {
    json_decref(container);
    stop(reader, place, "at most 16 levels", "this is nested too deeply");
    return;
  }
  put(reader, container, place);
  reader->frames[reader->depth++] =
      (Frame){.container = container, .pointer_length = reader->pointer.length};
}

static void close_container(Reader *reader) {
  Frame *frame = &reader->frames[--reader->depth];
  str_free(frame->key);
  frame->key = NULL;
}

/* Events
 * -------------------------------------------------------------------------------------------- */

static void refuse_marks(Reader *reader, Place place, const yaml_char_t *anchor,
                         const yaml_char_t *tag) {
  if (anchor != NULL)
    findings_add(reader->findings, place, "the value itself, written out",
                 "anchors (&%.40s) aren't used in policies", (const char *)anchor);
  if (tag != NULL)
    findings_add(reader->findings, place, "the value without it",
                 "tags (%.40s) aren't used in policies", (const char *)tag);
}

static void on_scalar(Reader *reader, const yaml_event_t *event, Place place) {
  const char *text = (const char *)event->data.scalar.value;
  refuse_marks(reader, place, event->data.scalar.anchor, event->data.scalar.tag);
  if (strlen(text) != event->data.scalar.length)
    findings_add(reader->findings, place, "text", "this holds a character with the number 0");
  if (wants_key(reader))
    put_key(reader, text, place);
  else
    put(reader, scalar_value(event), place);
}

static void on_alias(Reader *reader, const yaml_event_t *event, Place place) {
  if (wants_key(reader)) {
    stop(reader, place, "a word", "aliases can't be keys");
    return;
  }
  findings_add(reader->findings, place, "the value itself, written out",
               "aliases (*%.40s) aren't used in policies", (const char *)event->data.alias.anchor);
  put(reader, json_null(), place);
}

static void on_start(Reader *reader, const yaml_event_t *event, Place place) {
  bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
  if (wants_key(reader)) {
    stop(reader, place, "a word", "groups and lists can't be keys");
    return;
  }
  refuse_marks(reader, place,
               is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
               is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
  open_container(reader, is_mapping ? json_object() : json_array(), place);
}

static void on_event(Reader *reader, const yaml_event_t *event) {
  Place place = place_of(event->start_mark);
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT:
    if (++reader->documents > 1)
      stop(reader, place, "one document", "another document starts here");
    return;
  case YAML_SCALAR_EVENT:
    on_scalar(reader, event, place);
    break;
  case YAML_ALIAS_EVENT:
    on_alias(reader, event, place);
    break;
  case YAML_MAPPING_START_EVENT:
  case YAML_SEQUENCE_START_EVENT:
    on_start(reader, event, place);
    break;
  case YAML_MAPPING_END_EVENT:
  case YAML_SEQUENCE_END_EVENT:
    close_container(reader);
    return;
  default:
    return;
  }
  if (++reader->nodes > POLICY_NODE_LIMIT)
    stop(reader, place, "at most 100000 values", "the file holds too many values");
}

/* Where a reader stands that has passed length bytes of text. */
static Place place_after(const char *text, size_t length) {
  Place place = {.line = 1, .column = 1};
  for (size_t at = 0; at < length; at++) {
    place.column = text[at] == '\n' ? 1 : place.column + 1;
    place.line += text[at] == '\n';
  }
  return place;
}

/* Whether the line is indented by a tab. */
static bool has_tab(const char *text, size_t length, int line) {
  size_t at = 0;
  for (; at < length && line > 1; at++)
    line -= text[at] == '\n';
  while (at < length && text[at] == ' ')
    at++;
  return at < length && text[at] == '\t';
}

/* What libyaml couldn't read. */
static void on_failure(Reader *reader, const char *text, size_t length) {
  const yaml_parser_t *parser = &reader->parser;
  Place place = place_of(parser->problem_mark);
  if (parser->error == YAML_READER_ERROR)
    findings_add(
        reader->findings,
        place_after(text, parser->problem_offset < length ? parser->problem_offset : length),
        "text in UTF-8", "this isn't readable text");
  else if (has_tab(text, length, place.line))
    findings_add(reader->findings, place, "spaces", "a tab can't indent");
  else
    findings_add(reader->findings, place, "YAML", "%s%s%s",
                 parser->problem != NULL ? parser->problem : "this can't be read",
                 parser->context != NULL ? ", " : "",
                 parser->context != NULL ? parser->context : "");
}

static void read_events(Reader *reader, const char *text, size_t length) {
  bool is_end = false;
  while (!is_end && !reader->stopped) {
    yaml_event_t event;
    if (!yaml_parser_parse(&reader->parser, &event)) {
      on_failure(reader, text, length);
      reader->stopped = true;
      return;
    }
    on_event(reader, &event);
    is_end = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
}

void yaml_read(const char *text, size_t length, Yaml *ret, PolicyFindings *findings) {
  Reader reader = {.yaml = ret, .findings = findings};
  *ret = (Yaml){.values = json_object(), .keys = json_object()};
  if (!yaml_parser_initialize(&reader.parser)) {
    findings_add(findings, (Place){1, 1}, "", "there is no memory to read it");
    return;
  }
  yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
  read_events(&reader, text, length);
  yaml_parser_delete(&reader.parser);
  while (reader.depth > 0)
    close_container(&reader);
  buffer_release(&reader.pointer);
  if (reader.stopped) {
    json_decref(ret->value);
    ret->value = NULL;
  } else if (ret->value == NULL) {
    findings_add(findings, (Place){1, 1}, "a policy", "the file is empty");
  }
}

void yaml_release(Yaml *yaml) {
  json_decref(yaml->value);
  json_decref(yaml->values);
  json_decref(yaml->keys);
  *yaml = (Yaml){0};
}

Place yaml_place(const Yaml *yaml, const char *pointer, bool is_key) {
  AUTO(str_free) char *path = str_dup(pointer);
  const json_t *found = json_object_get(is_key ? yaml->keys : yaml->values, path);
  while (found == NULL && path[0] != '\0') {
    *strrchr(path, '/') = '\0';
    found = json_object_get(yaml->values, path);
  }
  json_int_t packed = json_integer_value(found);
  if (packed == 0)
    return (Place){.line = 1, .column = 1};
  return (Place){.line = (int)(packed >> PLACE_SHIFT),
                 .column = (int)(packed & ((1 << PLACE_SHIFT) - 1))};
}
