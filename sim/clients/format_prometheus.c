/* SPDX-License-Identifier: MIT
 * An engine's /metrics, in Prometheus's text format: known, so that it is not read as a table. */
#include "sim/clients/client_file.h"

#include <string.h>

static bool recognises(const struct client_text *text)
{
    return strncmp(text->bytes, "# HELP ", 7) == 0 || strncmp(text->bytes, "# TYPE ", 7) == 0;
}

static bool refuse(struct client_text *text, struct client_file *file)
{
    (void)file;
    return client_complain(text, NULL,
                           "an engine's metrics are sums over all its requests, and no request is "
                           "in them: give what a client wrote (vllm bench serve --save-result "
                           "--save-detailed, aiperf, guidellm)");
}

const struct client_format client_format_prometheus = {
    .name = "prometheus",
    .doc = "not an engine's metrics",
    .recognises = recognises,
    .read = refuse,
};
