/* SPDX-License-Identifier: MIT
 * Small things that models and reports share. The laws that search with them are smooth at their
 * best: a search that ended too early, or a checksum of other constants, would pass their tests. */
#include "models/numeric/checksum.h"
#include "models/numeric/golden_section.h"

#include "run_tests.h"

#include <math.h>
#include <string.h>

static double distance(double argument, const void *context)
{
    return fabs(argument - *(const double *)context);
}

START_TEST(the_least_is_found)
{
    /* A kink is found to the last digits; at an end of the interval too. */
    const double inside = 3.7, end = 10.0, outside = -4.0;
    ck_assert_double_eq_tol(golden_section(distance, &inside, 2.0, 10.0), 3.7, 1e-14);
    ck_assert_double_eq_tol(golden_section(distance, &end, 2.0, 10.0), 10.0, 1e-14);
    ck_assert_double_eq_tol(golden_section(distance, &outside, 2.0, 10.0), 2.0, 1e-14);
}
END_TEST

START_TEST(fnv_1a)
{
    /* Test vectors of the FNV draft (Fowler, Noll, Vo, Eastlake: draft-eastlake-fnv, appendix C):
     * "" is the offset basis, "a" 0xaf63dc4c8601ec8c, "foobar" 0x85944171f73967e8. */
    ck_assert_uint_eq(checksum_bytes(CHECKSUM_START, "", 0), UINT64_C(0xcbf29ce484222325));
    ck_assert_uint_eq(checksum_bytes(CHECKSUM_START, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    ck_assert_uint_eq(checksum_bytes(CHECKSUM_START, "foobar", 6), UINT64_C(0x85944171f73967e8));
    /* Part by part is the whole; a text's end counts, so that "ab", "c" is not "a", "bc". */
    uint64_t foo = checksum_bytes(CHECKSUM_START, "foo", 3);
    ck_assert_uint_eq(checksum_bytes(foo, "bar", 3), UINT64_C(0x85944171f73967e8));
    ck_assert_uint_ne(checksum_text(checksum_text(CHECKSUM_START, "ab"), "c"),
                      checksum_text(checksum_text(CHECKSUM_START, "a"), "bc"));
}
END_TEST

RUN_TESTS(numeric, the_least_is_found, fnv_1a)
