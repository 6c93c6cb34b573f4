# SPDX-License-Identifier: MIT
"""The checker on files that somebody broke: each fault is found and said in one line. A checker that
passes everything would pass every good file too."""
import h5py
import numpy as np
from conftest import check_trace, write_sample


def broken(sample, change):
    """The checker's verdict after change(file)."""
    with h5py.File(sample, "r+") as file:
        change(file)
    return check_trace(sample)


def replace(file, name, values, **attributes):
    """Puts another dataset in a column's place."""
    kept = dict(file[name].attrs) | attributes
    del file[name]
    file[name] = values
    file[name].attrs.update({key: value for key, value in kept.items() if value is not None})


def test_a_good_file_passes(sample):
    assert check_trace(sample) == (0, [])


def test_a_missing_table(sample):
    status, faults = broken(sample, lambda file: file.__delitem__("links"))
    assert (status, faults) == (2, ["/links: the table is missing", "1 error"])


def test_a_missing_column(sample):
    status, faults = broken(sample, lambda file: file["operators"].__delitem__("flops"))
    assert (status, faults) == (2, ["/operators/flops: the column is missing", "1 error"])


def test_what_does_not_belong(sample):
    def change(file):
        file["operators/colour"] = np.zeros(1000)
        file["notes"] = "hello"

    assert broken(sample, change) == (
        2,
        [
            "/operators/colour: format 1.4 has no such thing",
            "/notes: format 1.4 has no such thing",
            "2 errors",
        ],
    )


def test_a_newer_minor_version_may_have_more(sample):
    def change(file):
        file.attrs["cpsim_format"] = "1.7"
        file["operators/colour"] = np.zeros(1000)

    assert broken(sample, change) == (0, [])


def test_another_major_version(sample):
    status, faults = broken(sample, lambda file: file.attrs.__setitem__("cpsim_format", "2.0"))
    assert (status, faults) == (2, ["its format is 2.0, and this cpsim knows 1.4", "1 error"])


def test_wrong_units_and_missing_attributes(sample):
    def change(file):
        file["phases/latency"].attrs["units"] = "ms"
        del file["phases/gemm"].attrs["long_name"]
        file["gpus/energy"].attrs["units"] = np.bytes_("J")  # not text that Python reads as str
        del file.attrs["seed"]
        del file.attrs["scenario"]

    assert broken(sample, change) == (
        2,
        [
            "/: the attribute scenario is missing or not UTF-8 text of variable length",
            "/: the attribute seed is missing",
            "/phases/latency: units is 'ms', expected 's'",
            "/phases/gemm: the attribute long_name is missing or not UTF-8 text of variable length",
            "/gpus/energy: the attribute units is missing or not UTF-8 text of variable length",
            "5 errors",
        ],
    )


def test_wrong_types(sample):
    def change(file):
        replace(file, "operators/start", np.zeros(1000, np.float32))
        replace(file, "operators/layer", np.zeros(1000, np.int64))
        replace(file, "operators/kind", np.zeros(1000, h5py.enum_dtype({"gemm": 0, "vector": 1}, "u1")))
        replace(file, "links/bytes", np.zeros((8, 2)))

    assert broken(sample, change) == (
        2,
        [
            "/operators/layer: the type is int64, expected uint32",
            "/operators/kind: the type is enum with other members, expected enum",
            "/operators/start: the type is float32, expected float64",
            "/links/bytes: has 2 dimensions, expected 1",
            "4 errors",
        ],
    )


def test_unequal_lengths(sample):
    status, faults = broken(sample, lambda file: file["gpus/node"].resize((3,)))
    assert (status, faults) == (2, ["/gpus/node: has 3 rows, but gpu has 4", "1 error"])


def test_values_out_of_range(sample):
    def change(file):
        file["operators/gpu"][998:] = [4, 5]
        file["operators/phase"][7] = 2
        file["operators/name"][3] = 3
        file["operators/duration"][11] = -1.0
        file["phases/mfu"][1] = np.nan
        file["phases/flops"][0] = np.inf
        bounds = file["operators/bound"].id
        codes = file["operators/bound"][:]
        codes[5] = 9
        everything = h5py.h5s.create_simple((1000,))
        bounds.write(everything, everything, codes, bounds.get_type())

    assert broken(sample, change) == (
        2,
        [
            "/phases/flops: row 0: inf is not a finite number from 0 up (1 faulty row)",
            "/phases/mfu: row 1: nan is not a finite number from 0 up (1 faulty row)",
            "/operators/phase: row 7: 2 is no row of /phases, which has 2 (1 faulty row)",
            "/operators/gpu: row 998: 4 is no row of /gpus, which has 4 (2 faulty rows)",
            "/operators/name: row 3: 3 is no category; there are 3 (1 faulty row)",
            "/operators/duration: row 11: -1 is not a finite number from 0 up (1 faulty row)",
            "/operators/bound: row 5: 9 is no member of the enum (1 faulty row)",
            "7 errors",
        ],
    )


def test_names_without_categories(sample):
    status, faults = broken(sample, lambda file: file["operators/name"].attrs.__delitem__("categories"))
    assert status == 2
    assert faults[0] == "/operators/name: row 0: 0 is no category; there are 0 (1000 faulty rows)"


def test_files_that_are_no_traces(tmp_path):
    text = tmp_path / "notes.h5"
    text.write_text("not a trace")
    assert check_trace(text) == (
        2,
        ["cannot be read: not an HDF5 file, or one that was cut short", "1 error"],
    )
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.zeros(3)
    assert check_trace(other) == (
        2,
        ["not a trace of cpsim: its root has no attribute cpsim_format", "1 error"],
    )
    assert check_trace(tmp_path / "none.h5") == (
        2,
        ["cannot be read: No such file or directory", "1 error"],
    )
    assert check_trace(tmp_path)[0] == 2


def test_a_file_cut_short(tmp_path):
    path = tmp_path / "run.h5"
    assert write_sample(path, 100_000).returncode == 0
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert check_trace(path) == (
        2,
        ["cannot be read: not an HDF5 file, or one that was cut short", "1 error"],
    )


def test_a_damaged_chunk(tmp_path):
    """Bytes that deflate cannot make sense of."""
    path = tmp_path / "run.h5"
    assert write_sample(path, 100_000).returncode == 0
    with h5py.File(path) as file:
        chunk = file["operators/start"].id.get_chunk_info(1)
    with open(path, "r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * 64)
    status, faults = check_trace(path)
    assert status == 2 and len(faults) == 2
    assert faults[0].startswith("/operators/start: row 65536 and those after it cannot be read: ")
