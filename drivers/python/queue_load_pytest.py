"""A plugin for pytest: the fixture `queue_load` puts a queue under load and holds it to a scenario. See README.md.

Run as a program, it is the driver of such a queue: `python -m queue_load_pytest MODULE FILE CLASS`.
"""

import dataclasses
import importlib.util
import inspect
import json
import os
import pathlib
import shutil
import subprocess
import sys

import queue_load_driver as driver

# The name of the queue in the scenario that is run.
NAME = "under-test"
INVALID = ("skip", "fail")
# Exit codes of `queue-load run`.
PASS, USAGE, FAILED, REGRESSED, INVALID_RUN, INCOMPARABLE, INTERRUPTED = 0, 2, 3, 4, 5, 6, 130
MOST_REASONS = 50
MOST_OUTPUT = 20_000


class CannotRun(Exception):
    """Why there is no verdict."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a run.

    outcome: one word, as the report says it. report: the whole report. table: what `run` printed. path: where the
    report is.
    """

    outcome: str
    exit_code: int
    report: dict
    table: str
    path: pathlib.Path

    @property
    def cases(self):
        return self.report["cases"]

    def reasons(self):
        """Why it does not pass: those of the whole, and those of each case that does not pass, a line each."""
        lines = list(self.report["verdict"]["reasons"])
        for case in self.cases:
            verdict = case["verdict"]
            if verdict["outcome"] != "pass":
                said = "; ".join(verdict["reasons"]) or "no reason is given"
                lines.append(f"{verdict['outcome']}: {case['id']}: {said}")
        more = len(lines) - MOST_REASONS
        return lines[:MOST_REASONS] + ([f"… and {more} more"] if more > 0 else [])


def program():
    """The program `queue-load`: QUEUE_LOAD_BIN, or what the PATH has."""
    named = os.environ.get("QUEUE_LOAD_BIN")
    found = shutil.which(named or "queue-load")
    if found is None and named:
        raise CannotRun(f"QUEUE_LOAD_BIN is {named!r}, which is no program")
    if found is None:
        raise CannotRun("there is no program `queue-load` on the PATH; set QUEUE_LOAD_BIN to it")
    return os.path.abspath(found)


def command_of(queue):
    """The command of the driver that puts this class under load in another process."""
    if not (isinstance(queue, type) and issubclass(queue, driver.Queue)):
        raise CannotRun(f"{queue!r} is not a class derived from queue_load_driver.Queue")
    if "<locals>" in queue.__qualname__:
        why = "a repeat is another process, which must be able to import it: move it to the top level"
        raise CannotRun(f"{queue.__qualname__} is defined inside a function; {why}")
    try:
        file = os.path.abspath(inspect.getfile(queue))
    except (OSError, TypeError) as error:
        raise CannotRun(f"{queue.__qualname__} comes from no file that another process can read: {error}") from error
    return [sys.executable, "-m", "queue_load_pytest", queue.__module__, file, queue.__qualname__]


def toml_text(text):
    """A text as TOML has it: as JSON has it, without the pairs of escapes that stand for a character beyond 16 bits, and
    with DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def scenario_with(text, queue):
    """A scenario's text with the queue in it."""
    quoted = [toml_text(part) for part in command_of(queue)]
    path = toml_text(os.pathsep.join(part for part in sys.path if part))
    table = f"[queues.{NAME}]\ncommand = [{', '.join(quoted)}]\nenv = {{ PYTHONPATH = {path} }}\n"
    return text.removeprefix("\ufeff").rstrip() + "\n\n" + table


def run(queue, scenario, options, directory):
    """Runs a scenario with this queue, and returns the result, or raises CannotRun."""
    binary = program()
    scenario = pathlib.Path(scenario)
    try:
        text = scenario.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"cannot read the scenario {scenario}: {error}") from error
    number = sum(1 for _ in directory.glob("queue-load-*"))
    place = directory / f"queue-load-{number}"
    place.mkdir()
    here = place / scenario.name
    here.write_text(scenario_with(text, queue), encoding="utf-8")
    path = place / "report.json"
    command = [binary, "run", str(here), "--queue", NAME, "--output", str(path), "--color", "never", "--quiet"]
    command += [str(option) for option in options]
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=place)
    except OSError as error:
        raise CannotRun(f"cannot start {binary}: {error}") from error
    said = ran.stderr.decode(errors="replace")[-MOST_OUTPUT:].strip()
    if ran.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    if ran.returncode not in (PASS, FAILED, REGRESSED, INVALID_RUN):
        raise CannotRun(f"queue-load ended with exit code {ran.returncode}:\n{said}")
    try:
        report = json.loads(path.read_bytes())
        outcome = report["verdict"]["outcome"]
        report["cases"], report["verdict"]["reasons"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRun(f"queue-load left no report ({type(error).__name__}: {error}):\n{said}") from error
    return Result(outcome, ran.returncode, report, ran.stdout.decode(errors="replace"), path)


# --- the driver's process ---------------------------------------------------------------------------------------------


def load(module, file, name):
    """The class of this name in this file, which is imported under the name that it had in the test."""
    spec = importlib.util.spec_from_file_location(module, file)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
    found = loaded
    for part in name.split("."):
        found = getattr(found, part)
    return found


def main(arguments):
    # What the test's module prints while it is imported must not get among the messages.
    say = driver.claim_stdout()
    driver.main(load(*arguments), say)


# --- the plugin -------------------------------------------------------------------------------------------------------

try:
    import pytest
except ImportError:
    # In the driver's process nothing needs it.
    pytest = None


def pytest_addoption(parser):
    text = "what a test does if a run of queue-load is invalid, since the machine or the generator was at fault"
    parser.getgroup("queue-load").addoption("--queue-load-invalid", choices=INVALID, default=None, help=text)
    parser.addini("queue_load_invalid", f"{text}: {' or '.join(INVALID)} (default: skip)", default="skip")


def after(result, invalid):
    """Ends the test unless the run passed."""
    text = "\n".join([*result.reasons(), "", result.table.rstrip()[-MOST_OUTPUT:], "", f"report: {result.path}"])
    if result.exit_code == INVALID_RUN and invalid == "skip":
        pytest.skip("queue-load: invalid: " + "; ".join(result.reasons()))
    if result.exit_code != PASS:
        pytest.fail(f"queue-load: {result.outcome} (exit code {result.exit_code})\n{text}", pytrace=False)
    if result.outcome != "pass":
        pytest.fail(f"queue-load: exit code 0, but the report says {result.outcome}\n{text}", pytrace=False)


if pytest is not None:

    @pytest.fixture
    def queue_load(request, tmp_path):
        """`queue_load(Queue, scenario, *options, invalid=None)` runs the scenario; returns the result if it passes."""
        configured = request.config.getoption("queue_load_invalid") or request.config.getini("queue_load_invalid")

        def run_and_assert(queue, scenario, *options, invalid=None):
            chosen = invalid or configured
            if chosen not in INVALID:
                pytest.fail(f"queue_load_invalid is {chosen!r}; write {' or '.join(INVALID)}", pytrace=False)
            path = request.path.parent / scenario
            try:
                result = run(queue, path, options, tmp_path)
            except CannotRun as problem:
                pytest.fail(f"queue-load: {problem}", pytrace=False)
            after(result, chosen)
            return result

        return run_and_assert


if __name__ == "__main__":
    main(sys.argv[1:])
