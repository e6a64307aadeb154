"""Exits 0 if the report on stdin failed nothing, closes every ledger, and blames each invalid case on the machine."""

import json
import sys

BLAME = ("the generator", "the machine")
# What a case says whose valid repeats are outnumbered; each of the others has its own reasons.
OUTNUMBERED = "were invalid: the few others are a selection"


def is_the_machines(case):
    said = [reason for reason in case["verdict"]["reasons"] if not reason.endswith(OUTNUMBERED)]
    said = [reason.removeprefix("no valid repeat: ") for reason in said]
    spoiled = [reason for aside in case["set_aside"] for reason in aside["reasons"]]
    return bool(spoiled) and all(reason.startswith(BLAME) for reason in said + spoiled)


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
        if outcome == "invalid" and not is_the_machines(case):
            yield f"{case['id']}: invalid, but not for the machine: {reasons}"


found = list(problems(json.load(sys.stdin)))
print("\n".join(found) or "every invalid case is the machine's")
sys.exit(1 if found else 0)
