/* SPDX-License-Identifier: MIT
 * A step whose tokens go through the layers as two groups, one's all-reduce and norm under the
 * other's kernels (TokenWeave, arXiv 2505.11329). Every half of a layer is a stage: a group's
 * kernels, then its exchange. While one group's exchange is under way, the other's kernels run on
 * the SMs that it leaves. Pure. */
#ifndef CPSIM_MODELS_PASSES_TOKEN_WEAVE_H
#define CPSIM_MODELS_PASSES_TOKEN_WEAVE_H

/* One group's, of all stages together. */
struct weave_group {
    double kernels_seconds, exchange_seconds;
};

/* What kernels and exchange lose while both run: the kernels' rate (0.1: a tenth), and the
 * exchange's time together over alone (models/machine/overlap.h). */
struct weave_loss {
    double kernels_share, exchange_factor;
};

/* Seconds of `stages` stages of the two groups: each takes max(K1, R2) and max(K2, R1), with R as
 * long as it is beside kernels, and these longer by what they lose while it runs. Nothing runs
 * beside the first group's first kernels and the second group's last exchange. */
double token_weave_seconds(const struct weave_group groups[2], double stages,
                           struct weave_loss loss);

#endif
