/* SPDX-License-Identifier: MIT
 * The walker over a table of its own, with every kind of field: each value lands in its member,
 * each mistake has its sentence. Scenarios test it too, but only through the rows that they have.
 */
#include "diagnosed.h"

#include "sim/config/field.h"

#include <stdint.h>
#include <string.h>

enum colour { RED = 3, BLUE = 7 };

struct wheel {
    double radius_bytes;
};

struct sail {
    uint32_t area;
};

struct vehicle {
    uint32_t seats;
    uint64_t serial, range_tokens;
    double share, delay_seconds, weight_bytes, speed, rate, pitch, power, energy;
    bool fast;
    enum colour colour;
    const char *name, *motto, *plan, *log;
    struct wheel spare;
    struct wheel *wheels;
    size_t wheel_count;
    const uint32_t (*panes)[2];
    size_t pane_count;
    int drive;
    struct sail sail;
};

static const struct choice colours[] = {{.name = "red", .value = RED, .doc = "Red."},
                                        {.name = "blue", .value = BLUE, .doc = "Blue."},
                                        {0}};
static const struct field wheel_fields[] = {{.key = "radius",
                                             .kind = FIELD_BYTES,
                                             FIELD_AT(wheel, radius_bytes),
                                             .required = true,
                                             .min = 1,
                                             .doc = "Size."},
                                            {0}};
static const struct field wheel_item = {
    .kind = FIELD_MAPPING, .size = sizeof(struct wheel), .fields = wheel_fields, .doc = "A wheel."};
static const struct field sail_fields[] = {
    {.key = "area", .kind = FIELD_COUNT, FIELD_AT(sail, area), .required = true, .doc = "Area."},
    {0}};
static const struct field engine_fields[] = {{0}};
static const struct variant drives[] = {{.name = "sail",
                                         .value = 5,
                                         .fields = sail_fields,
                                         .offset = offsetof(struct vehicle, sail),
                                         .doc = "By wind."},
                                        {.name = "engine", .value = 6, .fields = engine_fields},
                                        {0}};

static const struct field vehicle_fields[] = {
    {.key = "seats",
     .kind = FIELD_COUNT,
     FIELD_AT(vehicle, seats),
     .min = 1,
     .max = 8,
     .required = true},
    {.key = "serial", .kind = FIELD_COUNT, FIELD_AT(vehicle, serial), .fallback = "12"},
    {.key = "range", .kind = FIELD_TOKENS, FIELD_AT(vehicle, range_tokens)},
    {.key = "share", .kind = FIELD_NUMBER, FIELD_AT(vehicle, share), .max = 1, .fallback = "0.5"},
    {.key = "delay", .kind = FIELD_SECONDS, FIELD_AT(vehicle, delay_seconds)},
    {.key = "weight", .kind = FIELD_BYTES, FIELD_AT(vehicle, weight_bytes)},
    {.key = "speed", .kind = FIELD_BYTES_PER_SECOND, FIELD_AT(vehicle, speed), .min = 1e9},
    {.key = "rate", .kind = FIELD_FLOPS_PER_SECOND, FIELD_AT(vehicle, rate)},
    {.key = "pitch", .kind = FIELD_HERTZ, FIELD_AT(vehicle, pitch)},
    {.key = "power", .kind = FIELD_WATTS, FIELD_AT(vehicle, power)},
    {.key = "energy", .kind = FIELD_JOULES, FIELD_AT(vehicle, energy)},
    {.key = "fast", .kind = FIELD_BOOLEAN, FIELD_AT(vehicle, fast)},
    {.key = "colour",
     .kind = FIELD_CHOICE,
     FIELD_AT(vehicle, colour),
     .choices = colours,
     .fallback = "blue"},
    {.key = "name", .kind = FIELD_NAME, FIELD_AT(vehicle, name)},
    {.key = "motto", .kind = FIELD_STRING, FIELD_AT(vehicle, motto)},
    {.key = "plan", .kind = FIELD_INPUT_FILE, FIELD_AT(vehicle, plan)},
    {.key = "log", .kind = FIELD_OUTPUT_FILE, FIELD_AT(vehicle, log)},
    {.key = "spare", .kind = FIELD_MAPPING, FIELD_AT(vehicle, spare), .fields = wheel_fields},
    {.key = "wheels",
     .kind = FIELD_LIST,
     FIELD_AT(vehicle, wheels),
     .min = 1,
     .max = 3,
     .item = &wheel_item,
     .count_offset = offsetof(struct vehicle, wheel_count)},
    {.key = "panes",
     .kind = FIELD_SIZES,
     FIELD_AT(vehicle, panes),
     .min = 1,
     .max = 2,
     .count_offset = offsetof(struct vehicle, pane_count)},
    {.key = "drive", .kind = FIELD_TAGGED, FIELD_AT(vehicle, drive), .variants = drives},
    {.key = "note", .kind = FIELD_STRING}, /* checked, not stored */
    {0}};

