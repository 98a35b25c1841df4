/* The functions that rows of the command table name; each stands in the cmd_*.c of its noun. */
#pragma once

#include "cli/command.h"

CommandRun cmd_up_run, cmd_down_run, cmd_status_run, cmd_doctor_run;
CommandShow cmd_up_show, cmd_down_show, cmd_status_show, cmd_doctor_show;

CommandRun cmd_pool_create_run;
CommandShow cmd_pool_create_show, cmd_pool_status_show;

CommandRun cmd_project_create_run, cmd_project_forge_run;
CommandShow cmd_project_create_show, cmd_project_list_show, cmd_project_show_show,
    cmd_project_delete_show, cmd_project_forge_show;

CommandBody cmd_branch_create_body, cmd_branch_reset_body, cmd_branch_rename_body,
    cmd_branch_protect_body, cmd_branch_unprotect_body;
CommandRun cmd_branch_delete_run, cmd_branch_expire_run;
CommandShow cmd_branch_create_show, cmd_branch_list_show, cmd_branch_tree_show,
    cmd_branch_show_show, cmd_branch_delete_show, cmd_branch_reset_show, cmd_branch_rename_show,
    cmd_branch_protect_show, cmd_branch_expire_show;

CommandRun cmd_psql_run, cmd_url_run;
CommandShow cmd_url_show;

CommandBody cmd_endpoint_repoint_body;
CommandShow cmd_endpoint_repoint_show, cmd_endpoint_list_show, cmd_endpoint_show_show,
    cmd_endpoint_change_show;
CommandShow cmd_operation_list_show;

CommandShow cmd_schedule_list_show, cmd_schedule_run_show;
CommandRun cmd_policy_apply_run, cmd_policy_show_run, cmd_policy_explain_run;
CommandShow cmd_policy_apply_show, cmd_policy_show_show, cmd_policy_history_show,
    cmd_policy_explain_show;

CommandBody cmd_principal_add_body, cmd_principal_token_body;
CommandShow cmd_principal_add_show, cmd_principal_list_show, cmd_principal_remove_show,
    cmd_principal_token_show, cmd_principal_revoke_show;

CommandRun cmd_audit_run, cmd_audit_verify_run;
CommandShow cmd_audit_show, cmd_audit_verify_show;
CommandRun cmd_migrate_new_run, cmd_migrate_run, cmd_migrate_verify_run, cmd_migrate_tool_run;
CommandShow cmd_migrate_new_show, cmd_migrate_status_show, cmd_migrate_change_show,
    cmd_migrate_verify_show, cmd_migrate_tool_show;

CommandRun cmd_ci_run_run, cmd_ci_list_run, cmd_ci_queue_run, cmd_ci_log_run;
CommandShow cmd_ci_list_show, cmd_ci_queue_show, cmd_ci_show_show, cmd_ci_log_show,
    cmd_ci_artifact_show, cmd_ci_tidy_show;

CommandRun cmd_generate_run;

CommandRun cmd_diff_run;
CommandShow cmd_diff_show;
CommandRun cmd_lint_run;
CommandShow cmd_lint_show;

CommandRun cmd_policy_check_run;
CommandShow cmd_policy_check_show;

CommandBody cmd_pr_open_body, cmd_pr_comment_body;
CommandRun cmd_pr_list_run, cmd_pr_review_run;
CommandShow cmd_pr_list_show, cmd_pr_show_show;
CommandRun cmd_init_run, cmd_scm_claim_run, cmd_scm_prepare_run, cmd_scm_wait_run,
    cmd_scm_merge_run, cmd_scm_withdraw_run, cmd_scm_abandon_run, cmd_scm_status_run,
    cmd_scm_doctor_run, cmd_scm_adopt_run, cmd_scm_sync_run, cmd_scm_password_run;
CommandShow cmd_init_show, cmd_scm_claim_show, cmd_scm_prepare_show, cmd_scm_wait_show,
    cmd_scm_merge_show, cmd_scm_withdraw_show, cmd_scm_abandon_show, cmd_scm_status_show,
    cmd_scm_doctor_show, cmd_scm_sync_show, cmd_scm_password_show;
CommandRun cmd_promote_run, cmd_promotion_list_run, cmd_rollback_run;
CommandShow cmd_promote_show, cmd_promotion_list_show, cmd_rollback_show;
