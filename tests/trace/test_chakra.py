# SPDX-License-Identifier: MIT
"""Execution traces of Chakra: read back by a reader of protobuf of our own, after its schema (mlcommons/chakra,
schema/protobuf/et_def.proto), against the rows of the trace they were made of."""

import json
import os
import subprocess

import h5py
import pytest

from conftest import SOURCE_DIR

CPSIM = os.environ["CPSIM"]
COMPUTE, SEND, RECEIVE, COLLECTIVE = 4, 5, 6, 7
TYPES = {"all_reduce": 0, "all_gather": 2, "all_to_all": 6, "reduce_scatter": 7, "dispatch": 6, "combine": 6}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """[(number, value)] of a message; ValueError when it does not end where it should."""
    at, found = 0, []
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise ValueError(f"wire type {key & 7}")
        found.append((key >> 3, value))
    if at != len(data):
        raise ValueError("cut short")
    return found


def messages(data):
    at = 0
    while at < len(data):
        length, at = varint(data, at)
        yield fields(data[at : at + length])
        at += length


def node(found):
    single = {number: value for number, value in found if number in (1, 2, 3, 6, 7)}
    attributes = {}
    for attribute in (fields(value) for number, value in found if number == 10):
        (name, text), (_, value) = attribute
        assert name == 1
        attributes[text.decode()] = value
    return {"id": single.get(1, 0), "name": single[2].decode(), "type": single[3], "start": single.get(6, 0), "duration": single[7],
            "waits": [value for number, value in found if number == 5], **attributes}  # fmt: skip


def nodes_of(path):
    metadata, *nodes = messages(path.read_bytes())
    assert metadata == [(1, b"0.0.4")]
    return [node(found) for found in nodes]


@pytest.fixture(scope="module", params=["llama405b", "train-gpt3-175b"])
def exported(request, tmp_path_factory):
    """(scenario, trace, PREFIX of the exported files)"""
    folder = tmp_path_factory.mktemp("chakra")
    trace, prefix = folder / "run.h5", folder / "run"
    env = {**os.environ, "CPSIM_PATH": str(SOURCE_DIR)}
    subprocess.run([CPSIM, request.param, "-q", "-o", trace], check=True, timeout=300, env=env)
    subprocess.run([CPSIM, "trace", "export", trace, "--format", "chakra", "-o", prefix], check=True, timeout=300)
    return request.param, trace, prefix


def test_nodes_are_the_operators_of_a_rank(exported):
    scenario, trace, prefix = exported
    nodes = nodes_of(prefix.with_name("run.0.et"))
    with h5py.File(trace) as file:
        table = file["operators"]
        columns = {name: table[name][:] for name in table}
        names = {name: table[name].attrs["categories"] for name in ("segment", "name")}
        enums = {name: {code: word for word, code in h5py.check_enum_dtype(table[name].dtype).items()}
                 for name in ("kind", "stream", "collective")}  # fmt: skip
    first = (columns["rank"] == columns["rank"][0]) & (columns["gpu"] == columns["gpu"][0])
    rows = [{name: values[i] for name, values in columns.items()} for i in range(len(first)) if first[i]]
    hops = [row for row in rows if enums["collective"][row["collective"]] == "send_recv"]
    assert len(nodes) == len(rows) + len(hops) > 100 and [n["id"] for n in nodes] == list(range(len(nodes)))
    rows = [row for row in rows for _ in range(2 if row in hops else 1)]  # a hop is two nodes, out and in
    seen = set()
    for found, row in zip(nodes, rows):
        kind, collective = enums["kind"][row["kind"]], enums["collective"][row["collective"]]
        way = {SEND: ", to", RECEIVE: ", from"}.get(found["type"], "")
        assert found["name"] == f"{names['segment'][row['segment']]} {row['layer']} {names['name'][row['name']]}{way}"
        assert found["start"] == pytest.approx(row["start"] * 1e6, abs=0.51)
        assert found["duration"] == max(1, round(row["duration"] * 1e6)) or abs(found["duration"] - row["duration"] * 1e6) <= 0.51
        assert (kind == "collective") == (collective != "none")
        if kind != "collective":
            assert found["type"] == COMPUTE and found["num_ops"] == round(row["flops"]) and found["tensor_size"] == round(row["bytes"])
            assert found["is_cpu_op"] == (kind == "host")
        else:
            assert found["type"] in ((SEND, RECEIVE) if collective == "send_recv" else (COLLECTIVE,))
            assert found.get("comm_type") == TYPES.get(collective) and found["comm_size"] == round(row["buffer"]) > 0
            assert found["is_cpu_op"] == 0  # ASTRA-sim refuses communication on a CPU
            seen.add(collective)
    assert {"all_gather", "reduce_scatter"} <= seen if scenario.startswith("train") else {"all_reduce", "send_recv"} <= seen
    # Nobody begins before what it waits for has ended, and each waits for the one before it on its stream.
    before = {}
    for i, (found, row) in enumerate(zip(nodes, rows)):
        stream = enums["stream"][row["stream"]]
        assert all(rows[j]["start"] + rows[j]["duration"] <= row["start"] + 1e-9 for j in found["waits"] if j < i)
        assert all(j < i for j in found["waits"])
        if found["type"] == RECEIVE:  # beside its send, not behind it
            assert found["waits"] == nodes[i - 1]["waits"]
        else:
            assert stream not in before or before[stream] in found["waits"]
        before[stream] = i


