/* Pieces that the show functions of several commands share. */
#pragma once

#include "cli/command.h"

/* "name:    value" lines of one object; NULL and JSON null are left out. */
void show_field(const Cli *cli, const char *label, const char *value);
void show_bytes_field(const Cli *cli, const char *label, const json_t *value); /* null: unknown */
void show_state_field(const Cli *cli, const char *label, const char *state);

/* The notes of an answer, one line each. */
void show_notes(const Cli *cli, const json_t *result);

/* One line of text; "" for NULL. */
void show_line(const Cli *cli, Colour colour, const char *format, ...) PRINTF(3, 4);

/* A member that is text, "-" when it's null or missing. */
const char *show_text(const json_t *object, const char *key);
/* The member key of object, an array; NULL (which jansson iterates as empty) when it's none. */
const json_t *show_array(const json_t *object, const char *key);
/* How long ago a time like 2026-01-31T12:00:00Z is, "3 minutes ago"; the text itself if it is none.
 */
void show_ago(const char *time, char ret[HUMAN_SIZE + 16]);
