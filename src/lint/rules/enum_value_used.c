/* A new enum value used before it may be. */
#include "lint/rule.h"

typedef struct Use {
  const char *value;
  int location;
  bool found;
} Use;

static bool visit(void *context, const ProtobufCMessage *message) {
  Use *use = context;
  if (message->descriptor == &pg_query__a__const__descriptor) {
    const PgQuery__AConst *constant = (const PgQuery__AConst *)(const void *)message;
    if (constant->val_case == PG_QUERY__A__CONST__VAL_SVAL &&
        lint_same_name(constant->sval->sval, use->value)) {
      use->found = true;
      use->location = constant->location;
    }
  }
  return !use->found;
}

static void check(Lint *lint, const SqlPart *part) {
  for (size_t at = lint_transaction_start(lint); lint_in_transaction(lint) && at < lint_at(lint);
       at++) {
    const PgQuery__AlterEnumStmt *alter = LINT_PART(lint, at, ALTER_ENUM_STMT, alter_enum_stmt);
    if (alter == NULL || alter->old_val[0] != '\0')
      continue;
    Use use = {.value = alter->new_val};
    tree_walk_node(part->tree, visit, &use);
    if (use.found)
      lint_find(lint, use.location, "'%s' was added in this transaction and can't be used in it",
                alter->new_val);
  }
}

const LintRule rule_enum_value_used = {
    .name = "enum-value-used",
    .severity = LINT_ERROR,
    .why = "PostgreSQL refuses to use a value of an enum in the transaction that added it.",
    .instead = "Add the value in a migration of its own.",
    .refactoring = "Introduce Lookup Table",
    .bad = "BEGIN;\n"
           "ALTER TYPE state ADD VALUE 'retired' AFTER 'active';\n"
           "UPDATE parts SET state = 'retired' WHERE weight = 0;\n"
           "COMMIT;",
    .good = "ALTER TYPE state ADD VALUE 'retired' AFTER 'active';\n"
            "UPDATE parts SET state = 'retired' WHERE weight = 0;",
    .on_statement = check,
};