def test_a_trace_without_operators_is_refused(tmp_path):
    trace = tmp_path / "run.h5"
    subprocess.run([CPSIM, SOURCE_DIR / "scenarios/one-gpu.yaml", "--set", "trace.operators=none", "-q", "-o", trace], check=True, timeout=60)
    done = subprocess.run([CPSIM, "trace", "export", trace, "--format", "chakra", "-o", tmp_path / "run"],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 2 and "holds no operators" in done.stderr and "trace.operators" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_every_rank_has_a_file_groups_and_peers(exported):
    """Who a collective's group is stands in groups.json; what a rank sends its peer takes, with the same size and tag."""
    scenario, trace, prefix = exported
    with h5py.File(trace) as file:
        ranks = int(file["groups"]["size"][-1])  # the last row is all of them
    groups = json.loads(prefix.with_name("run.groups.json").read_text())
    files = sorted(prefix.parent.glob("run.*.et"))
    assert {path.name for path in files} == {f"run.{rank}.et" for rank in range(ranks)}
    sent, received, of_rank = set(), set(), {}
    for rank in range(0, ranks, 1 if scenario == "llama405b" else 37):
        for found in nodes_of(prefix.with_name(f"run.{rank}.et")):
            if found["type"] == COLLECTIVE:
                members = groups[found["pg_name"].decode()]
                assert rank in members and len(members) == len(set(members))
                of_rank.setdefault(rank, set()).add(tuple(members))
            elif found["type"] == SEND:
                assert found["comm_src"] == rank
                sent.add((rank, found["comm_dst"], found["comm_tag"], found["comm_size"]))
            elif found["type"] == RECEIVE:
                assert found["comm_dst"] == rank
                received.add((found["comm_src"], rank, found["comm_tag"], found["comm_size"]))
    assert sent == received
    if scenario == "llama405b":  # TP8 x CP16: tensor ranks 8 i to 8 i + 7; a ring goes from rank r to r + 8, outputs to all of it
        assert ranks == 128 and of_rank[13] == {tuple(range(8, 16)), tuple(range(5, 128, 8))}
        assert {(source, target) for source, target, *_ in sent} == {(rank, (rank + 8) % 128) for rank in range(128)}
    else:  # TP8: the tensor group of every rank, among others
        assert all(tuple(range(rank // 8 * 8, rank // 8 * 8 + 8)) in found for rank, found in of_rank.items())


def test_it_needs_a_prefix(exported):
    done = subprocess.run([CPSIM, "trace", "export", exported[1], "--format", "chakra"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "cpsim: error: --format chakra writes several files: it needs -o PREFIX\n"
