/* A schema, type or enum value renamed in one step. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  const PgQuery__RenameStmt *rename = SQL_NODE(part->tree, RENAME_STMT, rename_stmt);
  const PgQuery__AlterEnumStmt *alter = SQL_NODE(part->tree, ALTER_ENUM_STMT, alter_enum_stmt);
  const PgQuery__AlterObjectSchemaStmt *move =
      SQL_NODE(part->tree, ALTER_OBJECT_SCHEMA_STMT, alter_object_schema_stmt);
  bool renames = rename != NULL &&
                 (rename->rename_type == OBJECT(SCHEMA) || rename->rename_type == OBJECT(TYPE) ||
                  rename->rename_type == OBJECT(FUNCTION));
  if (renames || (alter != NULL && alter->old_val[0] != '\0'))
    lint_find(lint, -1, "%s without a transition", part->name);
  else if (move != NULL && !lint_is_fresh(lint, move->relation))
    lint_find(lint, -1, "what is moved to schema %s can't be found where it was", move->newschema);
}

const LintRule rule_rename_other = {
    .name = "rename-other",
    .severity = LINT_WARNING,
    .why = "Whoever uses the old name fails from this moment on.",
    .instead =
        "Make the new one beside the old one, let the code move over, then drop the old one.",
    .refactoring = "Rename Table",
    .bad = "ALTER SCHEMA stock RENAME TO inventory;",
    .good = "CREATE SCHEMA inventory;",
    .on_statement = check,
};
