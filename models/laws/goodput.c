/* SPDX-License-Identifier: MIT */
#include "models/laws/goodput.h"

#include <math.h>

double goodput_young_seconds(double checkpoint_seconds, double mean_seconds)
{
    return sqrt(2.0 * checkpoint_seconds * mean_seconds);
}

double goodput_daly_seconds(double checkpoint_seconds, double mean_seconds)
{
    double ratio = checkpoint_seconds / (2.0 * mean_seconds);
    if (ratio >= 1.0) {
        return mean_seconds;
    }
    return goodput_young_seconds(checkpoint_seconds, mean_seconds) *
               (1.0 + sqrt(ratio) / 3.0 + ratio / 9.0) -
           checkpoint_seconds;
}

double goodput_share(const struct goodput_question *question)
{
    double mean = question->mean_seconds;
    double spent = mean * exp(question->lost_seconds / mean) *
                   expm1((question->interval_seconds + question->checkpoint_seconds) / mean);
    return question->interval_seconds / spent;
}
