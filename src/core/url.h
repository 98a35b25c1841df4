/* Text as part of a URL. */
#pragma once

#include "core/str.h"

/* RFC 3986: everything but letters, digits and -._~ as %XX. */
void url_add_encoded(Buffer *url, const char *text);
