/* SPDX-License-Identifier: MIT
 * Numbers with units: what is read, what is refused and as what, and that what is printed reads
 * back. A wrong factor, or a bit taken for a byte, would be wrong by a whole power; nothing
 * downstream could tell. */
#include "run_tests.h"

#include "sim/config/units.h"

#include <stdio.h>

static void reads(const char *text, enum quantity quantity, double expected)
{
    struct quantity_reading reading = quantity_read(text, quantity);
    ck_assert_msg(reading.fault == QUANTITY_OK, "'%s': fault %d", text, (int)reading.fault);
    ck_assert_msg(reading.value == expected, "'%s': %.17g, expected %.17g", text, reading.value,
                  expected); /* to the last bit */
}

static void fails(const char *text, enum quantity quantity, enum quantity_fault fault)
{
    struct quantity_reading reading = quantity_read(text, quantity);
    ck_assert_msg(reading.fault == fault, "'%s': fault %d, expected %d", text, (int)reading.fault,
                  (int)fault);
}

START_TEST(every_unit_has_its_factor)
{
    reads("5 ns", QUANTITY_SECONDS, 5e-9);
    reads("40 us", QUANTITY_SECONDS, 40e-6);
    reads("3 ms", QUANTITY_SECONDS, 3e-3);
    reads("2 s", QUANTITY_SECONDS, 2.0);
    reads("2 min", QUANTITY_SECONDS, 120.0);
    reads("1.5 h", QUANTITY_SECONDS, 5400.0); /* 1.5 x 3600 */
    reads("2 d", QUANTITY_SECONDS, 172800.0); /* 2 x 86400 */
    reads("7 B", QUANTITY_BYTES, 7.0);
    reads("64 kB", QUANTITY_BYTES, 64e3);
    reads("6 MB", QUANTITY_BYTES, 6e6);
    reads("80 GB", QUANTITY_BYTES, 80e9);
    reads("2 TB", QUANTITY_BYTES, 2e12);
    reads("3 PB", QUANTITY_BYTES, 3e15);
    reads("4 KiB", QUANTITY_BYTES, 4096.0);
    reads("2 MiB", QUANTITY_BYTES, 2097152.0);       /* 2 x 1024^2 */
    reads("96 GiB", QUANTITY_BYTES, 103079215104.0); /* 96 x 1024^3 */
    reads("1 TiB", QUANTITY_BYTES, 1099511627776.0); /* 1024^4 */
    reads("50 GB/s", QUANTITY_BYTES_PER_SECOND, 50e9);
    reads("3.35 TB/s", QUANTITY_BYTES_PER_SECOND, 3.35e12);
    reads("1 GiB/s", QUANTITY_BYTES_PER_SECOND, 1073741824.0);
    reads("400 Gb/s", QUANTITY_BYTES_PER_SECOND, 50e9); /* 400 / 8 */
    reads("8 b/s", QUANTITY_BYTES_PER_SECOND, 1.0);
    reads("1.6 Tb/s", QUANTITY_BYTES_PER_SECOND, 0.2e12);
    reads("989 TFLOP/s", QUANTITY_FLOPS_PER_SECOND, 989e12);
    reads("2 PFLOP/s", QUANTITY_FLOPS_PER_SECOND, 2e15);
    reads("1.98 GHz", QUANTITY_HERTZ, 1.98e9);
    reads("1980 MHz", QUANTITY_HERTZ, 1.98e9);
    reads("700 W", QUANTITY_WATTS, 700.0);
    reads("10.2 kW", QUANTITY_WATTS, 10200.0);
    reads("3.2 kJ", QUANTITY_JOULES, 3200.0);
    reads("1 token", QUANTITY_TOKENS, 1.0);
    reads("1_000_000 tokens", QUANTITY_TOKENS, 1e6);
}
END_TEST