static struct vehicle read_vehicle(struct arena *arena, const char *yaml, char **complaints)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct node *root =
        yaml_tree_parse(arena, yaml, strlen(yaml), "garage/v.yaml", ORIGIN_SCENARIO, diagnostics);
    struct field_context context = {.arena = arena, .diagnostics = diagnostics};
    struct vehicle vehicle = {.seats = 0};
    fields_read(&context, vehicle_fields, root, "", &vehicle);
    *complaints = diagnosed(diagnostics);
    diagnostics_destroy(diagnostics);
    return vehicle;
}

START_TEST(every_kind_lands_in_its_member)
{
    struct arena *arena = arena_create();
    char *complaints = NULL;
    struct vehicle vehicle = read_vehicle(
        arena,
        "seats: 4\nserial: 9_007_199_254_740_991\nrange: 500 tokens\nshare: 0.25\ndelay: 3 ms\n"
        "weight: 2 MB\nspeed: 8 Gb/s\nrate: 1 TFLOP/s\npitch: 2 kHz\npower: 5 W\nenergy: 1 kJ\n"
        "fast: true\ncolour: red\nname: my-car_1.0\nmotto: 'go: now'\nplan: p.xml\nlog: l.h5\n"
        "spare: {radius: 7 B}\nwheels: [{radius: 1 B}, {radius: 2 kB}]\n"
        "drive: {kind: sail, area: 20}\nnote: x\n",
        &complaints);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(vehicle.seats, 4);
    ck_assert_uint_eq(vehicle.serial, 9007199254740991ULL); /* 2^53 - 1 */
    ck_assert_uint_eq(vehicle.range_tokens, 500);
    ck_assert_double_eq(vehicle.share, 0.25);
    ck_assert_double_eq(vehicle.delay_seconds, 3e-3);
    ck_assert_double_eq(vehicle.weight_bytes, 2e6);
    ck_assert_double_eq(vehicle.speed, 1e9);
    ck_assert_double_eq(vehicle.rate, 1e12);
    ck_assert_double_eq(vehicle.pitch, 2000.0);
    ck_assert_double_eq(vehicle.power, 5.0);
    ck_assert_double_eq(vehicle.energy, 1000.0);
    ck_assert(vehicle.fast);
    ck_assert_int_eq(vehicle.colour, RED);
    ck_assert_str_eq(vehicle.name, "my-car_1.0");
    ck_assert_str_eq(vehicle.motto, "go: now");
    ck_assert_str_eq(vehicle.plan, "garage/p.xml"); /* beside the file that names it */
    ck_assert_str_eq(vehicle.log, "l.h5");          /* in the working directory */
    ck_assert_double_eq(vehicle.spare.radius_bytes, 7.0);
    ck_assert_uint_eq(vehicle.wheel_count, 2);
    ck_assert_double_eq(vehicle.wheels[1].radius_bytes, 2000.0);
    ck_assert_int_eq(vehicle.drive, 5);
    ck_assert_uint_eq(vehicle.sail.area, 20);
    free(complaints);
    arena_destroy(arena);
}
END_TEST

START_TEST(defaults_come_from_the_table)
{
    struct arena *arena = arena_create();
    char *complaints = NULL;
    struct vehicle vehicle = read_vehicle(arena, "seats: 1\n", &complaints);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(vehicle.serial, 12);
    ck_assert_double_eq(vehicle.share, 0.5);
    ck_assert_int_eq(vehicle.colour, BLUE);
    ck_assert_ptr_null(vehicle.name);
    ck_assert_ptr_null(vehicle.wheels);
    ck_assert_double_eq(vehicle.spare.radius_bytes, 0.0); /* not there: it has a required key */
    free(complaints);
    arena_destroy(arena);
}
END_TEST

