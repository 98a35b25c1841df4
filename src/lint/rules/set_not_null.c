/* NOT NULL that reads the whole table. */
#include "lint/rule.h"

/* Whether expression is "column IS NOT NULL". */
static bool says_not_null(const PgQuery__Node *expression, const char *column) {
  const PgQuery__NullTest *test = SQL_NODE(expression, NULL_TEST, null_test);
  if (test == NULL || test->nulltesttype != PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL)
    return false;
  const PgQuery__ColumnRef *reference = SQL_NODE(test->arg, COLUMN_REF, column_ref);
  return reference != NULL &&
         lint_same_name(tree_name(reference->fields, reference->n_fields, 0), column);
}

/* What an earlier statement adds under that name to the table; NULL: nothing here does. */
static const PgQuery__Constraint *find_added(const Lint *lint, const PgQuery__RangeVar *table,
                                             const char *name) {
  for (size_t at = 0; at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter == NULL || !lint_same_table(alter->relation, table))
      continue;
    for (size_t of = 0; of < alter->n_cmds; of++) {
      const PgQuery__Constraint *constraint =
          SQL_NODE(alter->cmds[of]->alter_table_cmd->def, CONSTRAINT, constraint);
      if (constraint != NULL && lint_same_name(constraint->conname, name))
        return constraint;
    }
  }
  return NULL;
}

/* A constraint that an earlier migration added and this one validated may well be the one. */
static bool proves(const Lint *lint, const PgQuery__RangeVar *table,
                   const PgQuery__AlterTableCmd *command, const char *column) {
  if (command->subtype != AT(ValidateConstraint))
    return false;
  const PgQuery__Constraint *added = find_added(lint, table, command->name);
  return added == NULL || says_not_null(added->raw_expr, column);
}

static bool is_proved(const Lint *lint, const PgQuery__RangeVar *table, const char *column) {
  for (size_t at = 0; at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter == NULL || !lint_same_table(alter->relation, table))
      continue;
    for (size_t of = 0; of < alter->n_cmds; of++)
      if (proves(lint, table, alter->cmds[of]->alter_table_cmd, column))
        return true;
  }
  return false;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(SetNotNull) && !target->fresh &&
      !is_proved(lint, target->table, command->name))
    lint_find(lint, -1, "all of %s is read under a lock to see that %s has no NULL",
              target->table->relname, command->name);
}

const LintRule rule_set_not_null = {
    .name = "set-not-null",
    .severity = LINT_WARNING,
    .why = "SET NOT NULL reads the whole table under an exclusive lock, unless a valid CHECK "
           "already says that the column has no NULL.",
    .instead = "Add CHECK (column IS NOT NULL) NOT VALID, validate it in another transaction, then "
               "SET NOT NULL and drop the CHECK.",
    .refactoring = "Make Column Non-Nullable",
    .bad = "ALTER TABLE parts ALTER COLUMN weight SET NOT NULL;",
    .good = "ALTER TABLE parts ADD CONSTRAINT weight_there CHECK (weight IS NOT NULL) NOT VALID;\n"
            "ALTER TABLE parts VALIDATE CONSTRAINT weight_there;\n"
            "ALTER TABLE parts ALTER COLUMN weight SET NOT NULL;\n"
            "ALTER TABLE parts DROP CONSTRAINT weight_there;",
    .on_command = check,
};
