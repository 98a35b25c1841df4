/* The form for a pull request: what matters first, objects folded, everything quoted. */
#include "diff/render.h"

#include "core/escape.h"
#include "core/hex.h"
#include "diff/name.h"
#include "diff/outline.h"

#include <openssl/sha.h>
#include <string.h>

enum {
  LENGTH_LIMIT = 60000, /* GitHub refuses comments of more than 65536 characters */
  BLOCK_LIMIT = 2000,
  LONG = 80
};

typedef struct Page {
  Buffer out;
  const Diff *diff;
  const RenderOptions *options;
} Page;

static void add_code(Page *page, const char *text) {
  buffer_add_text(&page->out, "<code>");
  escape_inline(&page->out, text);
  buffer_add_text(&page->out, "</code>");
}

/* ---- summary ---- */

static void add_counts(Page *page, const Counts *counts) {
  const char *separator = "";
  for (size_t kind = 0; kind < ARRAY_LENGTH(counts->by_kind); kind++)
    if (counts->by_kind[kind] > 0) {
      buffer_add_format(&page->out, "%s**%zu %s**", separator, counts->by_kind[kind],
                        change_word((ChangeKind)kind));
      separator = ", ";
    }
  buffer_add_text(&page->out, "\n\n");
}

static void add_change_name(Page *page, const Change *change) {
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  buffer_add_format(&page->out, "%s ", kind_info(change->object_kind)->word);
  if (change->kind == CHANGE_RENAMED) {
    object_add_identity(&name, change->before);
    add_code(page, name.text);
    buffer_add_text(&page->out, " to ");
    buffer_clear(&name);
  }
  object_add_identity(&name, change_object(change));
  add_code(page, name.text);
  if (change->kind == CHANGE_RENAMED)
    buffer_add_text(&page->out, change->is_certain ? "" : " (a guess)");
}

static void add_impact(Page *page, const Impact *impact) {
  static const struct {
    unsigned effect;
    const char *word;
  } words[] = {{IMPACT_DESTRUCTIVE, "destructive"},
               {IMPACT_REWRITE, "table rewrite"},
               {IMPACT_LOCK, "heavy lock"}};
  const char *separator = "";
  for (size_t at = 0; at < ARRAY_LENGTH(words); at++)
    if ((impact->effects & words[at].effect) != 0) {
      buffer_add_format(&page->out, "%s**%s**", separator, words[at].word);
      separator = ", ";
    }
  if (impact->lock != NULL)
    buffer_add_format(&page->out, " (%s)", impact->lock);
  buffer_add_format(&page->out, ": %s", impact->reason);
  if (impact->subject == NULL || impact->subject->size < 0)
    return;
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  object_add_identity(&name, impact->subject);
  buffer_add_text(&page->out, "; ");
  add_code(page, name.text);
  buffer_add_text(&page->out, " has ");
  outline_add_size(&page->out, impact->subject->size);
}

static void add_warnings(Page *page, const Outline *outline) {
  size_t shown = 0;
  for (size_t at = 0; at < outline->count && page->out.length < LENGTH_LIMIT / 2; at++) {
    const Change *change = outline->lines[at].change;
    Impact impacts[IMPACT_LIMIT];
    size_t count = impact_of(page->diff, change, impacts);
    for (size_t each = 0; each < count; each++, shown++) {
      buffer_add_format(&page->out, "- :warning: %s ", change_word(change->kind));
      add_change_name(page, change);
      buffer_add_text(&page->out, ": ");
      add_impact(page, &impacts[each]);
      buffer_add_text(&page->out, "\n");
    }
  }
  if (shown > 0)
    buffer_add_text(&page->out, "\n");
}

/* ---- objects ---- */

static void add_block(Page *page, const char *mark, const char *value) {
  if (value == NULL)
    return;
  size_t length = strlen(value);
  bool is_cut = length > BLOCK_LIMIT;
  while (is_cut && (length > BLOCK_LIMIT || (value[length] & 0xC0) == 0x80))
    length--; /* to the start of a character */
  AUTO(str_free) char *shown = str_ndup(value, length);
  buffer_add_format(&page->out, "\n<pre>%s ", mark);
  escape_block(&page->out, shown);
  buffer_add_text(&page->out, is_cut ? " ...</pre>\n" : "</pre>\n");
}

static void add_property(Page *page, const PropertyChange *property) {
  const char *values[] = {property->before, property->after};
  bool is_long = false;
  for (size_t at = 0; at < ARRAY_LENGTH(values); at++)
    is_long = is_long || (values[at] != NULL &&
                          (strlen(values[at]) > LONG || strchr(values[at], '\n') != NULL));
  buffer_add_format(&page->out, "  - %s", property->name);
  if (is_long) {
    buffer_add_text(&page->out, "\n");
    add_block(page, "-", values[0]);
    add_block(page, "+", values[1]);
    buffer_add_text(&page->out, "\n");
    return;
  }
  buffer_add_text(&page->out, ": ");
  add_code(page, values[0] != NULL && values[0][0] != '\0' ? values[0] : "none");
  buffer_add_text(&page->out, " to ");
  add_code(page, values[1] != NULL && values[1][0] != '\0' ? values[1] : "none");
  buffer_add_text(&page->out, "\n");
}

