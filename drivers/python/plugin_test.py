"""Tests of the plugin: `just test-pytest-plugin`. One runs the real program, if QUEUE_LOAD_BIN names it; the others run a
program that ends as they tell it to."""

import json
import os
import stat
import sys

import pytest

pytest_plugins = ["pytester"]

QUEUE = """
import collections, threading
import queue_load_driver as driver

print("printed while it is imported")

class Mine(driver.Queue):
    name, version, strategies = "mine", "1.0", ["drop"]
    axes = ["producers=tasks", "producers=lanes"]

    def __init__(self, parameters, sink, seed):
        self.sink = sink

    def log(self, record):
        self.sink.take(record.identity)
        return True

class Refuses(Mine):
    def log(self, record):
        return False

class Outer:
    class Inner(Mine):
        pass
"""

TESTS = QUEUE + """
def test_it(queue_load):
    result = queue_load(Mine, "load.toml"{more})
    assert result.outcome == "pass" and result.cases and result.path.exists()
"""

SCENARIO = """
[target]
throughput = "1k/s"
[matrix]
queue = "noop"
concurrency = 2
rate = "500/s"
duration = "300ms"
producers = "lanes"
pacing = "sleep"
[run]
warmup = "50ms"
repeats = 1
"""

FAKE = """#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
pathlib.Path({seen!r}).write_text(json.dumps(arguments))
output = pathlib.Path(arguments[arguments.index("--output") + 1])
report = {report!r}
if report is not None:
    output.write_text(report)
print("mine   99%   1.2 µs   fail")
print("note: said on stderr", file=sys.stderr)
sys.exit({code})
"""


def report(outcome, reasons=("p99 is above its bound",)):
    case = {"id": "queue=under-test", "verdict": {"outcome": outcome, "reasons": list(reasons)}}
    return json.dumps({"verdict": {"outcome": outcome, "reasons": []}, "cases": [case]})


@pytest.fixture
def ended(pytester, monkeypatch):
    """Runs a test with a program that ends with this code and this report; returns what pytest said."""
    pytester.makefile(".toml", load=SCENARIO)

    def run(code, text, *options, more=""):
        fake = pytester.path / "fake-queue-load"
        seen = str(pytester.path / "seen.json")
        fake.write_text(FAKE.format(python=sys.executable, seen=seen, report=text, code=code))
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("QUEUE_LOAD_BIN", str(fake))
        pytester.makepyfile(test_mine=TESTS.replace("{more}", more))
        return pytester.runpytest_subprocess("-rs", *options)

    return run


@pytest.mark.parametrize(
    ("code", "outcome", "options", "counts"),
    [
        (0, "pass", [], {"passed": 1}),
        (3, "fail", [], {"failed": 1}),
        (3, "error", [], {"failed": 1}),
        (4, "pass", [], {"failed": 1}),
        (5, "invalid", [], {"skipped": 1}),
        (5, "invalid", ["--queue-load-invalid=fail"], {"failed": 1}),
        (5, "invalid", ["-o", "queue_load_invalid=fail"], {"failed": 1}),
        (5, "invalid", ["-o", "queue_load_invalid=pass"], {"failed": 1}),
        # A program that contradicts itself.
        (0, "invalid", [], {"failed": 1}),
        (0, "fail", [], {"failed": 1}),
        (1, "pass", [], {"failed": 1}),
        (2, "pass", [], {"failed": 1}),
        (6, "pass", [], {"failed": 1}),
        (77, "pass", [], {"failed": 1}),
    ],
)
def test_a_test_ends_as_the_run_did(ended, code, outcome, options, counts):
    ended(code, report(outcome), *options).assert_outcomes(**counts)


NO_REPORT = [None, "", "[]", "{}", '{"verdict": {}}', '{"verdict": {"outcome": "pass"}, "cases": []}']