START_TEST(numbers_are_plain_decimals)
{
    reads("0.9", QUANTITY_NONE, 0.9);
    reads("1e6", QUANTITY_NONE, 1e6);
    reads("1E6", QUANTITY_NONE, 1e6);
    reads("+7", QUANTITY_NONE, 7.0);
    reads("12_345.678_9", QUANTITY_NONE, 12345.6789);
    reads("40us", QUANTITY_SECONDS, 40e-6); /* the blank may be left out */
    reads("2e-6 s", QUANTITY_SECONDS, 2e-6);
    ck_assert_double_eq(quantity_read("-1.5e-3", QUANTITY_NONE).value, -1.5e-3);
    fails("", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("-", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("abc", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails(".5", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("5.", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("nan", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("inf", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("010", QUANTITY_NONE, QUANTITY_LEADING_ZERO);
    fails("00", QUANTITY_NONE, QUANTITY_LEADING_ZERO);
    fails("1e400", QUANTITY_NONE, QUANTITY_NOT_FINITE);
    fails("1e308 GB", QUANTITY_BYTES, QUANTITY_NOT_FINITE);
    fails("1e99999999999999999999", QUANTITY_NONE, QUANTITY_NOT_FINITE);
    reads("1e-400", QUANTITY_NONE, 0.0);
    /* What strtod() alone would take for a number, or for a number and rubbish. */
    fails("0x10", QUANTITY_NONE, QUANTITY_UNKNOWN_UNIT);
    fails("1_", QUANTITY_NONE, QUANTITY_UNKNOWN_UNIT);
    fails("1__0", QUANTITY_NONE, QUANTITY_UNKNOWN_UNIT);
    fails("_1", QUANTITY_NONE, QUANTITY_NOT_A_NUMBER);
    fails("1,5", QUANTITY_NONE, QUANTITY_UNKNOWN_UNIT);
    fails("1 000", QUANTITY_NONE, QUANTITY_UNKNOWN_UNIT);
    fails("1e", QUANTITY_NONE, QUANTITY_UNKNOWN_UNIT);
    fails("99999999999999999999999999999999999999999999999999999999999999999999", QUANTITY_NONE,
          QUANTITY_NOT_A_NUMBER); /* longer than any number that is meant */
}
END_TEST

START_TEST(units_are_required_and_of_the_right_kind)
{
    fails("40", QUANTITY_SECONDS, QUANTITY_NO_UNIT);
    fails("40 ", QUANTITY_SECONDS, QUANTITY_NO_UNIT);
    reads("0", QUANTITY_SECONDS, 0.0); /* zero of anything is zero */
    reads("0 us", QUANTITY_SECONDS, 0.0);
    fails("3 GB", QUANTITY_BYTES_PER_SECOND, QUANTITY_OF_ANOTHER_KIND);
    ck_assert_int_eq(quantity_read("3 GB", QUANTITY_BYTES_PER_SECOND).found, QUANTITY_BYTES);
    fails("3 GB", QUANTITY_NONE, QUANTITY_OF_ANOTHER_KIND);
    /* The case matters: KB is neither kB nor KiB, and gb is nothing. */
    fails("3 KB", QUANTITY_BYTES, QUANTITY_UNKNOWN_UNIT);
    fails("3 gb/s", QUANTITY_BYTES_PER_SECOND, QUANTITY_UNKNOWN_UNIT);
    fails("3 US", QUANTITY_SECONDS, QUANTITY_UNKNOWN_UNIT);
    fails("40 us ", QUANTITY_SECONDS, QUANTITY_UNKNOWN_UNIT);
    ck_assert_str_eq(quantity_nearest_unit("Gbps", QUANTITY_BYTES_PER_SECOND), "Gb/s");
    ck_assert_str_eq(quantity_nearest_unit("KB", QUANTITY_BYTES), "B");
    ck_assert_ptr_null(quantity_nearest_unit("furlongs", QUANTITY_BYTES));
}
END_TEST

static void prints(double value, enum quantity quantity, const char *expected)
{
    char text[64];
    quantity_print(text, sizeof text, value, quantity);
    ck_assert_str_eq(text, expected);
}

START_TEST(what_is_printed_reads_back)
{
    prints(40e-6, QUANTITY_SECONDS, "40 us");
    prints(0.0, QUANTITY_SECONDS, "0");
    prints(3.35e12, QUANTITY_BYTES_PER_SECOND, "3.35 TB/s");
    prints(50e9, QUANTITY_BYTES_PER_SECOND, "50 GB/s");
    prints(80e9, QUANTITY_BYTES, "80 GB");
    prints(989.4e12, QUANTITY_FLOPS_PER_SECOND, "989.4 TFLOP/s");
    prints(4000.0, QUANTITY_TOKENS, "4000 tokens");
    prints(0.9, QUANTITY_NONE, "0.9");
    prints(1000000.0, QUANTITY_NONE, "1000000");
    /* Twenty thousand values over 30 powers of ten, from a fixed sequence. */
    unsigned long long state = 88172645463325252ULL;
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        double value = (double)(state >> 11);
        for (int power = (int)(state % 30); power > 0; power--) {
            value /= 10.0;
        }
        enum quantity quantity = (enum quantity)(state % QUANTITY_COUNT);
        char text[64];
        quantity_print(text, sizeof text, value, quantity);
        struct quantity_reading reading = quantity_read(text, quantity);
        ck_assert_msg(reading.fault == QUANTITY_OK && reading.value == value,
                      "%.17g printed as '%s', read back as %.17g", value, text, reading.value);
    }
}
END_TEST

RUN_TESTS(scenario_units, every_unit_has_its_factor, numbers_are_plain_decimals,
          units_are_required_and_of_the_right_kind, what_is_printed_reads_back)
