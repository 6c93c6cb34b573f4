/* SPDX-License-Identifier: MIT
 * YAML as a tree with places: what YAML allows and a scenario must not have is refused where it
 * stands, and laying one tree over another keeps what it should. */
#include "diagnosed.h"

#include "sim/config/yaml_tree.h"

#include <string.h>

struct parsed {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct node *root;
};

static struct parsed parse(const char *text)
{
    struct parsed parsed = {.arena = arena_create(), .diagnostics = diagnostics_create()};
    parsed.root = yaml_tree_parse(parsed.arena, text, strlen(text), "a.yaml", ORIGIN_SCENARIO,
                                  parsed.diagnostics);
    return parsed;
}

static void done(struct parsed *parsed)
{
    diagnostics_destroy(parsed->diagnostics);
    arena_destroy(parsed->arena);
}

static void refused(const char *yaml, const char *expected)
{
    struct parsed parsed = parse(yaml);
    char *text = diagnosed(parsed.diagnostics);
    ck_assert_str_eq(text, expected);
    free(text);
    done(&parsed);
}

START_TEST(nodes_know_their_place)
{
    struct parsed parsed = parse("a: 1\nlist:\n  - {b: 'x', c: y}\n  - z\n");
    ck_assert_uint_eq(diagnostics_error_count(parsed.diagnostics), 0);
    const struct node *b = node_find(parsed.root, "list.0.b");
    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(b->text, "x");
    ck_assert(b->quoted);
    ck_assert_uint_eq(b->mark.line, 3);
    ck_assert_uint_eq(b->mark.column, 9);
    ck_assert(!node_find(parsed.root, "list.0.c")->quoted);
    ck_assert_str_eq(node_find(parsed.root, "list.1")->text, "z");
    ck_assert_uint_eq(node_entry(parsed.root, "list")->key_mark.line, 2);
    ck_assert_ptr_null(node_find(parsed.root, "list.2"));
    ck_assert_ptr_null(node_find(parsed.root, "list.x"));
    ck_assert_ptr_null(node_find(parsed.root, "a.b"));
    ck_assert_ptr_null(node_find(parsed.root, "none"));
    done(&parsed);
}
END_TEST

START_TEST(only_plain_trees_are_accepted)
{
    refused("a: 1\nb: 2\na: 3\n",
            "a.yaml:3:1: error: key 'a' is here twice (first in line 1)\n1 error\n");
    refused("a: &x 1\nb: *x\n",
            "a.yaml:1:4: error: anchors (&x) are not understood; write the value out where it is "
            "used\na.yaml:2:4: error: aliases (*x) are not understood; write the value out\n2 "
            "errors\n");
    refused("a: !!str 1\n",
            "a.yaml:1:4: error: tags (tag:yaml.org,2002:str) are not understood; the "
            "key says what kind of value it takes\n1 error\n");
    refused("a: 1\n--- \nb: 2\n", "a.yaml:3:1: error: a second document; expected one a file\n1 "
                                  "error\n");
    refused("? [a]\n: b\n", "a.yaml:1:3: error: a key must be a word\n1 error\n");
    refused("a: [1, 2\nb: 3\n", "a.yaml:2:2: error: YAML syntax: did not find expected ',' or ']' "
                                "while parsing a flow sequence\n1 error\n");
    refused("a: \"\\0\"\n", "a.yaml:1:4: error: a text with a NUL character in it\n1 error\n");
    refused("", "a.yaml: error: empty; expected keys such as 'schema: 1' (cpsim describe lists "
                "them)\n1 error\n");
    refused("\xff",
            "a.yaml: error: not a YAML text: invalid leading UTF-8 octet at byte 0; expected "
            "UTF-8\n1 error\n");
    refused("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
            "a.yaml:1:34: error: nested more than 32 deep\n1 error\n");
}
END_TEST

START_TEST(every_key_of_a_wide_mapping_is_kept)
{
    /* 1000 keys: the mapping outgrows its first 8 places seven times. */
    char text[16 * 1000 + 1];
    size_t used = 0;
    for (int i = 0; i < 1000; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "key%d: %d\n", i, i);
    }
    struct parsed parsed = parse(text);
    ck_assert_uint_eq(parsed.root->count, 1000);
    ck_assert_str_eq(node_get(parsed.root, "key999")->text, "999");
    ck_assert_str_eq(node_take(parsed.root, "key500")->text, "500");
    ck_assert_ptr_null(node_get(parsed.root, "key500"));
    ck_assert_ptr_null(node_take(parsed.root, "key500"));
    ck_assert_str_eq(node_get(parsed.root, "key501")->text, "501");
    ck_assert_uint_eq(parsed.root->count, 999);
    done(&parsed);
}
END_TEST

START_TEST(overlays_go_key_by_key)
{
    struct parsed base = parse("a: 1\nm: {x: 1, y: 2, list: [1, 2]}\nn: {use: p, z: 1}\n");
    struct parsed top = parse("b: 2\nm: {y: 3, list: [9]}\nn: {use: q}\n");
    struct node *both = node_overlay(base.arena, base.root, top.root);
    ck_assert_str_eq(node_find(both, "a")->text, "1");
    ck_assert_str_eq(node_find(both, "b")->text, "2");
    ck_assert_str_eq(node_find(both, "m.x")->text, "1");
    ck_assert_str_eq(node_find(both, "m.y")->text, "3");
    ck_assert_uint_eq(node_find(both, "m.list")->count, 1); /* lists are replaced whole */
    /* A mapping that names another base is whole by itself: z belonged to p. */
    ck_assert_str_eq(node_find(both, "n.use")->text, "q");
    ck_assert_ptr_null(node_find(both, "n.z"));
    done(&base);
    done(&top);
}
END_TEST

RUN_TESTS(scenario_yaml, nodes_know_their_place, only_plain_trees_are_accepted,
          every_key_of_a_wide_mapping_is_kept, overlays_go_key_by_key)
