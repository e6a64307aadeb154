"""Exits 0 if the report on stdin failed nothing, closes every ledger, and blames each invalid case on the machine."""

import json
import sys

# The codes of docs/REASONS.md that lay a repeat at the generator's or the machine's door.
BLAME = {
    "generator_late",
    "lateness_unreadable",
    "lateness_not_measured",
    "no_control",
    "control_empty",
    "control_late",
    "machine_busy",
    "machine_may_explain",
    "machine_busy_in_control",
    "stolen_cpu",
    "paused",
}
# What a case says of the discarded repeats; each of those has its own reasons.
OF_SET_ASIDE = {"no_valid_repeat", "outnumbered"}


def codes(place):
    """The code of each reason; a reason without one is nobody's."""
    found = place.get("reason_codes", [])
    return found if len(found) == len(place["reasons"]) else ["unknown"]


def is_the_machines(case):
    said = [code for code in codes(case["verdict"]) if code not in OF_SET_ASIDE]
    spoiled = [code for aside in case["set_aside"] for code in codes(aside)]
    return bool(spoiled) and all(code in BLAME for code in said + spoiled)


def closes(ledger):
    lost = ledger["lost"]["admitted"] + ledger["lost"]["silent"]
    return (
        ledger["scheduled"] == ledger["attempted"] + ledger["unsent"] + ledger["unsent_generator"]
        and ledger["attempted"] == ledger["enqueued"] + ledger["dropped"] + ledger["sampled_out"]
        and ledger["enqueued"] == ledger["delivered"] + ledger.get("evicted", 0) + lost
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