@pytest.mark.parametrize("text", NO_REPORT)
def test_without_a_whole_report_no_test_passes(ended, text):
    said = ended(0, text)
    said.assert_outcomes(failed=1)
    said.stdout.fnmatch_lines(["*queue-load left no report*", "*note: said on stderr*"])


def test_a_failure_shows_the_row_and_the_reasons(ended):
    said = ended(3, report("fail"))
    reason = "*fail: queue=under-test: p99 is above its bound*"
    row = "*mine   99%   1.2 µs   fail*"
    said.stdout.fnmatch_lines(["*queue-load: fail (exit code 3)*", reason, row, "*report: *report.json*"])


def test_what_is_skipped_says_why(ended):
    said = ended(5, report("invalid", ["the machine was busy"]))
    said.stdout.fnmatch_lines(["SKIPPED*queue-load: invalid: invalid: queue=under-test: the machine was busy"])


def test_a_call_may_choose_and_give_options(ended, pytester):
    ended(5, report("invalid"), more=', "--repeats", 2, invalid="fail"').assert_outcomes(failed=1)
    seen = json.loads((pytester.path / "seen.json").read_text())
    assert seen[0] == "run" and seen[-2:] == ["--repeats", "2"] and seen[seen.index("--queue") + 1] == "under-test"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("queue_load(object, 'load.toml')", "not a class derived from queue_load_driver.Queue"),
        ("queue_load(Mine(None, None, 1), 'load.toml')", "not a class derived from queue_load_driver.Queue"),
        ("queue_load(type('L', (Mine,), {'__qualname__': 'f.<locals>.L'}), 'load.toml')", "move it to the top level"),
        ("queue_load(Mine, 'missing.toml')", "cannot read the scenario"),
    ],
)
def test_what_cannot_be_run_is_a_failure_that_says_why(ended, pytester, body, said):
    ended(0, report("pass"))
    pytester.makepyfile(test_mine=QUEUE + f"\ndef test_it(queue_load):\n    {body}\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{said}*"])


@pytest.mark.parametrize(("variable", "said"), [("/no/such/program", "QUEUE_LOAD_BIN is"), (None, "on the PATH")])
def test_a_missing_program_is_a_failure(pytester, monkeypatch, variable, said):
    pytester.makefile(".toml", load=SCENARIO)
    pytester.makepyfile(test_mine=TESTS.replace("{more}", ""))
    monkeypatch.setenv("PATH", str(pytester.path))
    monkeypatch.delenv("QUEUE_LOAD_BIN", raising=False)
    if variable:
        monkeypatch.setenv("QUEUE_LOAD_BIN", variable)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{said}*"])


@pytest.mark.skipif("QUEUE_LOAD_BIN" not in os.environ, reason="QUEUE_LOAD_BIN names no program")
def test_the_real_program_judges_queues_of_the_test(pytester):
    pytester.makefile(".toml", load=SCENARIO)
    pytester.makepyfile(
        test_real=QUEUE
        + """
import pytest

@pytest.mark.parametrize("queue", [Mine, Outer.Inner])
def test_keeps(queue_load, queue):
    result = queue_load(queue, "load.toml", "--invalid-retries", 5)
    assert result.cases[0]["parameters"]["queue"] == "under-test"
    assert result.cases[0]["summary"]["ledger"]["delivered"] > 0

def test_refuses(queue_load):
    queue_load(Refuses, "load.toml", "--invalid-retries", 5)

def test_usage(queue_load):
    queue_load(Mine, "load.toml", "--no-such-option")
"""
    )
    result = pytester.runpytest_subprocess("-rs")
    outcomes = result.parseoutcomes()
    # A busy machine may spoil a run, which is then skipped; nothing else may differ.
    said = result.stdout.str()
    assert sum(outcomes.values()) == 4 and "unexpected argument '--no-such-option'" in said, said
    assert "errors" not in outcomes and outcomes.get("passed", 0) <= 2 and outcomes["failed"] <= 2, said
    if not outcomes.get("skipped"):
        assert outcomes == {"passed": 2, "failed": 2}, said
        assert "accepted" in said, said
