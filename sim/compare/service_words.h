/* SPDX-License-Identifier: MIT
 * What tables of measured services call engines, GPUs, clients and number formats, in this
 * project's words. Letters' case does not count. */
#ifndef CPSIM_SIM_COMPARE_SERVICE_WORDS_H
#define CPSIM_SIM_COMPARE_SERVICE_WORDS_H

#include <stdbool.h>

/* The first word of `engine:` in a file of platforms/software: "TensorRT-LLM" is "trtllm". What is
 * not known comes back as it is. */
const char *service_engine(const char *word);

/* The cluster of such GPUs, a file of platforms/clusters; NULL: of none. */
const char *service_cluster(const char *gpu);

/* The file of platforms/clients for the word: "genai-perf" is "aiperf". What is not known comes
 * back as it is; NULL: the word is empty. */
const char *service_client(const char *word);

/* What the weights of products are kept and multiplied in. */
struct service_format {
    const char *preset;              /* of `precision`; NULL: there is none */
    const char *attention, *experts; /* YAML: attention's weights, and those of a block that has
                                        experts */
    bool narrow;                     /* of 4 bits */
};

/* What a word as "fp8_block" or "w4a16", or the ending of a model's name, stands for; NULL: not
 * known. */
const struct service_format *service_format(const char *word);

#endif
