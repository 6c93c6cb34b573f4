# SPDX-License-Identifier: MIT
"""The notebooks of docs/notebooks run from the first cell to the last as a reader runs them, draw what they promise, and are
kept without the outputs of some past run."""
import os
import pathlib

import pytest

nbclient = pytest.importorskip("nbclient", reason="Debian: python3-nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel", reason="Debian: python3-ipykernel")

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "notebooks"
PICTURES = {"lay-out-training": 3, "read-a-trace": 2, "size-a-service": 2}


def test_every_notebook_is_known():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells), "stored outputs: clear them"
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    drawn = [output for output in outputs if "image/svg+xml" in output.get("data", {})]
    assert len(drawn) == PICTURES[name]
    text = "\n".join(output.get("data", {}).get("text/plain", output.get("text", "")) for output in outputs)
    said = {
        "size-a-service": ["Candidate({", "layout.tensor"],  # the plan has a winner
        "lay-out-training": ["rejected", "does not", "layout.pipeline"],
        "read-a-trace": ["prompt_tokens", "chat.h5", "gemm"],
    }[name]
    for word in said:
        assert word in text, word
