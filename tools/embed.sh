#!/bin/sh
# Writes a C file that holds text files: embed.sh OUTPUT SYMBOL FILE... defines
#   const EmbeddedFile SYMBOL[] = {{"0001_initial.sql", "..."}, ...}; const size_t SYMBOL_count;
# One string literal per line, so that the compiler's messages and a reader find their way.
set -eu
output=$1 symbol=$2
shift 2
{
  printf '/* Made by tools/embed.sh. */\n#include "core/embed.h"\n\n'
  printf 'const EmbeddedFile %s[] = {\n' "$symbol"
  for file; do
    printf '  {"%s",\n' "$(basename "$file")"
    # a question mark is escaped against trigraphs
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/.*/   "&\\n"/' "$file"
    printf '   ""},\n'
  done
  printf '};\nconst size_t %s_count = %s;\n' "$symbol" "$#"
} >"$output.part"
mv "$output.part" "$output"