static void complains(const char *yaml, const char *expected)
{
    struct arena *arena = arena_create();
    char *complaints = NULL;
    read_vehicle(arena, yaml, &complaints);
    char *text = arena_printf(arena, "%s1 error\n", expected);
    ck_assert_str_eq(complaints, text);
    free(complaints);
    arena_destroy(arena);
}

START_TEST(every_mistake_has_its_sentence)
{
    complains("fast: true\n",
              "garage/v.yaml:1:1: error: missing required key 'seats'; expected a whole number\n");
    complains("seats: 9\n",
              "garage/v.yaml:1:8: error: seats: 9 is out of range, expected 1 to 8\n");
    complains("seats: -1\n",
              "garage/v.yaml:1:8: error: seats: -1 is out of range, expected 1 to 8\n");
    complains("seats: 2.5\n", "garage/v.yaml:1:8: error: seats: '2.5' is not a whole number\n");
    complains("seats: two\n", "garage/v.yaml:1:8: error: seats: 'two' is not a whole number\n");
    /* 2^53 + 1 would be rounded to 2^53 in silence. */
    complains("seats: 1\nserial: 9007199254740993\n",
              "garage/v.yaml:2:9: error: serial: 9007199254740993 is out of range, expected 0 to "
              "9_007_199_254_740_991\n");
    complains("seats: 1\nshare: 2\n",
              "garage/v.yaml:2:8: error: share: 2 is out of range, expected 0 to 1\n");
    complains("seats: 1\nrange: 1.5 tokens\n",
              "garage/v.yaml:2:8: error: range: '1.5 tokens' is not a whole number\n");
    complains(
        "seats: 1\nspeed: 5 MB/s\n",
        "garage/v.yaml:2:8: error: speed: 5 MB/s is out of range, expected at least 1 GB/s\n");
    complains(
        "seats: 1\nspeed: 3 GB\n",
        "garage/v.yaml:2:8: error: speed: '3 GB' is a size in bytes; expected a rate in bytes "
        "per second such as 50 GB/s\n");
    complains(
        "seats: 1\ndelay: 15\n",
        "garage/v.yaml:2:8: error: delay: '15' needs a unit; expected a time such as 40 us\n");
    complains("seats: 1\ndelay: 15 sec\n", "garage/v.yaml:2:8: error: delay: unknown unit 'sec' "
                                           "(did you mean 's'?); expected a time such as 40 us\n");
    complains("seats: 1\ndelay: soon\n",
              "garage/v.yaml:2:8: error: delay: 'soon' is not a number; expected a time such as 40 "
              "us\n");
    complains("seats: 1\ndelay: 1e400 s\n",
              "garage/v.yaml:2:8: error: delay: '1e400 s' is larger than any number can be\n");
    complains("seats: 1\nfast: yes\n",
              "garage/v.yaml:2:7: error: fast: 'yes' is neither true nor false\n");
    complains("seats: 1\ncolour: bleu\n",
              "garage/v.yaml:2:9: error: colour: 'bleu' is not known (did "
              "you mean 'blue'?); expected one of: red, blue\n");
    complains(
        "seats: 1\nname: my car\n",
        "garage/v.yaml:2:7: error: name: 'my car' is not a name (letters, digits, '-', '_' and "
        "'.')\n");
    complains("seats: 1\nmotto: ''\n",
              "garage/v.yaml:2:8: error: motto: is empty; expected a text\n");
    complains("seats: 1\nmotto:\n",
              "garage/v.yaml:2:7: error: motto: has no value; expected a text\n");
    complains("seats: 1\nmotto: [a]\n",
              "garage/v.yaml:2:8: error: motto: is a list; expected a text\n");
    complains(
        "seats: 1\nspare: 7 B\n",
        "garage/v.yaml:2:8: error: spare: is a single value; expected a mapping of: radius\n");
    complains("seats: 1\nspare: {}\n",
              "garage/v.yaml:2:8: error: missing required key 'spare.radius'; expected a size in "
              "bytes such as 80 GB\n");
    complains(
        "seats: 1\nspare: {radius: 1 B, raduis: 2 B}\n",
        "garage/v.yaml:2:22: error: unknown key 'raduis' in spare (did you mean 'radius'?)\n");
    complains("seats: 1\nwheels: []\n",
              "garage/v.yaml:2:9: error: wheels: has 0 items, expected 1 to 3\n");
    complains("seats: 1\nwheels: {radius: 1 B}\n",
              "garage/v.yaml:2:9: error: wheels: is a mapping; expected a list\n");
    complains("seats: 1\nwheels:\n  - {radius: 1 B}\n  - {radius: 0}\n",
              "garage/v.yaml:4:14: error: wheels.1.radius: 0 is out of range, expected at least 1 "
              "B\n");
    complains("seats: 1\ndrive: {area: 3}\n", "garage/v.yaml:2:8: error: drive: is missing its "
                                              "'kind'; expected one of: sail, engine\n");
    complains("seats: 1\ndrive: {kind: sial, area: 3}\n",
              "garage/v.yaml:2:15: error: drive.kind: 'sial' is not known (did you mean 'sail'?); "
              "expected one of: sail, engine\n");
    complains("seats: 1\ndrive: {kind: engine, area: 3}\n",
              "garage/v.yaml:2:23: error: unknown key 'area' in drive\n");
}
END_TEST

