# SPDX-License-Identifier: MIT
"""A headless Chromium on a pipe (the DevTools protocol), with the standard library alone: opens a
page at a width, in light or dark, and says what it saw."""
import base64
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# What the page must hold when it is drawn: each picture that is shown has a size and marks in it,
# no two elements share an id, references meet, and the page is not wider than the screen.
LOOK = """(() => {
  const shown = [...document.querySelectorAll('figure svg')].filter(svg => svg.getClientRects().length);
  const ids = [...document.querySelectorAll('[id]')].map(node => node.id);
  const uses = [...document.querySelectorAll('use')].map(use => use.getAttribute('xlink:href') || use.getAttribute('href'));
  return JSON.stringify({
    figures: document.querySelectorAll('figure').length,
    pictures: shown.map(svg => {
      const box = svg.getBoundingClientRect(), drawn = svg.getBBox();
      return {width: box.width, height: box.height, drawn: drawn.width * drawn.height,
              marks: svg.querySelectorAll('path, use').length,
              text: Math.min(...[...svg.querySelectorAll('text')].map(t => t.getBoundingClientRect().height)),
              inks: [...new Set([...svg.querySelectorAll('text')].map(t => getComputedStyle(t).fill))]};
    }),
    twice: ids.length - new Set(ids).size,
    dangling: uses.filter(href => !document.querySelector(href)).length
      + [...document.querySelectorAll('nav a')].filter(a => !document.getElementById(a.getAttribute('href').slice(1))).length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    paper: getComputedStyle(document.body).backgroundColor,
  });
})()"""


class Browser:
    """with Browser(folder) as browser: browser.open(path, width) ..."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.events = []
        self.rest = b""

    def __enter__(self):
        down, self.down = os.pipe()
        self.up, up = os.pipe()

        def attach():
            # Chromium reads descriptor 3 and writes 4; the pipes' own numbers may be those.
            reading, writing = os.dup(down), os.dup(up)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "about:blank"],
            preexec_fn=attach, pass_fds=(3, 4) if {down, up} <= {3, 4} else (3, 4, down, up), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(self.folder)},
        )  # fmt: skip
        os.close(down)
        os.close(up)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.down)
        os.close(self.up)

    def receive(self, until):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.up], [], [], max(0, until - time.monotonic()))
            chunk = os.read(self.up, 1 << 20) if ready else b""
            if not chunk:
                raise TimeoutError("chromium does not answer")
            self.rest += chunk
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.down, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 60
        while True:
            answer = self.receive(until)
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        until = time.monotonic() + 60
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive(until))

    def open(self, path, width, dark=False, height=900):
        """What LOOK says of the page, and what it complained of and asked for."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("Page.loadEventFired")
        seen = json.loads(self.call("Runtime.evaluate", expression=LOOK, returnByValue=True)["result"]["value"])
        methods = [(event.get("method"), event.get("params", {})) for event in self.events]
        seen["complaints"] = [
            params for method, params in methods
            if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
            and params.get("entry", {}).get("source") != "rendering"  # the machine has no GPU to draw with
        ]  # fmt: skip
        asked = [params["request"]["url"] for method, params in methods if method == "Network.requestWillBeSent"]
        seen["asked"] = [url for url in asked if not url.startswith(("data:", "about:")) and url != path.resolve().as_uri()]
        return seen

    def ask(self, expression):
        """The value of an expression, a promise's when it is kept."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=60):
        until = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.1)

    def click(self, x, y):
        """A pointer's, at a place of the screen."""
        for kind, more in (("mouseMoved", {}), ("mousePressed", {"button": "left", "clickCount": 1}),
                           ("mouseReleased", {"button": "left", "clickCount": 1})):  # fmt: skip
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
            time.sleep(0.2)  # plotly finds the point under a pointer that has come to rest

    def screenshot(self, path):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))
