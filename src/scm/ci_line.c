/* The declared line, and the files that its programs look for by themselves. */
#include "scm/ci_line.h"

#include "core/str.h"

#include <string.h>

typedef struct Tool {
  const char *programs[5]; /* as words of the line */
  const char *rules[6];    /* files that say what it does: the target's alone */
  const char *mixed[4];    /* that say it among other things, wherever they lie */
  bool needs_rules;        /* does nothing without any of them */
  bool has_goals;          /* makes what isn't there, also what it reads */
} Tool;

/* A file is among the rules if a change of it alone can be tested by the target's, so that what
 * needs it comes in a second step; where its dependencies stand that isn't so. */
static const Tool tools[] = {
    {{"make", "gmake"},
     {"GNUmakefile", "makefile", "Makefile"},
     .needs_rules = true,
     .has_goals = true},
    {{"just"}, {"justfile", "Justfile", ".justfile"}, .needs_rules = true},
    {{"rake"}, {"rakefile", "Rakefile", "rakefile.rb", "Rakefile.rb"}, .needs_rules = true},
    {{"npm", "npx", "pnpm", "yarn"},
     {".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs"},
     {"package.json"}},
    {{"pytest", "py.test", "tox"},
     {"pytest.ini", ".pytest.ini", "tox.ini"},
     {"conftest.py", "pyproject.toml", "setup.cfg"}},
    {{"cargo"},
     {".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"},
     {"Cargo.toml", "build.rs"}},
    {{"go"}, {"go.work"}, {"go.mod"}},
    {{"prove", "pg_prove"}, {".proverc"}},
    {{"rspec"}, {".rspec"}},
    {{"phpunit"}, {"phpunit.xml", "phpunit.dist.xml", "phpunit.xml.dist"}},
};

/* ---- its words ---- */

static const char between[] = " \t\n;&|()<>{}\"'`=";

void ci_line_release(CiLine *line) {
  str_free(line->text);
  mem_free(line->words);
  *line = (CiLine){0};
}

/* "./tests/" is "tests". */
static const char *bare(char *word) {
  size_t length = strlen(word);
  while (length > 1 && word[length - 1] == '/')
    word[--length] = '\0';
  while (str_starts(word, "./"))
    word += 2;
  return word;
}

static bool starts(const char *word, const Tool *tool) {
  const char *slash = strrchr(word, '/');
  const char *program = slash != NULL ? slash + 1 : word;
  for (const char *const *name = tool->programs; *name != NULL; name++)
    if (str_equal(program, *name))
      return true;
  return false;
}

static void add_word(CiLine *line, const char *word) {
  line->words[line->count++] = word;
  for (size_t at = 0; at < ARRAY_LENGTH(tools); at++)
    if (starts(word, &tools[at]))
      line->started |= 1U << at;
}

void ci_line_init(const char *text, const json_t *base, CiLine *ret) {
  *ret = (CiLine){.text = str_dup(text), .base = base};
  ret->words = mem_new(strlen(text) / 2 + 1, sizeof *ret->words);
  for (char *at = ret->text + strspn(ret->text, between); *at != '\0';) {
    char *end = at + strcspn(at, between);
    char *next = end + strspn(end, between);
    *end = '\0';
    add_word(ret, bare(at));
    at = next;
  }
}

/* Also behind "$PWD/" and "../". */
static bool word_is(const char *word, const char *path, size_t length) {
  size_t more = strlen(word);
  if (more < length || strncmp(word + more - length, path, length) != 0)
    return false;
  more -= length;
  bool leads_here = word[0] == '$' || str_starts(word, "../");
  return more == 0 || (leads_here && word[more - 1] == '/');
}

static bool has_word(const CiLine *line, const char *path, size_t length) {
  for (size_t at = 0; at < line->count; at++)
    if (word_is(line->words[at], path, length))
      return true;
  return false;
}

/* Where the line may go before it starts something: `cd app`, `-C app`. */
static bool is_folder(const CiLine *line, const char *path, size_t length) {
  return length == 0 || has_word(line, path, length);
}

/* By its path, or where the line goes first. */
static bool names(const CiLine *line, const char *path, size_t length) {
  size_t folder = length;
  while (folder > 0 && path[folder - 1] != '/')
    folder--;
  return has_word(line, path, length) || (folder > 0 && has_word(line, path, folder - 1) &&
                                          has_word(line, path + folder, length - folder));
}

