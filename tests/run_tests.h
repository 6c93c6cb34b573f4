/* SPDX-License-Identifier: MIT
 * The registration boilerplate of check, once: RUN_TESTS(name, test_a, test_b) is a whole main().
 */
#ifndef CPSIM_TESTS_RUN_TESTS_H
#define CPSIM_TESTS_RUN_TESTS_H

#include <check.h>
#include <stdlib.h>

#define RUN_TESTS(suite_name, ...)                                                                 \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(#suite_name);                                                  \
        TCase *tcase = tcase_create(#suite_name);                                                  \
        tcase_set_timeout(tcase, 1200); /* for hangs: a slow machine is none */                    \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {                                \
            tcase_add_test(tcase, tests[i]);                                                       \
        }                                                                                          \
        suite_add_tcase(suite, tcase);                                                             \
        SRunner *runner = srunner_create(suite);                                                   \
        srunner_run_all(runner, CK_NORMAL);                                                        \
        int failed = srunner_ntests_failed(runner);                                                \
        srunner_free(runner);                                                                      \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                          \
    }

#endif
