/* SPDX-License-Identifier: MIT
 * What fills a GPU's memory in training, bytes of one rank of a stage. Activations are those that
 * products, attention and norms keep for their gradients (arXiv 2205.05198, section 4, with
 * attention that keeps no scores), of as many passes as the schedule has under way, and the
 * gradients that a split backward pass leaves; what else a stack keeps is in its file (casts, whole
 * logits, gathered inputs). Under FSDP without a pipeline it is the fullest of a step's moments
 * (training_moments.h). A stack that drops gradients between steps has `gradient_bytes` as what
 * the fullest moment holds beyond `activation_bytes`. Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_MEMORY_H
#define CPSIM_MODELS_TRAINING_TRAINING_MEMORY_H

#include "models/training/training_moments.h"

struct training_memory {
    double parameter_bytes, gradient_bytes, optimizer_bytes;
    double reserved_bytes;   /* by the allocator, beside tensors */
    double outside_bytes;    /* that no allocator sees: the driver's, the collective library's */
    double host_bytes;       /* in the host's memory, one GPU's */
    double activation_bytes; /* kept for backward passes, and what one pass works on */
    enum training_moment moment; /* the fullest */
    uint32_t passes_in_flight;   /* forward passes of a chunk whose backward pass is to come */
};

/* Kept for the backward pass of one layer of a kind and micro-batch. */
double training_layer_activation_bytes(const struct training *training, uint32_t kind);

/* Of all layers of a part. */
double training_part_activation_bytes(const struct training *training, uint32_t part);

/* The optimizer's states of a stage, one rank's, wherever they lie. */
double training_stage_optimizer_bytes(const struct training *training, uint32_t stage);
/* The parameters of a part that a rank keeps between passes, likewise. */
double training_part_kept_bytes(const struct training *training, uint32_t part);

/* `cells`: room for the cells of one stage, [pipeline_cell_count()]; and of a stage whose cells are
 * filled. */
struct training_memory training_stage_memory(const struct training *training, uint32_t stage,
                                             struct cell *cells);
struct training_memory training_filled_memory(const struct training *training, uint32_t stage,
                                              const struct cell *cells);

/* Of the stage that needs most, which `stage` gets unless it is NULL. */
struct training_memory training_fullest_memory(const struct training *training, uint32_t *stage,
                                               struct cell *cells);

/* Of the stage that has most in its host's memory, one GPU's; and whether a node's host has room
 * for so much of each of its GPUs (cluster.host_memory 0: it is not known, and has). `cells` as
 * above. */
double training_host_bytes(const struct training *training, struct cell *cells);
bool training_host_has_room(const struct training *training, double host_bytes);

/* Of live tensors (what torch.cuda.max_memory_allocated() reads), and with what else is taken. */
double training_memory_allocated(const struct training_memory *memory);
double training_memory_total(const struct training_memory *memory);

#endif
