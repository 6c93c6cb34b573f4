# SPDX-License-Identifier: MIT
"""Compares the keys of `cpsim run --json` with the tables of docs/json-output.md.

    json_keys.py PAGE OUTPUT...     OUTPUT: files with what --json printed

Every key printed must be documented with its type, and every key documented must be printed in at
least one of the outputs. A figure of a phase is documented once, as a key of phases[], one of a class as a key of classes[]. A line for each fault; exit 1 when there is any.
"""
import json
import re
import sys


def walk(value, path, found):
    """Adds the type of every leaf and list: {"phases[].turn": "number"}."""
    if isinstance(value, dict):
        for key, item in value.items():
            walk(item, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list):
        found.setdefault(path, set()).add("list")
        for item in value:
            walk(item, path + "[]", found)
    elif isinstance(value, str):
        found.setdefault(path, set()).add("string")
    elif isinstance(value, bool):
        found.setdefault(path, set()).add("boolean")
    else:
        found.setdefault(path, set()).add("number")  # null too: a number that is not finite


def documented_key(key, documented):
    """Of a figure, the key that the page has: figures.turn2_prefill_mfu is phases[].mfu."""
    key = re.sub(r"^figures\.turn\d+_", "figures.", key)
    if key in documented or not key.startswith("figures."):
        return key
    if key.startswith("figures.class_"):  # figures.class_chat_ttft_p99_seconds is classes[].ttft_p99_seconds
        own = [name for name in documented if name.startswith("classes[].") and key.endswith("_" + name.removeprefix("classes[]."))]
        return max(own, key=len, default=key)
    if key.startswith("figures.tenant_"):
        own = [name for name in documented if name.startswith("tenants[].") and key.endswith("_" + name.removeprefix("tenants[]."))]
        return max(own, key=len, default=key)
    own = "phases[]." + key.removeprefix("figures.")
    return own if own in documented else re.sub(r"^phases\[\]\.(prefill|decode)_", "phases[].", own)


def main(arguments):
    with open(arguments[0], encoding="utf-8") as page:
        documented = dict(re.findall(r"^\| `([^`]+)` \| (\w+) \|", page.read(), re.M))
    printed = {}
    for path in arguments[1:]:
        with open(path, encoding="utf-8") as stream:
            walk(json.load(stream), "", printed)
    printed = {documented_key(k, documented): v for k, v in printed.items() if k != "phases[].operators"}
    faults = []
    for key, kinds in sorted(printed.items()):
        if key not in documented:
            faults.append(f"{key}: printed, but not documented")
        elif kinds != {documented[key]}:
            faults.append(f"{key}: documented as {documented[key]}, printed as {', '.join(sorted(kinds))}")
    faults += [f"{key}: documented, but never printed" for key in sorted(documented.keys() - printed.keys())]
    for fault in faults:
        print(f"{arguments[0]}: {fault}")
    return 1 if faults or not documented else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
