# SPDX-License-Identifier: MIT
"""How long would it take, what would it cost, and why: large language models on GPU clusters, simulated.

    import cpsim

    run = cpsim.run("scenarios/serving-70b-chat.yaml", layout={"tensor": 8})
    run.ttft_p99_seconds                       # every figure of `cpsim describe figures`, in SI units
    run.frame("requests")                      # a table of the trace, as pandas has it
    run.plot("latency")                        # what `python3 -m cpsim.analysis latency` draws

    cpsim.sweep("scenarios/one-gpu.yaml", {"layout.tensor": [1, 2, 4, 8]}).frame()
    cpsim.plan("scenarios/plans/chats-70b.yaml").winner
    cpsim.check({"model": "llama3-8b", "layout": {"tensor": 3}})   # [Diagnostic(...), ...]
    cpsim.load("run.h5")["phases"]

A scenario is a path, the name of one that came with cpsim, a mapping with the keys of a scenario file, or a
`cpsim.Scenario`. It is the program `cpsim` that simulates, one process a call: this package asks it and reads
what it writes. Times are seconds, sizes bytes, rates per second, energy joules, money US dollars.
"""
from ._calls import check, compare, load, plan, run, sweep
from ._errors import CpsimError, Diagnostic, MissingModuleError, ProgramNotFoundError, ScenarioError, SimulationError
from ._program import program, version
from ._results import Candidate, Comparison, Plan, Point, Run, Sweep
from ._scenario import Scenario
from ._trace import Picture, Trace

__all__ = [
    "Candidate",
    "Comparison",
    "CpsimError",
    "Diagnostic",
    "MissingModuleError",
    "Picture",
    "Plan",
    "Point",
    "ProgramNotFoundError",
    "Run",
    "Scenario",
    "ScenarioError",
    "SimulationError",
    "Sweep",
    "Trace",
    "check",
    "compare",
    "load",
    "plan",
    "program",
    "run",
    "sweep",
    "version",
]
