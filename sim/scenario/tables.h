/* SPDX-License-Identifier: MIT
 * The field tables: one a mapping of the scenario, one a file. */
#ifndef CPSIM_SIM_SCENARIO_TABLES_H
#define CPSIM_SIM_SCENARIO_TABLES_H

#include "sim/config/field.h"

extern const struct field scenario_fields[];       /* struct scenario */
extern const struct alias file_aliases[];          /* and files of platforms/, by their names */
extern const struct alias scenario_aliases[];      /* what other programs call its keys */
extern const struct field llm_fields[];            /* struct llm */
extern const struct field llm_kind_fields[];       /* struct llm_keys */
extern const char llm_example[];                   /* a model of two kinds of layers */
extern const struct field gpu_fields[];            /* struct gpu */
extern const struct field gpu_generation_fields[]; /* struct gpu_generation */
extern const struct field fabric_fields[];
extern const struct field cluster_fields[];            /* struct cluster */
extern const struct field software_fields[];           /* struct software */
extern const struct field kernel_library_fields[];     /* struct kernel_library */
extern const struct field experts_exchange_fields[];   /* struct experts_exchange */
extern const struct field collective_library_fields[]; /* struct collective_library */
extern const struct field latent_kernels_fields[];     /* struct latent_kernels */
extern const struct field sparse_kernels_fields[];     /* struct sparse_kernels */
extern const struct field linear_kernels_fields[];     /* struct linear_kernels */
extern const struct field hyper_kernels_fields[];      /* struct hyper_kernels */
extern const struct field fitted_range_fields[];       /* struct fitted_range */
extern const struct field launch_fields[];             /* struct launch_constants [LAUNCH_COUNT] */
extern const struct field training_software_fields[];  /* struct training_software */
extern const struct field precision_fields[];          /* struct precision */
extern const struct preset precision_presets[];
extern const struct field quality_fields[]; /* struct quality_training */
extern const struct variant workload_variants[];
extern const char *const default_software[];      /* by enum workload_kind: names of files */
extern const struct field conversation_fields[];  /* struct conversation */
extern const struct field training_fields[];      /* struct training_workload */
extern const struct field serving_fields[];       /* struct serving */
extern const struct field request_class_fields[]; /* struct request_class */
extern const struct field service_fields[];       /* struct service */
extern const struct field scaling_fields[];       /* struct replica_scaling */
extern const struct field switching_fields[];     /* struct phase_switching */
extern const struct field finetuning_fields[];    /* struct finetuning */
extern const struct choice recompute_choices[];   /* enum recompute */
extern const struct field layout_fields[];        /* struct layout */
extern const struct field memory_fields[];        /* of struct scenario */
extern const struct field routing_fields[];       /* struct routing_keys */
extern const struct field tenant_item;            /* struct tenant */
extern const struct field sharing_fields[];       /* struct gpu_sharing */
extern const struct field pools_fields[];         /* checked by pools.h */

extern const struct variant speculation_variants[];
extern const struct choice policy_choices[];    /* enum batching_kind */
extern const struct choice switching_choices[]; /* enum switching_kind */

/* enum format and enum scaling by name. */
extern const struct choice format_choices[];

/* The first rows of a file's table: scenarios, sweeps, plans. */
extern const struct choice schema_choices[];
#define SCHEMA_FIELD                                                                               \
    {                                                                                              \
        .key = "schema", .kind = FIELD_CHOICE, .required = true, .choices = schema_choices,        \
        .doc = "The form of the file. Always first."                                               \
    }
#define TITLE_FIELD(type, member, what)                                                            \
    {                                                                                              \
        .key = "title", .kind = FIELD_STRING, FIELD_AT(type, member),                              \
        .doc = "One line on what " what ". Default: the file's name."                              \
    }

#endif