START_TEST(all_mistakes_are_reported)
{
    struct arena *arena = arena_create();
    char *complaints = NULL;
    read_vehicle(arena, "seats: 0\nshare: 7\ncolor: red\ndelay: 3\n", &complaints);
    ck_assert_str_eq(
        complaints, "garage/v.yaml:1:8: error: seats: 0 is out of range, expected 1 to 8\n"
                    "garage/v.yaml:2:8: error: share: 7 is out of range, expected 0 to 1\n"
                    "garage/v.yaml:3:1: error: unknown key 'color' (did you mean 'colour'?)\n"
                    "garage/v.yaml:4:8: error: delay: '3' needs a unit; expected a time such as 40 "
                    "us\n"
                    "4 errors\n");
    free(complaints);
    arena_destroy(arena);
}
END_TEST

START_TEST(rows_are_found_by_path)
{
    ck_assert_str_eq(field_find_path(vehicle_fields, "spare.radius")->key, "radius");
    ck_assert_str_eq(field_find_path(vehicle_fields, "wheels.0.radius")->key, "radius");
    ck_assert_str_eq(field_find_path(vehicle_fields, "wheels.radius")->key, "radius");
    ck_assert_ptr_eq(field_find_path(vehicle_fields, "wheels.12"), &wheel_item);
    ck_assert_str_eq(field_find_path(vehicle_fields, "drive.area")->key, "area");
    ck_assert_str_eq(field_find_path(vehicle_fields, "drive.kind")->key, "drive");
    ck_assert_ptr_null(field_find_path(vehicle_fields, "seats.0"));
    ck_assert_ptr_null(field_find_path(vehicle_fields, "seat"));
    ck_assert_ptr_null(field_find_path(vehicle_fields, ""));
}
END_TEST

START_TEST(sizes_are_pairs)
{
    struct arena *arena = arena_create();
    char *complaints = NULL;
    struct vehicle vehicle =
        read_vehicle(arena, "{seats: 1, panes: 3x40 12x5, drive: {kind: engine}}", &complaints);
    ck_assert_str_eq(complaints, "");
    free(complaints);
    ck_assert_uint_eq(vehicle.pane_count, 2);
    ck_assert_uint_eq(vehicle.panes[0][1], 40);
    ck_assert_uint_eq(vehicle.panes[1][0], 12);
    static const char *const wrong[] = {"3x",      "x3", "3 x 4", "3x4x5", "0x4",
                                        "3x4,5x6", "a",  "-3x4",  "3x 4",  "3x1234567890"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *yaml = arena_printf(arena, "{seats: 1, panes: \"%s\"}", wrong[i]);
        read_vehicle(arena, yaml, &complaints);
        ck_assert_ptr_nonnull(
            strstr(complaints, arena_printf(arena, "panes: '%s' is not sizes such as 128x256 64x16",
                                            wrong[i])));
        free(complaints);
    }
    read_vehicle(arena, "{seats: 1, panes: 1x1 1x1 1x1}", &complaints);
    ck_assert_ptr_nonnull(strstr(complaints, "panes: has 3 sizes, expected 1 to 2"));
    free(complaints);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(scenario_field, every_kind_lands_in_its_member, defaults_come_from_the_table,
          every_mistake_has_its_sentence, all_mistakes_are_reported, rows_are_found_by_path,
          sizes_are_pairs)