/* ---- what they read ---- */

/* *ret_folder: the length of what stands before the name, without the slash. */
static bool ends_as(const char *path, const char *name, size_t *ret_folder) {
  size_t length = strlen(path);
  size_t own = strlen(name);
  if (length < own || strcmp(path + length - own, name) != 0)
    return false;
  if (length > own && path[length - own - 1] != '/')
    return false;
  *ret_folder = length > own ? length - own - 1 : 0;
  return true;
}

static bool base_has_rules(const CiLine *line, const Tool *tool, const char *path, size_t folder) {
  for (const char *const *name = tool->rules; *name != NULL; name++) {
    AUTO(str_free)
    char *wanted = str_format("%.*s%s%s", (int)folder, path, folder > 0 ? "/" : "", *name);
    if (json_object_get(line->base, wanted) != NULL)
      return true;
  }
  return false;
}

static CiRole role_of_rules(const CiLine *line, const Tool *tool, const char *path) {
  size_t folder = 0;
  for (const char *const *name = tool->rules; *name != NULL; name++)
    if (ends_as(path, *name, &folder) && is_folder(line, path, folder))
      return !tool->needs_rules || base_has_rules(line, tool, path, folder) ? CI_ROLE_RULES
                                                                            : CI_ROLE_RUN;
  return CI_ROLE_NONE;
}

/* make makes anew what it reads, by rules that are built into it: Makefile of a newer Makefile.sh.
 */
static CiRole role_of_sources(const CiLine *line, const Tool *tool, const char *path) {
  static const char *const endings[] = {".C",   ".F", ".S", ".c", ".cc", ".cpp", ".f", ".l", ".m",
                                        ".mod", ".o", ".p", ".r", ".s",  ".sh",  ".y", ",v"};
  CiRole role = CI_ROLE_NONE;
  for (size_t at = 0; tool->has_goals && at < ARRAY_LENGTH(endings); at++)
    if (str_ends(path, endings[at])) {
      AUTO(str_free) char *made = str_ndup(path, strlen(path) - strlen(endings[at]));
      role = role_of_rules(line, tool, made);
    }
  return role;
}

/* The file itself, or a folder on the way to it: of one that the target has nothing can be said. */
static CiRole role_of_goals(const CiLine *line, const Tool *tool, const char *path) {
  size_t folder = 0;
  for (size_t end = 1; tool->has_goals && path[end - 1] != '\0'; end++) {
    if (path[end] != '\0' && path[end] != '/')
      continue;
    AUTO(str_free) char *goal = str_ndup(path, end);
    if (names(line, path, end) && json_object_get(line->base, goal) == NULL &&
        base_has_rules(line, tool, path, folder))
      return CI_ROLE_GOAL;
    folder = end;
  }
  return CI_ROLE_NONE;
}

static CiRole role_as_mixed(const CiLine *line, const Tool *tool, const char *path) {
  size_t folder = 0;
  for (const char *const *name = tool->mixed; *name != NULL; name++)
    if (ends_as(path, *name, &folder))
      return CI_ROLE_MIXED;
  return CI_ROLE_NONE;
}

typedef CiRole RoleQuestion(const CiLine *line, const Tool *tool, const char *path);

static CiRole ask_tools(const CiLine *line, RoleQuestion *question, const char *path) {
  CiRole role = CI_ROLE_NONE;
  for (size_t at = 0; role == CI_ROLE_NONE && at < ARRAY_LENGTH(tools); at++)
    if ((line->started & (1U << at)) != 0)
      role = question(line, &tools[at], path);
  return role;
}

CiRole ci_line_role(const CiLine *line, const char *path) {
  static RoleQuestion *const questions[] = {role_of_rules, role_of_sources, role_of_goals};
  CiRole role = CI_ROLE_NONE;
  size_t folder = 0;
  if (ends_as(path, ".gitattributes", &folder))
    return CI_ROLE_WRITES;
  for (size_t at = 0; role == CI_ROLE_NONE && at < ARRAY_LENGTH(questions); at++)
    role = ask_tools(line, questions[at], path);
  if (role == CI_ROLE_NONE && names(line, path, strlen(path)))
    role = CI_ROLE_RUN;
  return role != CI_ROLE_NONE ? role : ask_tools(line, role_as_mixed, path);
}
