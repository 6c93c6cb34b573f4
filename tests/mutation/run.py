#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes formulas one at a time and says which test sees it.

    run.py BUILD_DIR [--only TEXT] [--since COMMIT] [--jobs N] [--labels unit,model,validation]

The sources are copied to BUILD_DIR/source and built in BUILD_DIR/build, which the next call goes on from; this tree is not
touched. Of each mutation (mutations.py) the tests that its row names run first, then those of each label in turn; the first
that fails ends it. Exit status 1: fewer than 90 % were killed, or a row fits no source any more."""
import argparse
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from mutations import MUTATIONS  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LEAST_SHARE = 0.9
TEST_SECONDS = 1200  # a mutant may never end; a slow machine is no kill


def copy_sources(target):
    """Only what differs, so that ninja builds only that."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=SOURCE, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    names = {name for name in listed.split("\0") if name and (SOURCE / name).is_file()}
    for name in names:
        to = target / name
        if not to.is_file() or not filecmp.cmp(SOURCE / name, to, shallow=False):
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, to)
    for path in target.rglob("*"):
        if path.is_file() and str(path.relative_to(target)) not in names:
            path.unlink()


class Tree:
    def __init__(self, folder, jobs):
        self.source, self.build, self.jobs = folder / "source", folder / "build", jobs
        copy_sources(self.source)
        launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        self.call("cmake", "-G", "Ninja", "-S", self.source, "-B", self.build, "-DCMAKE_BUILD_TYPE=Release",
                  "-DCMAKE_C_FLAGS_RELEASE=-O1", "-DBUILD_TESTING=ON", f"-DPython3_EXECUTABLE={sys.executable}",
                  *launcher)  # fmt: skip
        listing = self.call("ctest", "--test-dir", self.build, "--show-only=json-v1").stdout
        self.tests = {}  # name -> labels
        for test in json.loads(listing)["tests"]:
            labels = [p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"]
            self.tests[test["name"]] = labels[0] if labels else []

    def call(self, *words, check=True):
        words = [str(word) for word in words]
        done = subprocess.run(words, capture_output=True, text=True)
        if check and done.returncode != 0:
            sys.exit(f"mutation: {' '.join(words)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def targets(self, names):
        """Programs that the tests need; all of them for a test that is no program of its own."""
        programs = [name for name in names if name.startswith("test_")]
        return programs if len(programs) == len(names) else ["all"]

    def compile(self, names):
        return self.call("cmake", "--build", self.build, "--target", *self.targets(names), "--", f"-j{self.jobs}",
                         check=False)  # fmt: skip

    def first_failing(self, names):
        """None: all pass. A mutant that does not compile ends everything: its row is wrong."""
        built = self.compile(names)
        if built.returncode != 0:
            sys.exit(f"mutation: does not build:\n{built.stdout[-3000:]}")
        ran = self.call("ctest", "--test-dir", self.build, "-R", "^(" + "|".join(names) + ")$", f"-j{self.jobs}",
                        "--stop-on-failure", "--timeout", TEST_SECONDS, check=False)  # fmt: skip
        if ran.returncode == 0:
            return None
        failed = [line.split()[3] for line in ran.stdout.splitlines() if "***" in line and "Test" in line]
        return failed[0] if failed else "a test that did not end"

    def killer(self, first, labels):
        first = [name for name in first.split("|") if name]
        rounds = [first] + [[n for n, has in self.tests.items() if label in has and n not in first] for label in labels]
        for names in rounds:
            found = self.first_failing(names) if names else None
            if found is not None:
                return found
        return None


def rows_of(commit):
    """The rows that a commit had: what they change, and into what."""
    name = "tests/mutation/mutations.py"
    shown = subprocess.run(["git", "-c", "safe.directory=*", "show", f"{commit}:{name}"], cwd=SOURCE, capture_output=True,
                           text=True)  # fmt: skip
    if shown.returncode != 0:
        sys.exit(f"mutation: {shown.stderr.strip()}")
    there = {}
    exec(compile(shown.stdout, name, "exec"), there)
    return {row[:3] for row in there["MUTATIONS"]}


def mutated(path, before, after):
    text = path.read_text(encoding="utf-8")
    return text.replace(before, after) if text.count(before) == 1 and before != after else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", type=pathlib.Path)
    parser.add_argument("--only", default="", help="rows whose file or reason has this text")
    parser.add_argument("--since", metavar="COMMIT", help="rows that COMMIT has not")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--labels", default="unit,model,validation")
    arguments = parser.parse_args()
    rows = [row for row in MUTATIONS if arguments.only in f"{row[0]} {row[3]}"]
    if arguments.since is not None:
        known = rows_of(arguments.since)
        rows = [row for row in rows if row[:3] not in known]
    stale = [row for row in rows if mutated(SOURCE / row[0], row[1], row[2]) is None]
    for row in stale:
        print(f"{row[0]}: the text is not there once, or stays the same: {row[1]}", file=sys.stderr)
    if stale or not rows:
        return 1
    tree = Tree(arguments.build_dir.resolve(), arguments.jobs)
    labels = [label for label in arguments.labels.split(",") if label]
    healthy = sorted({name for row in rows for name in row[4].split("|") if name})
    unknown = [name for name in healthy if name not in tree.tests]
    if unknown:
        sys.exit(f"mutation: no test is called {', '.join(unknown)}")
    failing = tree.first_failing(healthy) if healthy else None
    if failing is not None:
        sys.exit(f"mutation: {failing} fails before anything is changed")
    killed = 0
    for number, (name, before, after, reason, first) in enumerate(rows, start=1):
        path = tree.source / name
        text, started = path.read_text(encoding="utf-8"), time.monotonic()
        path.write_text(mutated(path, before, after), encoding="utf-8")
        try:
            killer = tree.killer(first, labels)
        finally:
            path.write_text(text, encoding="utf-8")
        killed += killer is not None
        print(f"{number:3} {killer or 'SURVIVED':28} {time.monotonic() - started:4.0f} s  {name}: {reason}", flush=True)
    share = killed / len(rows)
    print(f"{killed} of {len(rows)} killed, {share:.0%}")
    return 0 if share >= LEAST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
