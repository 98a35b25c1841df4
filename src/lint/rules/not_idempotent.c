/* What fails when it is run a second time. */
#include "lint/rule.h"

static bool drops_before(const Lint *lint, const LintTarget *target, const char *name) {
  for (size_t at = 0; at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    for (size_t of = 0; alter != NULL && of < alter->n_cmds; of++) {
      const PgQuery__AlterTableCmd *command = alter->cmds[of]->alter_table_cmd;
      if (command->subtype == AT(DropConstraint) && command->missing_ok &&
          lint_same_table(alter->relation, target->table) && lint_same_name(command->name, name))
        return true;
    }
  }
  return false;
}

/* All of a transaction is done or nothing: what failed half-way can be run again. Where a migration
 * has to be idempotent that is not enough. */
static bool is_taken_back(const Lint *lint) {
  return lint_in_transaction(lint) && !lint_must_be_idempotent(lint);
}

static void check_command(Lint *lint, const LintTarget *target,
                          const PgQuery__AlterTableCmd *command) {
  const PgQuery__Constraint *constraint = SQL_NODE(command->def, CONSTRAINT, constraint);
  bool adds = command->subtype == AT(AddColumn) && !command->missing_ok;
  bool drops = (command->subtype == AT(DropColumn) || command->subtype == AT(DropConstraint)) &&
               !command->missing_ok;
  bool constrains = command->subtype == AT(AddConstraint) && constraint != NULL &&
                    !drops_before(lint, target, constraint->conname);
  if ((adds || drops || constrains) && !target->fresh && !is_taken_back(lint))
    lint_find(lint, -1, "run again, this change of %s fails", target->table->relname);
}

/* What creates or drops without saying what is to be done if that has been done. */
static bool fails_again(const PgQuery__Node *tree) {
  switch (tree->node_case) {
  case NODE(CREATE_STMT):
    return !tree->create_stmt->if_not_exists &&
           !lint_same_name(tree->create_stmt->relation->relpersistence, "t");
  case NODE(INDEX_STMT):
    return !tree->index_stmt->if_not_exists && tree->index_stmt->idxname[0] != '\0';
  case NODE(CREATE_SEQ_STMT):
    return !tree->create_seq_stmt->if_not_exists;
  case NODE(CREATE_SCHEMA_STMT):
    return !tree->create_schema_stmt->if_not_exists;
  case NODE(CREATE_EXTENSION_STMT):
    return !tree->create_extension_stmt->if_not_exists;
  case NODE(CREATE_FUNCTION_STMT):
    return !tree->create_function_stmt->replace;
  case NODE(VIEW_STMT):
    return !tree->view_stmt->replace;
  case NODE(CREATE_TRIG_STMT):
    return !tree->create_trig_stmt->replace;
  case NODE(DROP_STMT):
    return !tree->drop_stmt->missing_ok;
  case NODE(ALTER_ENUM_STMT):
    return !tree->alter_enum_stmt->skip_if_new_val_exists;
  case NODE(CREATE_ENUM_STMT):
  case NODE(CREATE_DOMAIN_STMT):
  case NODE(COMPOSITE_TYPE_STMT):
  case NODE(CREATE_POLICY_STMT):
  case NODE(RENAME_STMT):
    return true;
  default:
    return false;
  }
}

static void check(Lint *lint, const SqlPart *part) {
  if (part->tree != NULL && fails_again(part->tree) && !is_taken_back(lint))
    lint_find(lint, -1, "run again, %s fails", part->name);
}

const LintRule rule_not_idempotent = {
    .name = "not-idempotent",
    .severity = LINT_ERROR,
    .why = "Run again, the statement fails: a migration that stopped half-way can't simply be "
           "repeated.",
    .instead = "IF EXISTS and IF NOT EXISTS, or all of it in one transaction where that is enough.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "ALTER TABLE parts ADD COLUMN IF NOT EXISTS weight numeric;",
    .needs_idempotence = true,
    .on_statement = check,
    .on_command = check_command,
};
