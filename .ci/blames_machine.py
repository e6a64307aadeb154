"""Exits 0 if the report on stdin failed nothing, closes every ledger, and blames each invalid case on the machine."""

import json
import sys

BLAME = ("no valid repeat: the generator", "no valid repeat: the machine")


def closes(ledger):
    lost = ledger["lost"]["admitted"] + ledger["lost"]["silent"]
    return (
        ledger["scheduled"] == ledger["attempted"] + ledger["unsent"] + ledger["unsent_generator"]
        and ledger["attempted"] == ledger["enqueued"] + ledger["dropped"] + ledger["sampled_out"]
        and ledger["enqueued"] == ledger["delivered"] + lost
    )


def problems(report):
    for case in report["cases"]:
        repeats = case["repeats"] + [aside["measured"] for aside in case["set_aside"]]
        if not repeats or not all(closes(repeat["ledger"]) for repeat in repeats):
            yield f"{case['id']}: no repeat, or a ledger that does not close"
        outcome, reasons = case["verdict"]["outcome"], case["verdict"]["reasons"]
        if outcome not in ("pass", "invalid"):
            yield f"{case['id']}: {outcome}"
        if outcome == "invalid" and not (reasons and all(reason.startswith(BLAME) for reason in reasons)):
            yield f"{case['id']}: invalid, but not for the machine: {reasons}"


found = list(problems(json.load(sys.stdin)))
print("\n".join(found) or "every invalid case is the machine's")
sys.exit(1 if found else 0)
