/* Text as part of a URL. */
#include "core/url.h"

#include <string.h>

void url_add_encoded(Buffer *url, const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
    bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                    (*c >= '0' && *c <= '9') || strchr("-._~", *c) != NULL;
    if (is_plain)
      buffer_add(url, c, 1);
    else
      buffer_add_format(url, "%%%02X", *c);
  }
}
