/* Handlers of the routes about the audit. */
#pragma once

#include "daemon/route.h"

ApiHandler api_get_audit, api_post_audit_verify, api_get_system_url;
ApiHandler api_job_audit, api_job_audit_refusal;
