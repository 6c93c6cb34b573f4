# SPDX-License-Identifier: MIT
"""The two programs that measure an engine: a client against a server of a few lines, a log against hand arithmetic."""
import csv
import http.server
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(os.environ["CPSIM_SOURCE_DIR"])
sys.path.insert(0, str(SOURCE / "analysis"))
import engine_client  # noqa: E402
import engine_log  # noqa: E402


class Server(http.server.BaseHTTPRequestHandler):
    """A token 20 ms after the request, the others 10 ms apart."""

    seen = []

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "m"}]}')

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(len(asked["prompt"]))
        assert asked["model"] == "m"
        self.send_response(200)
        self.end_headers()
        for index in range(asked["max_tokens"]):
            time.sleep(0.01 if index else 0.02)
            self.wfile.write(b'data: {"choices": [{"text": "x"}]}\n\n')
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *arguments):
        pass


def play(tmp_path, *options):
    requests = tmp_path / "requests.csv"
    requests.write_text("arrival_seconds,prompt_tokens,output_tokens\n0,5,3\n0.1,7,4\n0.1,9,1\n", encoding="utf-8")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Server.seen.clear()
    subprocess.run([sys.executable, SOURCE / "analysis" / "engine_client.py", f"http://127.0.0.1:{server.server_port}", requests,
                    "-o", tmp_path / "seen.csv", *options], check=True)
    server.shutdown()
    with open(tmp_path / "seen.csv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_client_plays_arrivals(tmp_path):
    rows = play(tmp_path)
    assert [int(row["chunks"]) for row in rows] == [3, 4, 1]
    assert sorted(Server.seen) == [5, 7, 9]
    for row in rows:
        assert 0.02 <= float(row["ttft_s"]) < 2
        # What the server waits; between two pieces a busy client may see less.
        assert float(row["e2e_s"]) >= 0.02 + 0.01 * (int(row["output_tokens"]) - 1)
    assert float(rows[1]["sent_s"]) >= 0.1


def test_clients_of_a_closed_loop_wait_for_their_answers(tmp_path):
    rows = play(tmp_path, "--clients", "1")
    ends = [float(row["sent_s"]) + float(row["e2e_s"]) for row in rows]
    assert float(rows[1]["sent_s"]) >= ends[0] and float(rows[2]["sent_s"]) >= ends[1]


def test_warming_is_not_written(tmp_path):
    rows = play(tmp_path, "--warm", "2")
    assert len(rows) == 3 and sorted(Server.seen) == [5, 5, 7, 7, 9]


def test_log_of_two_steps_in_flight():
    """Scheduled at 10 and 10.5 s, 1 ms each; outputs at 11 and 11.2 s: 999 ms from the first one's schedule, then 200."""
    stream = io.StringIO()
    steps = engine_log.Steps(stream, "m", 1)
    steps.scheduled(10.0, 10.001, [(4, 8)], 3, 6, 64, 3, 0)
    steps.scheduled(10.5, 10.501, [], 3, 3, 64, 3, 1)
    steps.taken_in(11.0)
    steps.taken_in(11.2)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [row["step_ms"] for row in rows] == ["999.0", "200.0"]
    assert rows[0]["chunk_pairs"] == str(4 * 8 + 4 + 3 + 2 + 1) and rows[0]["chunk_tokens"] == "4"
    assert rows[1]["at_s"] == "0.5" and rows[1]["waiting"] == "1"


def test_cpsim_compares_the_log(tmp_path):
    path = tmp_path / "steps.csv"
    with open(path, "w", newline="", encoding="utf-8") as stream:
        steps = engine_log.Steps(stream, "llama3.1-8b", 1)
        steps.scheduled(0.0, 0.0001, [], 1, 1, 1024, 1, 0)
        steps.taken_in(0.00503)
    done = subprocess.run([os.environ["CPSIM"], "compare", path, "--gpu", "h200-sxm", "--cluster", "hgx-h200", "--json"],
                          capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)["rows"]
    assert [row["class"] for row in rows] == ["steps that decode, up to 1 sequences", "scheduler, up to 8 sequences"]
    assert abs(rows[0]["error"]) < 0.15 and rows[1]["measured"] == 0.1
