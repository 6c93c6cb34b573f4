# SPDX-License-Identifier: MIT
"""The Python package, in the source tree by ctest and out of a wheel by test_package.sh: what it answers is what the
program prints, what is wrong has its place, nothing is left behind."""
import ast
import glob
import inspect
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import pytest

import cpsim

CONVERSATION = {
    "model": "llama3-8b",
    "cluster": "dgx-h100",
    "layout": {"tensor": 1},
    "workload": {"kind": "conversation", "turns": [{"prompt": "1000 tokens", "output": "4 tokens"}]},
}


def program(*words):
    return subprocess.run([cpsim.program(), *words], capture_output=True, text=True, check=True).stdout


def test_a_run_is_what_the_program_prints(tmp_path):
    run = cpsim.run("one-gpu", layout={"tensor": 2}, trace=tmp_path / "run.h5")
    printed = json.loads(program("one-gpu", "--set", "layout.tensor=2", "--json", "-o", str(tmp_path / "other.h5")))
    assert run.json == printed
    assert run.ttft_seconds == printed["figures"]["ttft_seconds"] == run.figures["ttft_seconds"]
    assert "ttft_seconds" in dir(run)
    assert [phase["phase"] for phase in run.phases] == ["prefill", "decode"]
    assert (tmp_path / "run.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()
    with pytest.raises(AttributeError, match="no figure 'ttft'; there are ttft_seconds"):
        run.ttft  # noqa: B018


def test_a_file_a_mapping_and_a_builder_are_one(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps({"schema": 1, **CONVERSATION}))
    built = cpsim.Scenario(CONVERSATION).set({"layout.tensor": 4}).set(layout={"tensor": 1})
    seconds = {cpsim.run(scenario).seconds for scenario in (path, str(path), CONVERSATION, built, cpsim.Scenario(**CONVERSATION))}
    assert len(seconds) == 1
    assert CONVERSATION["layout"] == {"tensor": 1}
    assert cpsim.Scenario(path).set(layout={"tensor": 2}).run().seconds == cpsim.run(CONVERSATION, layout={"tensor": 2}).seconds
    assert cpsim.Scenario(path).set(layout={"tensor": 2}).run(layout={"tensor": 1}).seconds in seconds  # the last wins
    assert "tensor: 1" in built.text()


def test_a_mapping_names_files_beside_the_user(tmp_path, monkeypatch):
    (tmp_path / "models" / "llm").mkdir(parents=True)
    (tmp_path / "models" / "llm" / "mine.yaml").write_text('schema: 1\nuse: llama3-8b\nlayers: {value: 16, source: "half of it"}\n')
    monkeypatch.chdir(tmp_path)
    assert cpsim.run(CONVERSATION, model="mine").seconds < cpsim.run(CONVERSATION).seconds


def test_all_that_is_wrong_has_its_place(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("schema: 1\nmodel: llama3-8b\ncluster: dgx-h100\nlayout: {tensor: 3, contxt: 2}\n"
                    "workload: {kind: conversation, turns: [{prompt: 10 tokens, output: 1 tokens}]}\n")  # fmt: skip
    with pytest.raises(cpsim.ScenarioError) as caught:
        cpsim.run(path, precision="fp9")
    places = {(d.file, d.line, d.column, d.key) for d in caught.value.diagnostics}
    # layout's mapping is line 4; its keys' values and names are at columns 18 and 21.
    assert places == {(str(path), 4, 18, None), (str(path), 4, 21, None), (None, None, None, "precision")}
    assert "did you mean 'context'?" in str(caught.value)
    assert isinstance(caught.value, ValueError)
    # A mapping has no lines of the user's: its keys are the place.
    found = cpsim.check({**CONVERSATION, "layout": {"tensor": 3, "contxt": 2}})
    assert {d.key for d in found} == {"layout.tensor", "layout.contxt"} and {d.file for d in found} == {None}
    turns = {"kind": "conversation", "turns": [{"prompt": "10 tokens", "output": "1 token"}, {"prompt": "ten", "output": "1 tokens"}]}
    assert "workload.turns.1.prompt" in {d.key for d in cpsim.check({**CONVERSATION, "workload": turns})}
    assert cpsim.check(CONVERSATION) == [] == cpsim.check("one-gpu", "llama405b")
    with pytest.raises(cpsim.ScenarioError, match="cannot be opened|neither a command nor a file"):
        cpsim.run(tmp_path / "none.yaml")


def test_a_sweep_is_the_runs_of_its_points():
    sweep = cpsim.sweep(CONVERSATION, {"layout.tensor": [1, 2, 3, 4], "workload.batch": [1, 8]}, where=["tensor * batch < 32"], jobs=1)
    assert [point.parameters["layout.tensor"] for point in sweep.points] == [1, 1, 2, 2, 3, 3, 4]
    assert {point.status for point in sweep.points if point.parameters["layout.tensor"] == 3} == {"rejected"}
    assert "does not divide" in sweep.points[4].error
    best = sweep.best("ttft_seconds")
    assert best.ttft_seconds == min(point.ttft_seconds for point in sweep.done())
    assert best.ttft_seconds == cpsim.run(CONVERSATION, **best.parameters).ttft_seconds
    frame = sweep.frame()
    assert list(frame["layout.tensor"]) == [1, 1, 2, 2, 3, 3, 4] and frame.ttft_seconds.min() == best.ttft_seconds
    assert sweep.plot("effect", ["tpot_seconds"])._repr_svg_().startswith("<?xml")
    with pytest.raises(ValueError, match="no metric 'beauty'"):
        sweep.plot("effect", ["beauty"])
    with pytest.raises(ValueError, match="no point has the figure 'beauty'"):
        sweep.best("beauty")


def test_a_plan_names_a_scenario_that_runs(tmp_path):
    service = cpsim.Scenario("serving-70b-chat").set(precision="fp8-tensor")
    plan = {
        "base": service,
        "rate": "2 /s",
        "slo": {"ttft_p99": "2 s", "tpot_p99": "60 ms"},
        "requests": 100,
        "confirm_requests": 0,
        "axes": {"grid": {"layout.tensor": [1, 4]}},
    }
    found = cpsim.plan(plan, output=tmp_path / "plan", jobs=1)
    assert found.winner is not None and found.winner.parameters["layout.tensor"] == 4
    assert len(found.candidates) == 2 == len(found.frame())
    assert found.scenario == str(tmp_path / "plan" / "winner.yaml")
    assert cpsim.run(found.scenario).tpot_p99_seconds <= 0.06
    assert cpsim.plan(plan, output=tmp_path / "plan", jobs=1).json == found.json


def test_predicted_beside_measured(tmp_path):
    table = tmp_path / "gemm.csv"
    table.write_text("m,n,k,dtype,time_us\n8192,8192,8192,bf16,1900\n")
    comparison = cpsim.compare(table, gpu="h100-sxm")
    assert [row["line"] for row in comparison.rows] == [2]
    assert comparison.frame()["error"][0] == pytest.approx(comparison.rows[0]["predicted"] / 1900 - 1)


def test_a_trace_is_tables(tmp_path):
    run = cpsim.run(CONVERSATION, trace=tmp_path / "run.h5")
    trace = cpsim.load(tmp_path / "run.h5")
    assert list(trace["phases"]["latency"])[0] == pytest.approx(run.ttft_seconds, rel=1e-9) == run.frame("phases")["latency"][0]
    assert trace.units("phases")["latency"] == "s" and trace.doc("phases")["latency"]
    assert "llama3-8b" in trace.attributes["scenario"]
    picture = trace.plot("phases")
    picture.save(tmp_path / "phases.svg")
    assert (tmp_path / "phases.svg").stat().st_size > 1000
    assert "layout.tensor" in run.compare(cpsim.run(CONVERSATION, layout={"tensor": 2}))
    with pytest.raises(ValueError, match="nothing to draw: it has no requests"):
        trace.plot("latency")
    with pytest.raises(cpsim.ScenarioError, match="trace format"):
        path = tmp_path / "none.h5"
        import h5py

        h5py.File(path, "w").close()
        cpsim.load(path)


def test_many_points_cost_what_the_command_costs(tmp_path):
    axes = {"layout.tensor": [1, 2, 4, 8], "workload.batch": list(range(1, 51))}
    (tmp_path / "sweep.yaml").write_text(json.dumps({"schema": 1, "base": "base.yaml", "axes": {"grid": axes}}), encoding="utf-8")
    (tmp_path / "base.yaml").write_text(json.dumps({"schema": 1, **CONVERSATION}), encoding="utf-8")

    def processor_seconds(work):
        def used():
            return sum(sum(resource.getrusage(of)[:2]) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

        before = used()
        work()
        return used() - before

    command = [cpsim.program(), "sweep", str(tmp_path / "sweep.yaml"), "-q", "-o", str(tmp_path / "out")]
    alone = processor_seconds(lambda: subprocess.run(command, check=True))
    assert processor_seconds(lambda: cpsim.sweep(CONVERSATION, axes)) < 1.3 * alone + 0.2


def test_nothing_is_left_behind():
    def left():
        return set(glob.glob(os.path.join(tempfile.gettempdir(), "cpsim-*")))

    before = left()
    run = cpsim.run(CONVERSATION)
    sweep = cpsim.sweep(CONVERSATION, {"layout.tensor": [1]})
    cpsim.check(CONVERSATION)
    assert len(left() - before) >= 2
    del run, sweep
    assert left() - before == set()


def test_what_an_interpreter_lacks_is_said_with_its_name(tmp_path):
    # The package alone: a link to it in a folder where nothing else is, and no folder of other packages.
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "cpsim").symlink_to(pathlib.Path(cpsim.__file__).parent)
    script = (f"import sys; sys.path = [{str(tmp_path / 'alone')!r}] + [p for p in sys.path if 'packages' not in p]\n"
              f"import cpsim\nrun = cpsim.run('one-gpu')\nprint(run.ttft_seconds > 0)\nrun.frame('phases')")  # fmt: skip
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False,
                          env={**os.environ, "CPSIM_PROGRAM": cpsim.program(), "PYTHONPATH": ""})  # fmt: skip
    assert done.stdout == "True\n"
    assert f"MissingModuleError: {sys.executable} (Python {sys.version.split()[0]}) has no h5py and no pandas; " in done.stderr
    assert "pip install h5py pandas, or on Debian apt-get install python3-h5py python3-pandas" in done.stderr


def test_no_program_is_an_error_that_says_where_it_was_sought(monkeypatch):
    monkeypatch.setenv("CPSIM_PROGRAM", "/nowhere/cpsim")
    with pytest.raises(cpsim.ProgramNotFoundError, match="CPSIM_PROGRAM is '/nowhere/cpsim'"):
        cpsim.run("one-gpu")


def test_every_public_name_says_what_it_is():
    for name in cpsim.__all__:
        thing = getattr(cpsim, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            for own, value in vars(thing).items():
                assert own.startswith("_") or not callable(value) or inspect.getdoc(value), f"{name}.{own}"
    # The whole package reads on the oldest Python that pyproject.toml names.
    for path in pathlib.Path(cpsim.__file__).parent.rglob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))
