# SPDX-License-Identifier: MIT
"""A client of any OpenAI-compatible server that plays the requests of a file and writes what it saw of each.

    python3 analysis/engine_client.py http://localhost:8000 requests.csv -o seen.csv [--clients 16] [--warm 64]

The file is one that `arrivals: {kind: trace, format: csv}` reads: arrival_seconds, prompt_tokens, output_tokens. With --clients
the times are not looked at: so many clients each have one request at a time, in the order of the file (`kind: closed-loop`).
Prompts are lists of random token numbers, so nothing is tokenised and none shares a beginning. --warm plays so many of the
requests first, as other prompts, and forgets them: engines compile kernels when they first meet a size. Python's own library alone.
"""
from __future__ import annotations

import argparse
import asyncio
import csv
import json
import random
import sys
import time
import urllib.parse
import urllib.request
from typing import Any, List, Sequence, Tuple, Union

Request = Tuple[float, int, int]  # due, s; tokens of the prompt, of the answer
COLUMNS = ("index", "due_s", "prompt_tokens", "output_tokens", "sent_s", "ttft_s", "e2e_s", "chunks", "itl_p50_s", "itl_p99_s",
           "itl_max_s")


def read_requests(path: str) -> List[Request]:
    with open(path, newline="", encoding="utf-8") as stream:
        return [(float(row.get("arrival_seconds") or 0), int(row["prompt_tokens"]), int(row["output_tokens"]))
                for row in csv.DictReader(stream)]


def figures(sent: float, stamps: Sequence[float]) -> List[float]:
    """TTFT, end to end, chunks and gaps between them, of times in seconds."""
    gaps = sorted(after - before for before, after in zip(stamps, stamps[1:]))

    def share(part: float) -> float:
        return gaps[min(len(gaps) - 1, int(part * len(gaps)))] if gaps else 0.0

    return [stamps[0] - sent, stamps[-1] - sent, len(stamps), share(0.5), share(0.99), gaps[-1] if gaps else 0.0]


class Client:
    def __init__(self, url: str, model: str, vocabulary: int, seed: Union[int, str]) -> None:
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port or 80
        self.path = parts.path.rstrip("/") + "/v1/completions"
        self.model, self.vocabulary, self.seed = model, vocabulary, seed
        self.rows: List[List[Any]] = []
        self.errors = 0

    def body(self, index: int, prompt: int, output: int) -> bytes:
        tokens = random.Random(f"{self.seed}/{index}").choices(range(1000, self.vocabulary), k=prompt)
        return json.dumps({"model": self.model, "prompt": tokens, "max_tokens": output, "ignore_eos": True, "stream": True,
                           "temperature": 1.0}).encode()

    async def ask(self, index: int, due: Union[float, str], prompt: int, output: int, begin: float) -> None:
        body = self.body(index, prompt, output)
        sent, stamps = time.time(), []
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        status = await reader.readline()
        async for line in reader:
            if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                stamps.append(time.time())
        writer.close()
        if b" 200 " not in status or not stamps:
            self.errors += 1
            return
        self.rows.append([index, due, prompt, output, round(sent - begin, 6),
                          *[round(value, 6) for value in figures(sent, stamps)]])

    async def play(self, requests: Sequence[Request], clients: int) -> None:
        begin = time.time()
        if clients:
            order = iter(enumerate(requests))

            async def one() -> None:
                for index, (_, prompt, output) in order:
                    await self.ask(index, "", prompt, output, begin)

            await asyncio.gather(*[one() for _ in range(clients)])
            return
        tasks = []
        for index, (due, prompt, output) in enumerate(requests):
            await asyncio.sleep(max(0.0, begin + due - time.time()))
            tasks.append(asyncio.create_task(self.ask(index, due, prompt, output, begin)))
        await asyncio.gather(*tasks)


def served_model(url: str) -> str:
    """The first that the server lists."""
    with urllib.request.urlopen(url.rstrip("/") + "/v1/models", timeout=30) as answer:
        return str(json.load(answer)["data"][0]["id"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("requests")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--model", help="its name; the first that the server lists")
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--warm", type=int, default=0, metavar="N", help="play N requests first that are not written")
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--seed", type=int, help="of the prompts; another each time, lest a server finds them in its cache")
    options = parser.parse_args()
    model = options.model or served_model(options.url)
    requests = read_requests(options.requests)
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    if options.warm:
        warming = Client(options.url, model, options.vocabulary, f"{seed}/warm")
        asyncio.run(warming.play(requests[:options.warm], options.clients or 8))
    client = Client(options.url, model, options.vocabulary, seed)
    asyncio.run(client.play(requests, options.clients))
    with open(options.output, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(sorted(client.rows))
    if client.errors:
        sys.exit(f"{client.errors} requests were not answered")


if __name__ == "__main__":
    main()
