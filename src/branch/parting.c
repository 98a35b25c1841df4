/* Finds the fork at which two branches parted, and its record. */
#include "branch/parting.h"

#include "core/str.h"

enum { DEPTH_LIMIT = 256 };

/* A branch and its ancestors, as far as each step still means what it meant at the fork. */
typedef struct Line {
  BranchRow *branches; /* the branch itself, its parent, ... */
  size_t count;
} Line;

static void line_release(Line *line) {
  mem_free(line->branches);
}

/* A parent that was reset after the fork holds other data now, with other numbers. */
static bool line_read(Context *context, const BranchRow *branch, Line *ret, Error *err) {
  ret->branches = mem_new(DEPTH_LIMIT, sizeof *ret->branches);
  ret->branches[ret->count++] = *branch;
  while (ret->count < DEPTH_LIMIT) {
    const BranchRow *child = &ret->branches[ret->count - 1];
    BranchRow parent;
    if (child->parent[0] == '\0')
      return true;
    if (!branch_get(context->catalog, child->parent, &parent, err))
      return false;
    if (parent.forked_at > child->forked_at)
      return true;
    ret->branches[ret->count++] = parent;
  }
  return true;
}

/* The places of the nearest branch that both descend from, or are. */
static bool find_common(const Line *left, const Line *right, size_t *ret_left, size_t *ret_right) {
  for (size_t at = 0; at < left->count; at++)
    for (size_t other = 0; other < right->count; other++)
      if (str_equal(left->branches[at].id, right->branches[other].id)) {
        *ret_left = at;
        *ret_right = other;
        return true;
      }
  return false;
}

/* The record of the fork that stands just below the ancestor. A branch that was never started has
 * none, but then it is unchanged, and its child's is the same. */
static const char *record_below(const Line *line, size_t ancestor) {
  for (size_t at = ancestor; at > 0; at--)
    if (line->branches[at - 1].identity[0] != '\0')
      return line->branches[at - 1].identity;
  return "";
}

/* The first of the two forks from the common ancestor: what that one made between the two is on one
 * side only, and may have the numbers of what the other side made. */
static const char *choose(const Line *left, size_t left_at, const Line *right, size_t right_at) {
  if (left_at == 0)
    return record_below(right, right_at);
  if (right_at == 0)
    return record_below(left, left_at);
  bool left_is_first =
      left->branches[left_at - 1].forked_at <= right->branches[right_at - 1].forked_at;
  return left_is_first ? record_below(left, left_at) : record_below(right, right_at);
}

bool parting_record(Context *context, const BranchRow *left, const BranchRow *right, char **ret,
                    Error *err) {
  AUTO_RELEASE(line_release) Line left_line = {0};
  AUTO_RELEASE(line_release) Line right_line = {0};
  size_t left_at = 0;
  size_t right_at = 0;
  if (!line_read(context, left, &left_line, err) || !line_read(context, right, &right_line, err))
    return false;
  const char *digest = "";
  if (find_common(&left_line, &right_line, &left_at, &right_at))
    digest = choose(&left_line, left_at, &right_line, right_at);
  if (digest[0] == '\0') {
    *ret = NULL;
    return true;
  }
  return identity_load(context->catalog, digest, ret, err);
}
