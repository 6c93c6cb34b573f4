# SPDX-License-Identifier: MIT
"""The HTML report: held to the rules of a page by the standard library's parser everywhere, and by
Chromium itself, at three widths and in the dark, where it is installed."""
import html.parser
import os
import re
import sys

import pytest

pytest.importorskip("matplotlib")

import browser
from conftest import SOURCE_DIR, write_sample
from test_analysis_commands import analyse, simulate

VOID = {"meta", "link", "br", "wbr", "use", "path", "rect", "line"}


class Page(html.parser.HTMLParser):
    """Every element is closed by its own end; ids, links and what would be fetched are kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.ids, self.links, self.fetched, self.counts = [], [], [], [], [], {}
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("href", "xlink:href", "src"):
            if name in values:
                kept = self.links if values[name].startswith("#") else self.fetched
                kept.append(values[name])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.faults.append(f"</{tag}> closes something else")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("reports")
    simulate(made / "a.h5")
    simulate(made / "b.h5", "one-gpu.yaml")
    simulate(made / "none.h5", "one-gpu.yaml", "trace.operators=none", 'title="<b>&amp; \\"quoted\\""')
    for name, traces in {"one": ["a"], "two": ["a", "b"], "none": ["none"]}.items():
        done = analyse("report", *(made / f"{trace}.h5" for trace in traces), "-o", made / f"{name}.html", cwd=made)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{made / name}.html\n")
    return made


FIGURES = {"one": 6, "two": 12, "none": 3}  # one GPU has nothing on its links


@pytest.mark.parametrize("name", FIGURES)
def test_the_page_is_whole_and_asks_for_nothing(folder, name):
    text = (folder / f"{name}.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert page.fetched == ["data:,"]
    assert not re.search(r"url\((?!#)|@import|<script", text)
    assert page.counts["figure"] == FIGURES[name] and page.counts["svg"] == 2 * FIGURES[name]
    assert set(re.findall(r"var\(--([a-z-]+)\)", text)) <= set(re.findall(r"--([a-z-]+):", text))
    assert len(text) < 2_000_000


def test_the_page_says_what_the_run_says(folder):
    text = (folder / "one.html").read_text(encoding="utf-8")
    assert "<h1>A prompt of 128K tokens, Llama 3 405B, 8 GPUs a node</h1>" in text
    assert "32 GPUs · Llama 3.1 405B · " in text
    assert "<dt>layout.<wbr>context</dt><dd>4</dd>" in text
    assert "(prefers-color-scheme: dark)" in text and 'name="viewport"' in text


def test_text_of_the_user_s_is_no_markup(folder):
    text = (folder / "none.html").read_text(encoding="utf-8")
    assert "<b>" not in text and "&lt;b&gt;" in text


def test_the_same_trace_gives_the_same_page(folder):
    done = analyse("report", folder / "a.h5", "-o", folder / "again.html", cwd=folder)
    assert done.returncode == 0
    assert (folder / "again.html").read_bytes() == (folder / "one.html").read_bytes()


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium here: the page was not tried in a browser")
@pytest.mark.parametrize("width, dark", [(1200, False), (390, False), (390, True), (768, True)])
def test_in_a_browser(folder, tmp_path, width, dark):
    with browser.Browser(tmp_path) as chromium:
        for name, count in FIGURES.items():
            seen = chromium.open(folder / f"{name}.html", width, dark)
            assert seen["complaints"] == [] and seen["asked"] == []
            assert seen["figures"] == len(seen["pictures"]) == count
            for picture in seen["pictures"]:
                assert picture["width"] > 0.85 * min(width, 960) - 32 and picture["height"] > 100
                assert picture["drawn"] > 0.3 * picture["width"] * picture["height"] and picture["marks"] > 10
                assert picture["text"] >= 9, "text too small to read"
                assert picture["inks"] == ["rgb(230, 230, 230)" if dark else "rgb(0, 0, 0)"]
            assert (seen["twice"], seen["dangling"], seen["overflow"]) == (0, 0, 0)
            assert seen["paper"] == ("rgb(22, 24, 28)" if dark else "rgb(255, 255, 255)")
            if os.environ.get("CPSIM_SCREENSHOTS"):
                chromium.screenshot(SOURCE_DIR / os.environ["CPSIM_SCREENSHOTS"] / f"{name}-{width}-{'dark' if dark else 'light'}.png")


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium here: the page was not tried in a browser")
def test_the_browser_sees_what_is_wrong(folder, tmp_path):
    """A page with a fault of each kind: the checks above can fail."""
    text = (folder / "one.html").read_text(encoding="utf-8")
    bad = tmp_path / "bad.html"
    bad.write_text(
        text.replace("</body>", '<script>console.error("no"); undefinedName()</script><img src="gone.png">'
                     '<p style="width: 3000px" id="memory">x</p></body>'),
        encoding="utf-8",
    )  # fmt: skip
    with browser.Browser(tmp_path / "profile") as chromium:
        seen = chromium.open(bad, 390)
    assert len(seen["complaints"]) >= 2 and len(seen["asked"]) == 1
    assert seen["twice"] == 1 and seen["overflow"] > 2000


SCENARIOS = sorted(path.name for path in (SOURCE_DIR / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if browser.CHROMIUM is None:
        yield None
    else:
        with browser.Browser(tmp_path_factory.mktemp("profile")) as opened:
            yield opened


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_page_of_every_scenario(tmp_path, name, chromium):
    """Drawn, in a browser, at a desk and on a phone in the dark; with all that a trace can have."""
    path = simulate(tmp_path / "run.h5", name, "trace.links=series")
    done = analyse("report", path, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page = path.with_suffix(".html")
    assert Page(page.read_text(encoding="utf-8")).faults == []
    if chromium is None:
        pytest.skip("no chromium here: the page was not tried in a browser")
    for width, dark in ((1200, False), (390, True)):
        seen = chromium.open(page, width, dark)
        assert seen["complaints"] == [] and seen["asked"] == []
        assert len(seen["pictures"]) == seen["figures"] >= 3
        assert all(picture["drawn"] > 0.3 * picture["width"] * picture["height"] for picture in seen["pictures"])
        assert all(picture["text"] >= 9 for picture in seen["pictures"])
        assert (seen["twice"], seen["dangling"], seen["overflow"]) == (0, 0, 0)
        if os.environ.get("CPSIM_SCREENSHOTS"):
            chromium.screenshot(SOURCE_DIR / os.environ["CPSIM_SCREENSHOTS"] / f"{name}-{width}.png")
