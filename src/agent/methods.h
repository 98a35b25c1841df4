/* The methods of bough-agent; src/branch/agent.h says what each takes and gives. */
#pragma once

#include "core/rpc.h"

RpcHandler volume_create_method, volume_fork_method, volume_complete_method, volume_delete_method,
    volume_list_method, volume_usage_method, volume_control_method, volume_alike_method;
RpcHandler pool_status_method;
RpcHandler cluster_init_method, cluster_basebackup_method, cluster_checksums_method,
    cluster_single_method;
RpcHandler compute_start_method, compute_configure_method, compute_stop_method, compute_find_method,
    compute_log_method, compute_measure_method, compute_statements_method;
RpcHandler host_leftovers_method, host_clear_method;
RpcHandler hello_method, ping_method;
