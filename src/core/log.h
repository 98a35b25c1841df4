/* One line per event on stderr. Only the edges call it (daemon, agent, http, cli): everything below
 * returns its failures, so that each is told once. Never give it a secret. */
#pragma once

#include "core/base.h"
#include "core/error.h"

void log_start(const char *program); /* the name in front of each line; borrowed */
void log_info(const char *format, ...) PRINTF(1, 2);
void log_warning(const char *format, ...) PRINTF(1, 2);
void log_error(const Error *err, const char *format, ...) PRINTF(2, 3); /* "text: message" */
