# SPDX-License-Identifier: MIT
"""The rules of the Trace Event Format that a viewer relies on, as a function that lists what breaks
them (docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU). What chrome://tracing
and Perfetto forgive (an unnamed track, a span that ends before one inside it) counts too."""
import collections
import json
import numbers

DURATION, ASYNC = {"B", "E", "X"}, {"b", "n", "e"}
KNOWN = DURATION | ASYNC | {"C", "M"}
NAMED_BY = {"process_name": "name", "thread_name": "name"}


def _nanoseconds(microseconds):
    return round(microseconds * 1000)


def _check_event(event):
    """What is wrong with an event by itself."""
    phase = event.get("ph")
    if phase not in KNOWN:
        yield f"ph is {phase!r}"
        return
    if not isinstance(event.get("name"), str) or not event["name"]:
        yield "no name"
    for key in ("pid", "tid"):
        if not isinstance(event.get(key), int) or isinstance(event.get(key), bool):
            yield f"{key} is no whole number"
    times = [] if phase == "M" else ["ts", "dur"] if phase == "X" else ["ts"]
    for key in times:
        value = event.get(key)
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or value < 0:
            yield f"{key} is no number from 0 up: {value!r}"
    if phase in ASYNC and ("id" not in event or not isinstance(event.get("cat"), str)):
        yield "an async event needs id and cat"
    if phase == "C" and not (
        event.get("args") and all(isinstance(value, numbers.Real) for value in event["args"].values())
    ):
        yield "a counter needs numbers in args"
    if phase == "M" and not isinstance(event.get("args", {}).get(NAMED_BY.get(event["name"], "")), str):
        yield f"metadata {event['name']} without its argument"


def _check_nesting(spans, place):
    """Spans of one thread lie side by side or inside one another."""
    open_until = []
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        while open_until and open_until[-1][0] <= start:
            open_until.pop()
        if open_until and end > open_until[-1][0]:
            yield f"{place}: {name} begins in {open_until[-1][1]} and ends after it"
        open_until.append((end, name))


def _check_asyncs(events, place):
    depth = []
    for event in events:
        if event["ph"] == "b":
            depth.append(event["name"])
        elif event["ph"] == "e" and (not depth or depth.pop() != event["name"]):
            yield f"{place}: {event['name']} ends but is not open"
    if depth:
        yield f"{place}: {depth[-1]} does not end"


def faults(text):
    """A list of sentences; empty for a sound trace."""
    try:
        document = json.loads(text)
    except ValueError as error:
        return [f"no JSON: {error}"]
    found = []
    spans, asyncs = collections.defaultdict(list), collections.defaultdict(list)
    begun, named, used = collections.defaultdict(list), set(), set()
    for number, event in enumerate(document["traceEvents"]):
        own = list(_check_event(event))
        found += [f"event {number}: {fault}" for fault in own]
        if own:
            continue
        track = (event["pid"], event["tid"])
        if event["ph"] == "M":
            named.add(event["pid"] if event["name"] == "process_name" else track)
            continue
        used.add(event["pid"])
        if event["ph"] in DURATION:
            used.add(track)
        if event["ph"] == "X":
            start = _nanoseconds(event["ts"])
            spans[track].append((start, start + _nanoseconds(event["dur"]), event["name"]))
        elif event["ph"] == "B":
            begun[track].append(event)
        elif event["ph"] == "E":
            if not begun[track]:
                found.append(f"event {number}: E without B")
            else:
                first = begun[track].pop()
                spans[track].append((_nanoseconds(first["ts"]), _nanoseconds(event["ts"]), first["name"]))
        elif event["ph"] in ASYNC:
            asyncs[(event["pid"], event["cat"], event["id"])].append(event)
    found += [f"{track}: B without E" for track, events in begun.items() if events]
    for track, own in spans.items():
        found += _check_nesting(own, track)
    for key, own in asyncs.items():
        found += _check_asyncs(sorted(own, key=lambda event: event["ts"]), key)
    found += [f"{track} has no name" for track in used - named]
    return found
