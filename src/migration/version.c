/* The order of versions. */
#include "migration/internal.h"

#include <string.h>

/* Compares the numbers that begin at *left and *right, of any length, and moves behind them and
 * their dot. One that isn't there is 0. */
static int compare_number(const char **left, const char **right) {
  *left += strspn(*left, "0");
  *right += strspn(*right, "0");
  size_t left_digits = strspn(*left, "0123456789");
  size_t right_digits = strspn(*right, "0123456789");
  int order = left_digits != right_digits ? (left_digits < right_digits ? -1 : 1)
                                          : memcmp(*left, *right, left_digits);
  *left += left_digits;
  *right += right_digits;
  *left += **left == '.';
  *right += **right == '.';
  return order;
}

int migration_version_compare(MigrationLayout layout, const char *left, const char *right) {
  if (layout == LAYOUT_STEM)
    return strcmp(left, right);
  int order = 0;
  while (order == 0 && (*left != '\0' || *right != '\0')) {
    const char *left_before = left;
    const char *right_before = right;
    order = compare_number(&left, &right);
    if (order == 0 && left == left_before && right == right_before)
      return strcmp(left, right); /* no version, but it has to end */
  }
  return order;
}
