/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_signal.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t seen;

static void keep(int signal_number)
{
    seen = signal_number;
}

void trace_signal_await(void)
{
    const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        struct sigaction before, action = {.sa_handler = keep, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        /* Who started us in the background, or with nohup, asked for no answer. */
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
}

int trace_signal_seen(void)
{
    return seen;
}
