/* SPDX-License-Identifier: MIT */
#include "models/laws/batch_size.h"

#include <assert.h>
#include <math.h>

/* B* may take so much more than B_opt's sequences. */
static const double overhead = 1.2;

double batch_curve_steps(struct batch_curve curve, double batch_sequences)
{
    assert(batch_sequences > 0.0 && "a batch has sequences");
    return curve.least_steps + curve.example_steps / batch_sequences;
}

double batch_curve_critical(struct batch_curve curve)
{
    /* a + b / B = 1.2 (a B_opt + b) / B has the solution B = 0.2 b / a + 1.2 B_opt. */
    return (overhead - 1.0) * curve.example_steps / curve.least_steps +
           overhead * BATCH_BEST_SEQUENCES;
}

struct batch_curve batch_curve_from(double critical_sequences, double steps_at_best)
{
    double noise =
        fmax(critical_sequences - overhead * BATCH_BEST_SEQUENCES, 0.0) / (overhead - 1.0);
    double least = steps_at_best / (1.0 + noise / BATCH_BEST_SEQUENCES);
    return (struct batch_curve){.least_steps = least, .example_steps = noise * least};
}

const char *batch_law_name(enum batch_law law)
{
    static const char *const names[BATCH_LAW_COUNT] = {
        [BATCH_LAW_CHINCHILLA] = "chinchilla",
        [BATCH_LAW_FIXED_DATA] = "fixed-data",
        [BATCH_LAW_FIXED_MODEL] = "fixed-model",
    };
    assert(law < BATCH_LAW_COUNT && "not a law of the critical batch");
    return names[law];
}

double batch_law_sequences(enum batch_law law, double parameters, double tokens)
{
    const double million = 1e6;
    switch (law) {
    case BATCH_LAW_CHINCHILLA:
        return 93.1968 * pow(parameters / million, 0.46828);
    case BATCH_LAW_FIXED_DATA:
        return 621.341 * pow(parameters / million, 0.087);
    case BATCH_LAW_FIXED_MODEL:
        return 22.91 * pow(tokens / million, 0.467);
    case BATCH_LAW_COUNT:
        break;
    }
    assert(!"not a law of the critical batch");
    return 0.0;
}

double batch_critical_tokens(double parameters, double tokens)
{
    const double fixed_model = 302e6; /* of BATCH_LAW_FIXED_MODEL */
    double by_data = batch_law_sequences(BATCH_LAW_FIXED_MODEL, parameters, tokens);
    double by_model = batch_law_sequences(BATCH_LAW_FIXED_DATA, parameters, tokens) /
                      batch_law_sequences(BATCH_LAW_FIXED_DATA, fixed_model, tokens);
    return by_data * by_model * BATCH_SEQUENCE_TOKENS;
}

/* The curve of a run of so many tokens of the best small batch. */
static struct batch_curve curve_of(double parameters, double tokens)
{
    const double best = (double)BATCH_BEST_SEQUENCES * BATCH_SEQUENCE_TOKENS;
    return batch_curve_from(batch_critical_tokens(parameters, tokens) / BATCH_SEQUENCE_TOKENS,
                            tokens / best);
}

double batch_piece_steps(double parameters, double batch_tokens, double from, double to)
{
    double sequences = batch_tokens / BATCH_SEQUENCE_TOKENS;
    return batch_curve_steps(curve_of(parameters, to), sequences) -
           batch_curve_steps(curve_of(parameters, from), sequences);
}

/* Tokens so far, and the local critical batch in tokens there. */
static const struct {
    double tokens, batch;
} doublings[] = {{168e9, 2048.0 * 4096.0}, {503e9, 4096.0 * 4096.0}};

static double local_exponent(void)
{
    return log(doublings[1].batch / doublings[0].batch) /
           log(doublings[1].tokens / doublings[0].tokens);
}

double batch_local_tokens(double tokens)
{
    double grown = doublings[1].batch * pow(tokens / doublings[1].tokens, local_exponent());
    return fmin(grown, doublings[1].batch);
}

double batch_local_mean_tokens(double tokens)
{
    double rising = fmin(tokens, doublings[1].tokens);
    double mean = batch_local_tokens(rising) / (local_exponent() + 1.0);
    return (mean * rising + doublings[1].batch * (tokens - rising)) / tokens;
}

double batch_noise_steps(double least_steps, double noise_batch, double batch)
{
    return least_steps * (1.0 + noise_batch / batch);
}

double batch_noise_examples(double least_examples, double noise_batch, double batch)
{
    return least_examples * (1.0 + batch / noise_batch);
}

double batch_kaplan_tokens(double loss)
{
    return 2e8 / pow(loss, 1.0 / 0.21);
}