static void add_facts(Page *page, const Object *object) {
  AUTO_RELEASE(buffer_release) Buffer facts = {0};
  outline_add_facts(&facts, object);
  if (facts.length == 0)
    return;
  buffer_add_text(&page->out, " ");
  add_code(page, facts.text + 1); /* behind its blank */
}

static void add_parts(Page *page, const Object *object) {
  for (const Object *part = object->first_child; part != NULL; part = part->next) {
    if (page->out.length > LENGTH_LIMIT)
      return;
    AUTO_RELEASE(buffer_release) Buffer name = {0};
    name_add(&name, part->name);
    buffer_add_format(&page->out, "  - %s ", kind_info(part->kind)->word);
    add_code(page, name.text);
    add_facts(page, part);
    buffer_add_text(&page->out, "\n");
  }
}

static void add_grants(Page *page, const Object *object) {
  Arena arena = {NULL};
  const char *grants = object_grants(&arena, object);
  if (grants[0] != '\0') {
    buffer_add_text(&page->out, "  - grants: ");
    add_code(page, grants);
    buffer_add_text(&page->out, "\n");
  }
  arena_release(&arena);
}

static bool is_shown(const Change *change, const PropertyChange *property, bool rights) {
  if (str_equal(property->name, "name"))
    return false;
  return !change_in_rights(change) || !change_in_schema(change) || property->is_rights == rights;
}

static void add_change(Page *page, const Change *change, bool rights) {
  const char *extra = change->is_replaced                ? ", dropped and made anew"
                      : change->kind == CHANGE_REORDERED ? ": in another order"
                                                         : "";
  buffer_add_format(&page->out, "- %s ", change_word(change->kind));
  add_change_name(page, change);
  buffer_add_text(&page->out, extra);
  if (change->kind == CHANGE_ADDED || change->kind == CHANGE_REMOVED)
    add_facts(page, change_object(change));
  buffer_add_text(&page->out, "\n");
  if (change->kind == CHANGE_ADDED && !rights)
    add_parts(page, change->after);
  if (rights && change->property_count == 0)
    add_grants(page, change_object(change));
  for (size_t at = 0; at < change->property_count; at++)
    if (is_shown(change, &change->properties[at], rights))
      add_property(page, &change->properties[at]);
}

static bool belongs(const Change *change, bool rights) {
  return rights ? change_in_rights(change) : change_in_schema(change);
}

static void open_details(Page *page, const Object *top) {
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  object_add_identity(&name, top);
  buffer_add_format(&page->out, "<details><summary>%s ", kind_info(top->kind)->word);
  add_code(page, name.text);
  buffer_add_text(&page->out, "</summary>\n\n");
}

/* Objects that don't fit any more are counted instead. */
static void add_section(Page *page, const Outline *outline, bool rights, const char *title) {
  const Object *top = NULL;
  size_t left_out = 0;
  for (size_t at = 0; at < outline->count; at++) {
    const OutlineLine *line = &outline->lines[at];
    if (!belongs(line->change, rights))
      continue;
    if (page->out.length > LENGTH_LIMIT) {
      left_out++;
      continue;
    }
    if (top == NULL)
      buffer_add_format(&page->out, "### %s\n\n", title);
    if (top != line->top) {
      buffer_add_text(&page->out, top != NULL ? "\n</details>\n" : "");
      open_details(page, line->top);
    }
    top = line->top;
    add_change(page, line->change, rights);
  }
  if (top != NULL)
    buffer_add_text(&page->out, "\n</details>\n\n");
  if (left_out > 0)
    buffer_add_format(&page->out, "%zu more changes are too much for one comment.\n\n", left_out);
}

/* ---- the whole ---- */

static void add_digest(Buffer *ret, const Buffer *page) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  char text[2 * SHA256_DIGEST_LENGTH + 1];
  (void)SHA256((const unsigned char *)page->text, page->length, digest);
  hex_write(digest, sizeof digest, text);
  buffer_add_format(ret, "<!-- bough-diff sha256:%s -->\n", text);
}

char *render_markdown(const Diff *diff, const RenderOptions *options) {
  if (diff_is_empty(diff))
    return str_dup("");
  Page page = {.diff = diff, .options = options};
  Outline outline;
  outline_init(&outline, diff);
  Counts counts = outline_count(&outline, diff);
  buffer_add_text(&page.out, "## Schema changes of ");
  add_code(&page, options->after);
  buffer_add_text(&page.out, " against ");
  add_code(&page, options->before);
  buffer_add_text(&page.out, "\n\n");
  add_counts(&page, &counts);
  add_warnings(&page, &outline);
  add_section(&page, &outline, false, "Objects");
  add_section(&page, &outline, true, "Rights");
  if (outline.inherited > 0)
    buffer_add_format(&page.out, "%zu more follow from these on partitions and child tables.\n",
                      outline.inherited);
  outline_release(&outline);
  Buffer whole = {0};
  add_digest(&whole, &page.out);
  buffer_add(&whole, page.out.text, page.out.length);
  buffer_release(&page.out);
  return buffer_steal(&whole);
}
