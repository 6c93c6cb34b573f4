/* SPDX-License-Identifier: MIT
 * What interruptions leave of a training run, in closed form. Interruptions come at random at a
 * constant rate; each costs detection, restart and the work since the last checkpoint. Pure.
 *
 * Young, "A first order approximation to the optimum checkpoint interval", CACM 17(9), 1974; Daly,
 * "A higher order estimate of the optimum checkpoint interval", FGCS 22(3), 2006, equations 20 and
 * 37. */
#ifndef CPSIM_MODELS_LAWS_GOODPUT_H
#define CPSIM_MODELS_LAWS_GOODPUT_H

struct goodput_question {
    double mean_seconds;       /* between interruptions, of the whole job */
    double lost_seconds;       /* detection and restart, an interruption */
    double interval_seconds;   /* of work between checkpoints */
    double checkpoint_seconds; /* that a checkpoint keeps the job from work */
};

/* sqrt(2 delta M). */
double goodput_young_seconds(double checkpoint_seconds, double mean_seconds);
/* Daly's higher order. */
double goodput_daly_seconds(double checkpoint_seconds, double mean_seconds);

/* Share of the time that is work that counts: Daly's equation 20, exact for a constant rate:
 * tau / (M exp(R / M) (exp((tau + delta) / M) - 1)). */
double goodput_share(const struct goodput_question *question);

#endif
