# SPDX-License-Identifier: MIT
"""Runs the commands that a page shows and compares what they print with what the page says.

    readme.py CPSIM SOURCE PAGE...            a diff for each block that differs; exit 1
    readme.py CPSIM SOURCE --update PAGE...   writes the pages anew

In a block of ```sh every line "cpsim ..." must run. A block of ```console has lines "$ cpsim ...", each with what it prints on stdout and stderr. Blocks
run in order, in a scratch folder with the sources' data; a "$" line may not use pipes. Relative
links of the pages must lead to files.
"""
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SHELL = re.compile(r"(?<=^```sh\n).*?(?=^```$)", re.M | re.S)
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def run(command, cpsim, folder):
    """(exit status, all it prints) of a line that begins with cpsim."""
    words = shlex.split(command)
    if words[0] != "cpsim":
        sys.exit(f"readme: '{command}' is no command of cpsim")
    done = subprocess.run(
        [cpsim, *words[1:]],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8")


def play(block, cpsim, folder):
    """The block as it should be: its commands, each followed by what it prints."""
    lines = []
    for command in (line[2:] for line in block.splitlines() if line.startswith("$ ")):
        lines += ["$ " + command, run(command, cpsim, folder)[1].rstrip("\n")]
    return "\n".join(lines) + "\n"


def failures(text, cpsim, folder):
    """What the lines of ```sh that do not run print."""
    commands = [line for block in SHELL.findall(text) for line in block.splitlines() if line.startswith("cpsim ")]
    results = [(command, *run(command, cpsim, folder)) for command in commands]
    return [f"{command}: exit status {status}\n{printed}" for command, status, printed in results if status != 0]


def dead_links(page, text):
    return [link for link in LINK.findall(text) if not (page.parent / link).exists()]


def main(arguments):
    update = "--update" in arguments
    cpsim, source, *pages = [argument for argument in arguments if argument != "--update"]
    cpsim, source = str(pathlib.Path(cpsim).resolve()), pathlib.Path(source).resolve()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("scenarios", "models", "platforms", "tests"):
            os.symlink(source / name, os.path.join(folder, name))
        for name in pages:
            page = pathlib.Path(name)
            text = page.read_text(encoding="utf-8")
            played = BLOCK.sub(lambda found: play(found.group(0), cpsim, folder), text)
            if update:
                page.write_text(played, encoding="utf-8")
            elif played != text:
                faults += 1
                sys.stdout.writelines(
                    difflib.unified_diff(text.splitlines(True), played.splitlines(True), name, "what cpsim prints")
                )
            for failure in failures(text, cpsim, folder):
                faults += 1
                print(f"{name}: {failure}", end="")
            for link in dead_links(page, text):
                faults += 1
                print(f"{name}: leads to {link}, which is not there")
    if faults and not update:
        print("after a look at it: python3 tests/cli/readme.py build/release/cpsim . --update README.md")
    return 1 if faults and not update else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
