# SPDX-License-Identifier: MIT
"""Execution traces of Chakra: read back by a reader of protobuf of our own, after its schema (mlcommons/chakra,
schema/protobuf/et_def.proto), against the rows of the trace they were made of."""

import os
import subprocess

import h5py
import pytest

from conftest import SOURCE_DIR

CPSIM = os.environ["CPSIM"]
COMPUTE, SEND, COLLECTIVE = 4, 5, 7
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


@pytest.mark.parametrize("scenario", ["llama405b", "train-gpt3-175b"])
def test_nodes_are_the_operators_of_a_rank(tmp_path, scenario):
    trace, out = tmp_path / "run.h5", tmp_path / "run.0.et"
    subprocess.run([CPSIM, scenario, "-q", "-o", trace], check=True, timeout=300, env={**os.environ, "CPSIM_PATH": str(SOURCE_DIR)})
    subprocess.run([CPSIM, "trace", "export", trace, "--format", "chakra", "-o", out], check=True, timeout=60)
    metadata, *nodes = messages(out.read_bytes())
    assert metadata == [(1, b"0.0.4")]
    nodes = [node(found) for found in nodes]
    with h5py.File(trace) as file:
        table = file["operators"]
        columns = {name: table[name][:] for name in table}
        names = {name: table[name].attrs["categories"] for name in ("segment", "name")}
        enums = {name: {code: word for word, code in h5py.check_enum_dtype(table[name].dtype).items()}
                 for name in ("kind", "stream", "collective")}  # fmt: skip
    first = (columns["rank"] == columns["rank"][0]) & (columns["gpu"] == columns["gpu"][0])
    rows = [{name: values[i] for name, values in columns.items()} for i in range(len(first)) if first[i]]
    assert len(nodes) == len(rows) > 100 and [n["id"] for n in nodes] == list(range(len(rows)))
    seen = set()
    for found, row in zip(nodes, rows):
        kind, collective = enums["kind"][row["kind"]], enums["collective"][row["collective"]]
        assert found["name"] == f"{names['segment'][row['segment']]} {row['layer']} {names['name'][row['name']]}"
        assert found["start"] == pytest.approx(row["start"] * 1e6, abs=0.51)
        assert found["duration"] == max(1, round(row["duration"] * 1e6)) or abs(found["duration"] - row["duration"] * 1e6) <= 0.51
        assert (kind == "collective") == (collective != "none")
        if kind != "collective":
            assert found["type"] == COMPUTE and found["num_ops"] == round(row["flops"]) and found["tensor_size"] == round(row["bytes"])
            assert found["is_cpu_op"] == (kind == "host")
        else:
            assert found["type"] == (SEND if collective in ("send", "send_recv") else COLLECTIVE)
            assert found.get("comm_type") == TYPES.get(collective) and found["comm_size"] == round(row["bytes"])
            seen.add(collective)
    assert {"all_gather", "reduce_scatter"} <= seen if scenario.startswith("train") else {"all_reduce", "send_recv"} <= seen
    # Nobody begins before what it waits for has ended, and each waits for the one before it on its stream.
    before = {}
    for i, (found, row) in enumerate(zip(nodes, rows)):
        stream = enums["stream"][row["stream"]]
        assert all(rows[j]["start"] + rows[j]["duration"] <= row["start"] + 1e-9 for j in found["waits"] if j < i)
        assert all(j < i for j in found["waits"]) and (stream not in before or before[stream] in found["waits"])
        before[stream] = i


def test_a_service_has_no_operators(tmp_path):
    trace = tmp_path / "service.h5"
    subprocess.run([CPSIM, SOURCE_DIR / "scenarios/serving-lora.yaml", "--set", "workload.requests=20", "--set", "workload.warm_up=0 s",
                    "-q", "-o", trace], check=True, timeout=60)  # fmt: skip
    done = subprocess.run([CPSIM, "trace", "export", trace, "--format", "chakra", "-o", tmp_path / "service.et"],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 2 and "holds no operators" in done.stderr
    assert not (tmp_path / "service.et").exists()
