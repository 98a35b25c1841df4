/* YAML as people write policies in it: a value, and where each part of it stands. Anchors, aliases,
 * tags, several documents, keys that aren't words and keys given twice are refused: none is needed,
 * and each is a way to make a file mean something else than it seems to. Plain words are what JSON
 * would read (null, true, false, numbers), everything else is text: `no` and `on` too. */
#pragma once

#include "policy/findings.h"

typedef struct Yaml {
  json_t *value;  /* NULL when nothing could be read */
  json_t *values; /* JSON Pointer -> where the value starts */
  json_t *keys;   /* JSON Pointer -> where the member's key stands */
} Yaml;

/* Reads what can be read; the rest becomes findings. length is at most POLICY_TEXT_LIMIT. */
void yaml_read(const char *text, size_t length, Yaml *ret, PolicyFindings *findings);
void yaml_release(Yaml *yaml);

/* Where the value at pointer starts (is_key: its key); of the nearest outer value where it isn't
 * there. */
Place yaml_place(const Yaml *yaml, const char *pointer, bool is_key);
