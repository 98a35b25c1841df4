/* Attributes and small macros that every file relies on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller must look at the result. */
#define CHECKED __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* AUTO(str_free) char *s = NULL;  calls str_free(s) when s goes out of scope. Every free accepts
 * NULL. AUTO_RELEASE is the same for values that are embedded: x_release(&x). A guard is there to
 * be released, so clang isn't to ask for another use of it. */
#define AUTO(free_function) __attribute__((cleanup(free_function##_auto), unused))
#define AUTO_RELEASE(release_function) __attribute__((cleanup(release_function), unused))

/* Declares the adapter that AUTO needs: DEFINE_AUTO(Lock *, lock_free). */
#define DEFINE_AUTO(type, free_function)                                                           \
  static inline __attribute__((unused)) void free_function##_auto(type *pointer) {                 \
    free_function(*pointer);                                                                       \
  }

/* Moves ownership out of an AUTO variable. */
#define STEAL(variable)                                                                            \
  __extension__({                                                                                  \
    __auto_type stolen_ = (variable);                                                              \
    (variable) = NULL;                                                                             \
    stolen_;                                                                                       \
  })

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
