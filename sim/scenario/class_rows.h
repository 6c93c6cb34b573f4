/* SPDX-License-Identifier: MIT
 * Rows that a class of requests has, and the workload for those that leave them out: the same
 * members, for struct serving begins with a struct request_class. */
#ifndef CPSIM_SIM_SCENARIO_CLASS_ROWS_H
#define CPSIM_SIM_SCENARIO_CLASS_ROWS_H

#include "sim/config/field.h"
#include "sim/scenario/serving.h"

extern const struct variant arrival_variants[];
extern const struct field lengths_fields[], session_fields[], slo_fields[], timeout_fields[],
    cancel_fields[], adapter_choice_fields[];

#define ARRIVALS_ROW(text)                                                                         \
    {                                                                                              \
        .key = "arrivals", .kind = FIELD_TAGGED, FIELD_AT(request_class, arrival),                 \
        .variants = arrival_variants, .doc = (text)                                                \
    }
#define LENGTHS_ROW(text)                                                                          \
    {                                                                                              \
        .key = "lengths", .kind = FIELD_MAPPING, .fields = lengths_fields, .doc = (text)           \
    }
#define SESSIONS_ROW                                                                               \
    {                                                                                              \
        .key = "sessions", .kind = FIELD_MAPPING, .fields = session_fields,                        \
        .doc = "Conversations of several turns. An arrival is then a conversation's first prompt." \
    }
#define SYSTEM_PROMPT_ROW                                                                          \
    {                                                                                              \
        .key = "system_prompt", .kind = FIELD_TOKENS, FIELD_AT(request_class, system_tokens),      \
        .max = 1e9, .fallback = "0 tokens",                                                        \
        .doc = "Tokens with which every prompt begins, the same for all of a class, so that a "    \
               "prefix cache finds them. On top of `lengths.prompt`; of prompts whose lengths a "  \
               "file gives, their first ones."                                                     \
    }
#define ADAPTERS_ROW                                                                               \
    {                                                                                              \
        .key = "adapters", .kind = FIELD_MAPPING, FIELD_AT(request_class, adapters),               \
        .fields = adapter_choice_fields, .shorthand = "count",                                     \
        .doc = "Low-rank adapters (LoRA) that requests ask for; service.adapters says what "       \
               "replicas can have of them."                                                        \
    }
#define PRIORITY_ROW                                                                               \
    {                                                                                              \
        .key = "priority", .kind = FIELD_COUNT, FIELD_AT(request_class, priority), .max = 1e6,     \
        .fallback = "0", .doc = "A lower one is served first, where `service.priorities` is true." \
    }
#define TIMEOUT_ROW                                                                                \
    {                                                                                              \
        .key = "timeout", .kind = FIELD_MAPPING, .fields = timeout_fields, .shorthand = "total",   \
        .doc = "When clients give up."                                                             \
    }
#define CANCEL_ROW                                                                                 \
    {                                                                                              \
        .key = "cancel", .kind = FIELD_MAPPING, .fields = cancel_fields,                           \
        .doc = "Clients that close the connection before their answer is whole."                   \
    }
#define SLO_ROW                                                                                    \
    {                                                                                              \
        .key = "slo", .kind = FIELD_MAPPING, .fields = slo_fields,                                 \
        .doc = "What a good answer is; goodput counts those."                                      \
    }

#endif
