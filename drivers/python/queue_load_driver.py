"""Everything that a driver in Python needs besides its queue: the load, the ledger, the latencies, the protocol.

A driver subclasses `Queue` and calls `main(TheQueue)`. docs/PROTOCOL.md defines the messages. Only the standard library
is used. All times are integer nanoseconds of `time.monotonic_ns`.

Nothing is computed during the load: each call stores two clock readings in an array, each delivery an identity and one
reading. After the drain the histograms are computed, and each delay is attributed to the queue or to the generator.
That takes about 50 bytes per log, so a repeat of more than MOST_LOGS logs is refused.
"""

import asyncio
import base64
import bisect
import collections
import itertools
import json
import math
import os
import resource
import selectors
import statistics
import struct
import sys
import threading
import time
import traceback
import zlib
from array import array
from fractions import Fraction

PROTOCOL = 1
MOST_LOGS = 3_000_000
LONGEST_REQUEST = 1 << 20
# One second after the window's end, the generator gives up the logs that it has not sent.
GRACE_NS = 1_000_000_000
# The control is as long as the request says (default 300 ms), longer if it needs more time for 20 logs, and at most one
# second. If that has time for fewer than 10 logs, there is no control.
CONTROL_NS, LONGEST_CONTROL_NS, CONTROL_LOGS, FEWEST_CONTROL_LOGS = 300_000_000, 1_000_000_000, 20, 10
IDLE_NS = 400_000_000
# A call or a shutdown that has not returned this long after the drain timeout counts as hung.
HUNG_MARGIN_NS = 1_000_000_000
HIGHEST_NS = 10**14
# An identity is one integer: phase, task, and position in the task's schedule.
TASK_SHIFT, WINDOW_BIT = 48, 1 << 62
SEQUENCE_MASK, TASK_MASK = (1 << TASK_SHIFT) - 1, (1 << 14) - 1

now_ns = time.monotonic_ns


class Refusal(Exception):
    """Why there is no measurement: a kind of failure of the protocol, and a message."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Queue:
    """A queue under load. A driver overrides the attributes and methods of this class.

    `log` is called with one record; its whole duration is measured as the caller's cost. It returns True (accepted),
    False (dropped) or "sampled_out"; None if the outcome of the call is unknown. It may be `async def`. When the queue
    has written a record, it must call `self.sink.take(record.identity)`.
    """

    name = "unnamed"
    version = "0"
    # How the outcome of a call is known: "call", "counter" or "delivery".
    outcome_source = "call"
    strategies = ["drop"]
    # The strategies under which a call blocks its thread.
    blocks_caller = []
    # Axes that the queue supports besides those of this module (see AXES), such as "batch_size"; "level" if its `log` heeds
    # the level of the record, "context" if it passes on the context of the record.
    axes = []

    def __init__(self, parameters, sink, seed):
        """Builds the queue. An exception here is reported as `not_built`."""

    def log(self, record):
        raise NotImplementedError

    def shutdown(self, timeout):
        """Delivers the remaining records within `timeout` seconds, and returns an Account."""
        return Account()


class Account:
    """What a queue reports about itself at its end, including the warm-up.

    counters: by name; with `outcome_source = "counter"`, `dropped` says how many logs were dropped.
    admitted: number of accepted records that it reports as not delivered.
    depth_high_water: largest number of records in the queue at once; None if unknown.
    """

    def __init__(self, counters=None, admitted=0, depth_high_water=None):
        self.counters = counters or {}
        self.admitted = admitted
        self.depth_high_water = depth_high_water


class Record:
    """The content of one log: a message, typed fields, a level of LEVELS, the context of its task (a dict of texts, empty
    unless the axis `context` is set), and the identity by which the sink recognises it."""

    __slots__ = ("message", "fields", "identity", "level", "context")

    def __init__(self, message, fields, identity, level="info", context=None):
        self.message, self.fields, self.identity, self.level = message, fields, identity, level
        self.context = context or {}


# --- what each log carries ---------------------------------------------------------------------------------------------

LEVELS = ["trace", "debug", "info", "warn", "error"]
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
# One beyond the largest draw; number of quantiles that stand for a log-normal distribution.
DRAWS, QUANTILES = 1 << 32, 4_096


def parse_size(text):
    """Parses "64B" or "4KiB" into bytes."""
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10), ("MB", 10**6), ("kB", 1000), ("B", 1)):
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * size
    raise ValueError(f"unknown size {text!r}")


def parse_share(text):
    """Parses "0.5%" into parts per million."""
    return int(Fraction(text.removesuffix("%")) * 10_000)


def parse_payload(text):
    """Parses "4f+64B" into (number of fields, Lengths of the messages)."""
    fields, message = text.split("f+")
    return int(fields), Lengths(message)


def content(payload):
    """The longest message and the fields of every log: a request log, the same that other queues get."""
    count, lengths = parse_payload(payload)
    length = lengths.longest
    words = "request served from the pool after authentication and routing "
    names = ["user_id", "route", "duration_ms", "cached"] + [f"field_{n}" for n in range(4, count)]
    values = [lambda n: 1_000_000 + n, lambda n: "/api/v1/orders", lambda n: 12.75, lambda n: True]
    return (words * (length // len(words) + 1))[:length], {names[n]: values[n % 4](n) for n in range(count)}


SPANS = ["request", "handler", "query", "attempt"]
DIGITS = "7c0e19f4b25ad863" * 17


def context_of(text):
    """The context for "none", "8f+16B" or "2x4f+16B": the fields of all spans, the same that other queues get."""
    if text == "none":
        return {}
    count, length = text.split("f+")
    spans, fields = map(int, count.split("x")) if "x" in count else (1, int(count))
    length = parse_size(length)
    return {f"{span}_{n:02}": DIGITS[n : n + length] for span in SPANS[:spans] for n in range(fields)}


def mix(z):
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def cumulated(shares):
    """The cumulative shares of DRAWS, from parts per million."""
    return [total * DRAWS // 1_000_000 for total in itertools.accumulate(shares)]


class Lengths:
    """The lengths of messages: "64B", "64B..4KiB", "p50:120B+p99:2KiB", with "+max:8KiB" if cut, or "64B:90%+4KiB:10%"."""

    def __init__(self, text):
        parts = [part.split(":") for part in text.split("+")]
        self.ends, self.lengths = [DRAWS], []
        if ".." in text:
            least, self.longest = map(parse_size, text.split(".."))
            self.lengths = range(least, self.longest + 1)
        elif len(parts[0]) == 1:
            self.longest = parse_size(text)
            self.lengths = [self.longest]
        elif parts[0][0] == "p50":
            sizes = {name: parse_size(size) for name, size in parts}
            normal, most = statistics.NormalDist(), sizes.get("max", 1 << 16)
            sigma = math.log(sizes["p99"] / sizes["p50"]) / normal.inv_cdf(0.99)
            at = (normal.inv_cdf((n + 0.5) / QUANTILES) for n in range(QUANTILES))
            self.lengths = [min(most, round(sizes["p50"] * math.exp(sigma * deviations))) for deviations in at]
            self.longest = self.lengths[-1]
        else:
            self.lengths = [parse_size(size) for size, _ in parts]
            self.ends = cumulated(parse_share(share) for _, share in parts)
            self.longest = max(self.lengths)
        self.is_fixed = len(self.lengths) == 1 and len(parts[0]) == 1

    def at(self, draw):
        """The length for a draw below DRAWS."""
        if len(self.ends) > 1 or len(self.lengths) == 1:
            return self.lengths[min(bisect.bisect_right(self.ends, draw), len(self.lengths) - 1)]
        return self.lengths[draw * len(self.lengths) >> 32]


class Contents:
    """The level and the length of each log, drawn from the seed and the place of the log, as by the runner's own worker."""

    def __init__(self, parameters, seed):
        self.seed, self.lengths = seed, parse_payload(parameters["payload"])[1]
        text = parameters.get("level", "info")
        self.has_levels = text != "info"
        parts = [part.split(":") for part in text.split("+")] if ":" in text else [(text, "100%")]
        shares = {level: parse_share(share) for level, share in parts}
        self.ends = cumulated(shares.get(level, 0) for level in LEVELS)
        self.differ = self.has_levels or not self.lengths.is_fixed

    def _draw(self, identity):
        place = (identity >> TASK_SHIFT & TASK_MASK) << 1 | (identity >= WINDOW_BIT)
        return mix((mix(self.seed ^ place * GOLDEN & MASK) + (identity & SEQUENCE_MASK)) & MASK)

    def level(self, identity):
        """The level of a log, as an index into LEVELS."""
        return min(bisect.bisect_right(self.ends, self._draw(identity) >> 32), len(LEVELS) - 1)

    def length(self, identity):
        """The length of its message in bytes."""
        return self.lengths.at(self._draw(identity) & (DRAWS - 1))


# --- when each log is due ---------------------------------------------------------------------------------------------


def parse_rate(text):
    """Parses "1000/s" or "10000/3s" into logs per second, as a fraction."""
    logs, per = text.split("/")
    return Fraction(int(logs), int(per.removesuffix("s") or 1))


class Xoshiro:
    """xoshiro256++ (Blackman, Vigna), seeded by SplitMix64. It draws the same numbers as the runner's own worker."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + GOLDEN) & MASK
            self.state.append(mix(seed))

    def next(self):
        def rotate(x, k):
            return ((x << k) | (x >> (64 - k))) & MASK

        s = self.state
        result = (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result


def dues(parameters, task, span_ns, seed):
    """The due times of one task inside the span, in nanoseconds from the start.

    Uniform: log n of task i of C is due at (n + i/C) / rate. `burst:k`: k logs at once every k intervals. Poisson: the
    intervals are exponential. With aligned phases, i/C is left out. All but poisson is exact integer arithmetic. Times
    are rounded down.
    """
    tasks, rate = parameters["concurrency"], parse_rate(parameters["rate"])
    arrival, aligned = parameters["arrival"], parameters["phase"] == "aligned"
    due = array("q")
    if arrival == "poisson":
        stream = 0 if aligned else task
        random = Xoshiro(seed ^ (stream * GOLDEN & MASK))
        mean, at = float(10**9 / rate), 0.0
        while True:
            at -= mean * math.log(1.0 - (random.next() >> 11) / (1 << 53))
            if at >= span_ns:
                return due
            due.append(int(at))
    burst = int(arrival.split(":")[1]) if arrival.startswith("burst:") else 1
    # `interval` and `at` are in units of 1 / denominator nanoseconds.
    interval, denominator = 10**9 * rate.denominator * burst * tasks, rate.numerator * tasks
    at = 0 if aligned else interval // tasks * task
    while at // denominator < span_ns:
        for _ in range(burst):
            due.append(at // denominator)
        at += interval
    return due


# --- what is observed -------------------------------------------------------------------------------------------------


class Sink:
    """The sink: it counts each record and takes `sink_delay` for it, on an absolute schedule."""

    def __init__(self, delay_ns=0):
        self.delay_ns = delay_ns
        self.next_free = 0
        self.abandoned = False
        self.lock = threading.Lock()
        self.identities, self.times, self.warm_up = array("q"), array("q"), array("q")
        self.filtered = array("q")
        self.filtered_warm_up = 0
        self.strangers = 0

    def take(self, identity):
        """Takes the record with this identity: an int; anything else counts as unknown. Any thread may call it."""
        if self.delay_ns:
            self._serve()
        if type(identity) is not int or not 0 <= identity < 2 * WINDOW_BIT:
            self.strangers += 1
        elif identity >= WINDOW_BIT:
            with self.lock:
                self.identities.append(identity)
                self.times.append(now_ns())
        else:
            self.warm_up.append(identity)

    def leave_out(self, identity):
        """Notes that the queue's sampling has refused this record. Only for drivers that can observe this."""
        if type(identity) is not int:
            return
        if identity >= WINDOW_BIT:
            self.filtered.append(identity)
        else:
            self.filtered_warm_up += 1

    def _serve(self):
        with self.lock:
            done = self.next_free = max(self.next_free, now_ns()) + self.delay_ns
        while not self.abandoned and (left := done - now_ns()) > 0:
            # A sleep is at most 1 s long, so that it does not hold up a queue whose time is over.
            time.sleep(min(left, 10**9) / 1e9)


class Task:
    """One logical producer: its schedule, the outcomes of its calls, and the recursion that attributes delays."""

    def __init__(self, number, due, phase, before=None):
        self.number, self.due, self.phase, self.before = number, due, phase, before
        self.starts, self.ends, self.replies = array("q"), array("q"), bytearray()
        self.ideals = array("q")
        self.busy_until, self.returned_at = None, 0
        self.unsent, self.unsent_generator, self.pushed_to, self.gave_up_at = 0, 0, 0, 0

    def returned(self, start, end, reply):
        self.starts.append(start)
        self.ends.append(end)
        self.replies.append(code_of(reply))

    def is_over(self, now, held):
        """Whether the remaining logs are given up at `now`, which is after the window's end. They are `unsent` if the
        queue pushed them past the window's end; otherwise they are the generator's fault after a grace of 1 s."""
        if self.phase.is_abandoned:
            return True
        self.catch_up(held)
        left = len(self.due) - len(self.starts)
        self.pushed_to = self._ideal(self.intended(len(self.starts)), now, held)
        if self.pushed_to >= self.phase.end_ns:
            self.unsent, self.gave_up_at = left, now
        elif now >= self.phase.end_ns + GRACE_NS:
            self.unsent_generator, self.gave_up_at = left, now
        else:
            return False
        return True

    def intended(self, n):
        return self.phase.start_ns + self.due[n]

    def catch_up(self, held):
        """Computes the ideal starts: when each call would have started with a generator that is exactly on time.

        ideal[n] = max(intended[n], ideal[n-1] + service[n-1]), plus the time in which the queue held every sender.
        """
        if self.busy_until is None:
            self.busy_until = 0
            if self.before:
                self.before.catch_up(held)
                self.busy_until = self.before.busy_until
        for n in range(len(self.ideals), len(self.starts)):
            start, end = self.starts[n], self.ends[n]
            ideal = min(self._ideal(self.intended(n), start, held), start)
            self.ideals.append(ideal)
            self.busy_until, self.returned_at = ideal + end - start, end

    def _ideal(self, intended, now, held):
        ideal = max(intended, self.busy_until)
        since = max(ideal, self.returned_at)
        return ideal + min(held(since, now), now - ideal) if now > since else ideal


REPLIES = {None: 0, True: 1, False: 2, "sampled_out": 3}
UNKNOWN, ACCEPTED, DROPPED, SAMPLED_OUT = range(4)
ANSWERS = 'True (accepted), False (dropped), "sampled_out", or None if its outcome_source is not "call"'


def code_of(reply):
    """The code of what a call has returned."""
    try:
        return REPLIES[reply]
    except (KeyError, TypeError):
        raise Refusal("internal", f"`log` returned {reply!r}; it must return {ANSWERS}") from None


class Held:
    """The spans in which the only sender thread was inside the queue, in order.

    Calling it with a span returns how many nanoseconds of that span they cover.
    """

    def __init__(self):
        self.starts, self.ends, self.before = array("q"), array("q"), array("q")

    def add(self, start, end):
        self.starts.append(start)
        self.ends.append(end)

    def __call__(self, since, until):
        for n in range(len(self.before), len(self.starts)):
            self.before.append(self.before[-1] + self.ends[n - 1] - self.starts[n - 1] if n else 0)
        return self._until(until) - self._until(since)

    def _until(self, at):
        n = bisect.bisect_right(self.starts, at) - 1
        return self.before[n] + min(at, self.ends[n]) - self.starts[n] if n >= 0 else 0


def held_by_nobody(since, until):
    return 0


# --- the load ---------------------------------------------------------------------------------------------------------


class Stepped:
    """Awaits a call of the queue, and records each span in which the call held the thread."""

    def __init__(self, call, held):
        self.call, self.held = call, held

    def __await__(self):
        call = self.call.__await__()
        step = None
        while True:
            begin = now_ns()
            try:
                waits_for = call.send(step)
            except StopIteration as done:
                self.held.add(begin, now_ns())
                return done.value
            self.held.add(begin, now_ns())
            step = yield waits_for


class Phase:
    """A warm-up, a window or a control: a schedule and its outcomes."""

    def __init__(self, schedule, start_ns, span_ns, flag, before=None):
        self.start_ns, self.end_ns, self.flag = start_ns, start_ns + span_ns, flag
        # Logs of a warm-up that are left at its end are neither sent nor counted.
        self.is_abandoned = flag == 0
        earlier = before.tasks if before else [None] * len(schedule)
        self.tasks = [Task(number, due, self, earlier[number]) for number, due in enumerate(schedule)]


class Load:
    """Sends the phases of a load into one queue, for each task one phase after the other."""

    def __init__(self, queue, parameters, phases, lane_each, contents=None):
        self.queue, self.phases = queue, phases
        self.message, self.fields = content(parameters["payload"])
        self.context = context_of(parameters.get("context", "none"))
        self.contents = contents if contents and contents.differ else None
        self.on_loop, self.lane_each = parameters["producers"] == "tasks", lane_each
        # If each task has its own thread, the calls of other tasks cannot hold it up.
        self.held = Held() if self.on_loop or not lane_each else held_by_nobody
        self.senders = set()

    def run(self):
        """Sends all logs. Returns when the last call has returned."""
        if self.on_loop:
            # Timeouts of select() have microseconds; those of epoll are rounded up to a millisecond.
            loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
            self.senders.add(threading.get_native_id())
            try:
                loop.run_until_complete(self._all_tasks())
            finally:
                loop.close()
            return
        tasks = list(zip(*(phase.tasks for phase in self.phases)))
        lanes = [[task] for task in tasks] if self.lane_each else [tasks]
        failures = []
        threads = [threading.Thread(target=self._lane, args=(lane, failures), daemon=True) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    async def _all_tasks(self):
        is_async = asyncio.iscoroutinefunction(self.queue.log)
        await asyncio.gather(*(self._task(task, is_async) for task in zip(*(phase.tasks for phase in self.phases))))

    async def _task(self, phases, is_async):
        log, held, record_of = self.queue.log, self.held, self._record
        for task in phases:
            start_ns, end_ns = task.phase.start_ns, task.phase.end_ns
            for due in task.due:
                due += start_ns
                has_waited = False
                while (now := now_ns()) < due:
                    await asyncio.sleep((due - now) / 1e9)
                    has_waited = True
                if not has_waited:
                    # A task that is behind its schedule must let the other tasks of the loop run.
                    await asyncio.sleep(0)
                    now = now_ns()
                if now >= end_ns and task.is_over(now, held):
                    break
                record = record_of(task)
                start = now_ns()
                if is_async:
                    reply = await Stepped(log(record), held)
                    end = now_ns()
                else:
                    reply = log(record)
                    end = now_ns()
                    held.add(start, end)
                task.returned(start, end, reply)

    def _lane(self, tasks, failures):
        self.senders.add(threading.get_native_id())
        try:
            for phase in zip(*tasks):
                self._lane_of(phase)
        except BaseException as error:
            failures.append(error)

    def _lane_of(self, tasks):
        log, held, over = self.queue.log, self.held, set()
        add = held.add if isinstance(held, Held) else None
        start_ns, end_ns = tasks[0].phase.start_ns, tasks[0].phase.end_ns
        for due, index in sorted((due, index) for index, task in enumerate(tasks) for due in task.due):
            due += start_ns
            while (now := now_ns()) < due:
                time.sleep((due - now) / 1e9)
            task = tasks[index]
            if now >= end_ns and (index in over or task.is_over(now, held)):
                over.add(index)
                continue
            record = self._record(task)
            start = now_ns()
            reply = log(record)
            end = now_ns()
            if add:
                add(start, end)
            task.returned(start, end, reply)

    def _record(self, task):
        identity = task.phase.flag | task.number << TASK_SHIFT | len(task.starts)
        contents = self.contents
        if not contents:
            return Record(self.message, self.fields, identity, context=self.context)
        message = self.message[: contents.length(identity)]
        return Record(message, self.fields, identity, LEVELS[contents.level(identity)], self.context)


class Noop:
    """The queue of the control: it does nothing."""

    def log(self, record):
        return True


class AsyncNoop:
    """The same, with calls that are awaited."""

    async def log(self, record):
        return True


# --- distributions ----------------------------------------------------------------------------------------------------


def bucket(value):
    """Index of the bucket of a value, in a histogram from 1 to 10^14 with 3 significant figures."""
    if value < 2048:
        return value
    shift = value.bit_length() - 11
    return shift * 1024 + (value >> shift)


def encode_histogram(values):
    """Encodes values as HdrHistogram V2, compressed, base64. Counts are ZigZag LEB128; -n means n empty buckets."""
    counts = collections.Counter(map(bucket, (min(value, HIGHEST_NS) for value in values)))
    payload, following = bytearray(), 0
    for index in sorted(counts):
        if index > following:
            _varint(payload, following - index)
        _varint(payload, counts[index])
        following = index + 1
    header = struct.pack(">IIIIQQd", 0x1C849313, len(payload), 0, 3, 1, HIGHEST_NS, 1.0)
    body = zlib.compress(header + bytes(payload))
    return base64.b64encode(struct.pack(">II", 0x1C849314, len(body)) + body).decode()


def _varint(out, number):
    number = (number << 1) ^ (number >> 63) if number < 0 else number << 1
    for _ in range(8):
        if number < 0x80:
            out.append(number)
            return
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def latency(values, censored=()):
    """A distribution in the form of the protocol. `censored` are lower bounds, from logs that were never sent."""
    values = [max(0, value) for value in values]
    values.extend(max(0, value) for value in censored)
    return {
        "count": len(values),
        "sum_ns": str(sum(values)),
        "sum_squares_ns2": float(sum(value * value for value in values)),
        "min_ns": min(values, default=None),
        "max_ns": max(values, default=None),
        "censored": len(censored),
        "hdr": encode_histogram(values),
    }


def quantile(ordered, q):
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def series(calls, start_ns, span_ns):
    """Counts and percentiles over time, in at most 256 bins. `calls` are (start, service time, whether accepted)."""
    width = 10_000_000
    while -(-span_ns // width) > 256:
        width *= 2
    bins = [([], [0]) for _ in range(max(1, -(-span_ns // width)))]
    for start, service, accepted in calls:
        times, rejected = bins[min(max(0, start - start_ns) // width, len(bins) - 1)]
        if accepted:
            times.append(service)
        else:
            rejected[0] += 1
    points = []
    for times, rejected in bins:
        times.sort()
        points.append(
            {
                "enqueued": len(times),
                "rejected": rejected[0],
                "p50_ns": quantile(times, 0.5),
                "p99_ns": quantile(times, 0.99),
                "max_ns": times[-1] if times else None,
            }
        )
    return {"bin_ns": width, "points": points}


# --- the machine ------------------------------------------------------------------------------------------------------


class Kernel:
    """The kernel's counters at one moment. `cpu` is None and `threads` is empty if they cannot be read."""

    def __init__(self):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.switches = usage.ru_nivcsw
        self.process = usage.ru_utime + usage.ru_stime
        self.cpu = None
        self.threads = {}
        try:
            with open("/proc/stat", encoding="ascii") as stat:
                fields = [int(field) for field in stat.readline().split()[1:9]]
            tick = os.sysconf("SC_CLK_TCK")
            self.cpu = [sum(fields) / tick, (fields[3] + fields[4]) / tick, fields[7] / tick]
            for thread in os.listdir("/proc/self/task"):
                with open(f"/proc/self/task/{thread}/schedstat", encoding="ascii") as stat:
                    self.threads[int(thread)] = int(stat.read().split()[0])
        except (OSError, ValueError, IndexError):
            pass

    def machine_since(self, before, floor_ns):
        process, shares = self.process - before.process, (None, None, None)
        if self.cpu and before.cpu and self.cpu[0] > before.cpu[0]:
            total, idle, steal = (now - then for now, then in zip(self.cpu, before.cpu))
            parts = [steal, process, total - idle - steal - process]
            shares = [min(1.0, max(0.0, part / total)) for part in parts]
        return {
            "steal_share": shares[0],
            "involuntary_switches": self.switches - before.switches,
            "producer_switches": None,
            "process_share": shares[1],
            "others_share": shares[2],
            # A Python thread also waits for the interpreter lock, so its wake-ups do not show the machine alone.
            "jitter": None,
            "stolen_ns": None,
            "clock": "os",
            "instrument_floor_ns": floor_ns,
        }

    def cpu_since(self, before, senders, watcher):
        """CPU time by group of threads, in nanoseconds; empty if it cannot be read."""
        groups = {}
        for thread, spent in self.threads.items():
            if thread != watcher:
                group = "producers" if thread in senders else "queue"
                groups[group] = groups.get(group, 0) + spent - before.threads.get(thread, 0)
        return groups if before.threads else {}


def instrument_floor():
    """Cost of two clock readings and two stored values in nanoseconds: the fastest of five batches."""
    best = float("inf")
    for _ in range(5):
        starts, ends = array("q"), array("q")
        begin = now_ns()
        for _ in range(2_000):
            starts.append(now_ns())
            ends.append(now_ns())
        best = min(best, (now_ns() - begin) / 2_000)
    return best


def sleep_until(at_ns, stop):
    """Sleeps until `at_ns`, or until `stop` is set. Returns whether `stop` was set."""
    while (left := at_ns - now_ns()) > 0:
        if stop.wait(min(left / 1e9, 1.0)):
            return True
    return stop.is_set()


class Watcher(threading.Thread):
    """Reads the kernel's counters at both ends of the window, reports progress, and ends a repeat that hangs."""

    def __init__(self, window, sink, limit_ns, say):
        super().__init__(daemon=True)
        self.window, self.sink, self.limit_ns, self.say = window, sink, limit_ns, say
        self.stop = threading.Event()
        self.before = self.after = None
        self.start()

    def run(self):
        if sleep_until(self.window.start_ns, self.stop):
            return
        self.before = Kernel()
        while now_ns() < self.window.end_ns:
            if sleep_until(min(now_ns() + 500_000_000, self.window.end_ns), self.stop):
                return
            self.say({"progress": self.progress()})
        self.after = Kernel()
        if not sleep_until(self.limit_ns, self.stop):
            self.say(failure("hung", "calls or the shutdown had not returned when the drain ran out of time"), True)

    def progress(self):
        attempted = sum(len(task.starts) for task in self.window.tasks)
        elapsed = max(0, now_ns() - self.window.start_ns)
        counts = {"attempted": attempted, "enqueued": attempted, "rejected": 0, "delivered": len(self.sink.times)}
        return {"elapsed_ns": elapsed, **counts, "mean_enqueue_ns": None}

    def finish(self):
        self.stop.set()
        self.join()
        return self.before or Kernel(), self.after or Kernel()


# --- one repeat -------------------------------------------------------------------------------------------------------


class Repeat:
    """Carries out one repeat: control, queue, warm-up, window, drain."""

    def __init__(self, queue_type, request, say):
        if request.get("protocol") != PROTOCOL:
            raise Refusal("bad_request", f"the request is in protocol {request.get('protocol')}, not {PROTOCOL}")
        self.type, self.say, self.repeat = queue_type, say, request["repeat"]
        self.parameters, self.seed = self.repeat["parameters"], self.repeat["seed"]
        self.warm_up_ns, self.window_ns = self.repeat["warmup_ns"], self.parameters["duration_ns"]
        if self.parameters.get("stages") is not None:
            raise Refusal("bad_request", "this driver cannot change its rate in stages: leave out [load]")
        if self.parameters.get("trace") is not None:
            raise Refusal("bad_request", "this driver cannot replay a trace: leave out [load]")
        if self.repeat.get("steady") is not None:
            raise Refusal("bad_request", 'this driver cannot tell when a load is steady: leave out until = "steady"')
        self.contents = Contents(self.parameters, self.seed)
        self.lane_each = self.parameters["strategy"] in queue_type.blocks_caller
        self.offered = parse_rate(self.parameters["rate"]) * self.parameters["concurrency"]
        if self.offered * (self.window_ns + self.warm_up_ns) / 10**9 > MOST_LOGS:
            raise Refusal("bad_request", f"over {MOST_LOGS:,} logs in a repeat are too many: shorten the duration")
        self.floor_ns = instrument_floor()

    def schedule(self, span_ns):
        tasks = range(self.parameters["concurrency"])
        return [dues(self.parameters, task, span_ns, self.seed) for task in tasks]

    def load(self, queue, phases):
        return Load(queue, self.parameters, phases, self.lane_each, self.contents)

    def control(self):
        """Runs the control: the same producers send a part of the same schedule to a queue that does nothing.

        Returns None if no control is planned, or the rate is too low for one.
        """
        planned = self.repeat.get("control_ns", CONTROL_NS)
        span = min(max(planned, math.ceil(CONTROL_LOGS * 10**9 / self.offered)), LONGEST_CONTROL_NS)
        if not planned or self.offered * span / 10**9 < FEWEST_CONTROL_LOGS:
            return None
        schedule = self.schedule(span)
        noop = AsyncNoop() if asyncio.iscoroutinefunction(self.type.log) else Noop()
        phase = Phase(schedule, now_ns() + 5_000_000, span, WINDOW_BIT)
        load, before = self.load(noop, [phase]), Kernel()
        load.run()
        after, late = Kernel(), []
        for task in phase.tasks:
            task.catch_up(load.held)
            late.extend(start - ideal for start, ideal in zip(task.starts, task.ideals))
        return {
            "span_ns": span,
            "scheduled": sum(map(len, schedule)),
            "attempted": len(late),
            "unsent": sum(task.unsent for task in phase.tasks),
            "unsent_generator": sum(task.unsent_generator for task in phase.tasks),
            "lateness": latency(late),
            "machine": after.machine_since(before, self.floor_ns),
        }

    def run(self):
        """Carries out the repeat and returns its measurement."""
        control = self.control()
        schedules = self.schedule(self.warm_up_ns), self.schedule(self.window_ns)
        sink = Sink(self.parameters["sink_delay_ns"])
        try:
            queue = self.type(self.parameters, sink, self.seed)
        except Exception as error:
            raise Refusal("not_built", f"{type(error).__name__}: {error}") from error
        time.sleep(IDLE_NS / 1e9)
        self.say("started")
        warm_up = Phase(schedules[0], now_ns() + 5_000_000, self.warm_up_ns, 0)
        window = Phase(schedules[1], warm_up.end_ns, self.window_ns, WINDOW_BIT, warm_up)
        drain_ns = self.repeat["drain_timeout_ns"]
        watcher = Watcher(window, sink, window.end_ns + drain_ns + HUNG_MARGIN_NS, self.say)
        load = self.load(queue, [warm_up, window])
        try:
            load.run()
        except Refusal:
            raise
        except Exception as error:
            raise Refusal("panicked", f"a call raised {type(error).__name__}: {error}") from error
        if self.type.outcome_source == "call" and any(UNKNOWN in task.replies for task in window.tasks):
            raise Refusal("internal", f"`log` returned None; it must return {ANSWERS}")
        # The window lasts its full time, even if the last log was due long before its end.
        sleep_until(window.end_ns, threading.Event())
        begin = now_ns()
        left = max(0, window.end_ns + drain_ns - begin)
        # When the time is over, the sink no longer delays records, so that it does not hold up the shutdown.
        relief = threading.Timer(left / 1e9, setattr, (sink, "abandoned", True))
        relief.daemon = True
        relief.start()
        account = queue.shutdown(left / 1e9)
        relief.cancel()
        drained = now_ns() - begin
        before, after = watcher.finish()
        for task in window.tasks:
            task.catch_up(load.held)
        observed = Observed(self, warm_up, window, sink, account)
        groups = after.cpu_since(before, load.senders, watcher.native_id)
        cost = {
            "cpu_s_per_million": {group: spent / observed.attempted / 1e3 for group, spent in groups.items()}
            if observed.attempted
            else {},
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "depth_high_water": account.depth_high_water,
            "drain_ns": drained,
        }
        machine = after.machine_since(before, self.floor_ns)
        return {**observed.measurement(), "cost": cost, "machine": machine, "control": control}


def fairness(shares):
    """How even the shares of the tasks are: Jain's index (1 if all are equal) and the smallest share.

    None for fewer than two tasks.
    """
    if len(shares) < 2:
        return None
    squares = sum(share * share for share in shares)
    # If no task got anything, all shares are equal. The formula would divide by 0.
    jain = sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0
    return {"tasks": len(shares), "jain": min(1.0, max(1 / len(shares), jain)), "least_share": min(shares)}


class Observed:
    """Compares what the callers were told with what reached the sink."""

    def __init__(self, repeat, warm_up, window, sink, account):
        self.type, self.strategy = repeat.type, repeat.parameters["strategy"]
        self.warm_up, self.window, self.sink, self.account = warm_up, window, sink, account
        self.window_ns, self.contents = repeat.window_ns, repeat.contents
        self.attempted = sum(len(task.starts) for task in window.tasks)
        self.duplicated, self.reordered, self.phantom = 0, 0, sink.strangers
        of_warm_up = [identity for identity in sink.warm_up if self._was_sent(identity, warm_up)]
        self.phantom += len(sink.warm_up) - len(of_warm_up)
        self.warm_up_deliveries, self.warm_up_delivered = len(of_warm_up), len(set(of_warm_up))
        self.delivery, self.delivered_in_window = array("q"), 0
        self.arrived = [bytearray(len(task.starts)) for task in window.tasks]
        self._arrive()

    @staticmethod
    def _was_sent(identity, phase):
        number, sequence = identity >> TASK_SHIFT & TASK_MASK, identity & SEQUENCE_MASK
        return number < len(phase.tasks) and sequence < len(phase.tasks[number].starts)

    def _arrive(self):
        """Goes through all deliveries in the order of arrival, and classifies each."""
        highest = [-1] * len(self.arrived)
        is_call = self.type.outcome_source == "call"
        for identity, at in zip(self.sink.identities, self.sink.times):
            number, sequence = identity >> TASK_SHIFT & TASK_MASK, identity & SEQUENCE_MASK
            task = self.window.tasks[number] if number < len(self.arrived) else None
            if task is None or sequence >= len(task.starts):
                self.phantom += 1
            elif is_call and task.replies[sequence] != ACCEPTED:
                self.phantom += 1
            elif self.arrived[number][sequence]:
                self.duplicated += 1
            else:
                self.arrived[number][sequence] = 1
                self.reordered += sequence < highest[number]
                highest[number] = max(highest[number], sequence)
                self.delivery.append(at - task.starts[sequence])
                self.delivered_in_window += at <= self.window.end_ns

    def _outcomes(self):
        """The counts (dropped, sampled_out, lost) of the window."""
        told = [sum(task.replies.count(kind) for task in self.window.tasks) for kind in range(4)]
        missing = self.attempted - len(self.delivery)
        if self.type.outcome_source == "call":
            return told[DROPPED], told[SAMPLED_OUT], told[ACCEPTED] - len(self.delivery)
        left_out = 0
        for identity in set(self.sink.filtered):
            number, sequence = identity >> TASK_SHIFT & TASK_MASK, identity & SEQUENCE_MASK
            left_out += not self.arrived[number][sequence]
        missing -= left_out
        if self.type.outcome_source == "counter":
            # The counter includes the warm-up, so the logs missing from the warm-up are subtracted first.
            dropped = min(missing, max(0, self.account.counters.get("dropped", 0) - self.lacking()))
        else:
            # Losses that the queue reports were not drops. Silent losses cannot be distinguished from drops.
            refuses = self.strategy not in ("block", "drop-oldest")
            dropped = max(0, missing - self.account.admitted) if refuses else 0
        return dropped, left_out, missing - dropped

    def _evicted(self, silent):
        """Of the accepted logs that are missing and not reported as lost: those that made room for newer ones."""
        if self.strategy != "drop-oldest" or self.type.outcome_source == "delivery":
            return silent if self.strategy == "drop-oldest" else 0
        # As in `_outcomes`: the counters include the warm-up.
        counters = self.account.counters
        before = max(0, self.lacking() - counters.get("dropped", 0))
        return min(silent, max(0, counters.get("evicted", 0) - before))

    def lacking(self):
        """Number of logs of the warm-up that are missing: neither refused by a call, nor sampled out, nor delivered."""
        refused = sum(task.replies.count(DROPPED) + task.replies.count(SAMPLED_OUT) for task in self.warm_up.tasks)
        gone = refused + self.sink.filtered_warm_up + self.warm_up_delivered
        return max(0, sum(len(task.starts) for task in self.warm_up.tasks) - gone)

    def _enqueued_in_window(self, lost):
        """Number of accepted calls that would have returned inside the window if the generator had been on time.

        If calls do not tell the outcome, it is unknown which of the missing logs were accepted. At least `lost` less the
        number of late missing logs were accepted in time, and that many are counted.
        """
        in_time, late_and_missing = 0, 0
        is_call = self.type.outcome_source == "call"
        for task, arrived in zip(self.window.tasks, self.arrived):
            for n, (start, end, ideal) in enumerate(zip(task.starts, task.ends, task.ideals)):
                is_in_time = ideal + end - start <= self.window.end_ns
                if arrived[n] or (is_call and task.replies[n] == ACCEPTED):
                    in_time += is_in_time
                elif not is_in_time:
                    late_and_missing += 1
        return in_time if is_call else in_time + max(0, lost - late_and_missing)

    def _fairness(self, ledger):
        """The fairness, from the share of each task's logs that was accepted in time.

        Logs that the generator did not send are left out. None if some logs were evicted, or lost where calls do not tell the
        outcome: it is unknown whose logs those were.
        """
        is_call = self.type.outcome_source == "call"
        if ledger["evicted"] or (not is_call and sum(ledger["lost"].values())):
            return None
        shares = []
        for task, arrived in zip(self.window.tasks, self.arrived):
            calls = enumerate(zip(task.starts, task.ends, task.ideals))
            in_time = sum(
                ideal + end - start <= self.window.end_ns
                for n, (start, end, ideal) in calls
                if (task.replies[n] == ACCEPTED if is_call else arrived[n])
            )
            sent = len(task.due) - task.unsent_generator
            shares += [in_time / sent] if sent else []
        return fairness(shares)

    def _ledger(self):
        tasks = self.window.tasks
        dropped, sampled_out, lost = self._outcomes()
        admitted = min(lost, max(0, self.account.admitted - self.lacking()))
        evicted = self._evicted(lost - admitted)
        return {
            "scheduled": sum(len(task.due) for task in tasks),
            "attempted": self.attempted,
            "unsent": sum(task.unsent for task in tasks),
            "unsent_generator": sum(task.unsent_generator for task in tasks),
            "enqueued": len(self.delivery) + lost,
            # Which of the missing logs were evicted is unknown: all of them count as accepted in time.
            "enqueued_in_window": max(0, self._enqueued_in_window(lost) - evicted),
            "dropped": dropped,
            "sampled_out": sampled_out,
            "evicted": evicted,
            "delivered": len(self.delivery),
            "delivered_in_window": self.delivered_in_window,
            "lost": {"admitted": admitted, "silent": lost - admitted - evicted},
            "duplicated": self.duplicated,
            "reordered": self.reordered,
            "phantom": self.phantom,
            "undecidable": 0,
        }

    def _levels(self, ledger):
        """The ledger of each level; empty if all logs have the level `info`.

        What was dropped and what was lost is unknown of each level if calls do not tell it, and some of the missing logs were
        dropped and some lost.
        """
        if not self.contents.has_levels:
            return []
        is_call, lost = self.type.outcome_source == "call", sum(ledger["lost"].values())
        evicted = ledger["evicted"]
        # What is missing was all evicted or all lost, or nobody knows.
        is_one = not evicted or not lost
        is_known = is_call or not ledger["dropped"] or not lost
        left_out = {identity for identity in self.sink.filtered if not self._has_arrived(identity)}
        counts = [collections.Counter() for _ in LEVELS]
        for task, arrived in zip(self.window.tasks, self.arrived):
            for n, reply in enumerate(task.replies):
                identity = WINDOW_BIT | task.number << TASK_SHIFT | n
                if reply == UNKNOWN and not arrived[n]:
                    reply = SAMPLED_OUT if identity in left_out else DROPPED if ledger["dropped"] else ACCEPTED
                elif reply == UNKNOWN:
                    reply = ACCEPTED
                count = counts[self.contents.level(identity)]
                count[reply] += 1
                count["delivered"] += arrived[n]
        return [
            {
                "level": level,
                "attempted": count[ACCEPTED] + count[DROPPED] + count[SAMPLED_OUT],
                "enqueued": count[ACCEPTED] if is_known else None,
                "dropped": count[DROPPED] if is_known else None,
                "sampled_out": count[SAMPLED_OUT],
                "delivered": count["delivered"],
                "evicted": (count[ACCEPTED] - count["delivered"] if evicted else 0) if is_known and is_one else None,
                "lost": (0 if evicted else count[ACCEPTED] - count["delivered"]) if is_known and is_one else None,
            }
            for level, count in zip(LEVELS, counts)
        ]

    def _has_arrived(self, identity):
        return self.arrived[identity >> TASK_SHIFT & TASK_MASK][identity & SEQUENCE_MASK]

    def _latencies(self):
        enqueue, rejected, response, ideal_response, late = (array("q") for _ in range(5))
        censored, censored_ideal = [], []
        for task in self.window.tasks:
            for n, (start, end, ideal) in enumerate(zip(task.starts, task.ends, task.ideals)):
                intended = task.intended(n)
                (rejected if task.replies[n] in (DROPPED, SAMPLED_OUT) else enqueue).append(end - start)
                response.append(end - intended)
                ideal_response.append(ideal + end - start - intended)
                late.append(start - ideal)
            # Empty if the task has sent its whole schedule.
            left = range(len(task.starts), len(task.starts) + task.unsent + task.unsent_generator)
            censored.extend(task.gave_up_at - task.intended(n) for n in left)
            if task.unsent:
                censored_ideal.extend(task.pushed_to - task.intended(n) for n in left)
        return {
            "enqueue": latency(enqueue),
            "unblocked": None,
            "blocked": None,
            "rejected": latency(rejected),
            "response": latency(response, censored),
            "response_ideal": latency(ideal_response, censored_ideal),
            "delivery": latency(self.delivery),
            "lateness": latency(late),
        }

    def _disagreements(self, ledger):
        """The differences between the queue's own counters, which include the warm-up, and our counts."""
        counters = self.account.counters
        missing = ledger["dropped"] + ledger["evicted"] + sum(ledger["lost"].values())
        if self.type.outcome_source == "call":
            missing = ledger["dropped"] + sum(task.replies.count(DROPPED) for task in self.warm_up.tasks)
        else:
            missing += self.lacking()
        ours = {
            "dropped": (missing, "we missed"),
            "delivered": (ledger["delivered"] + ledger["duplicated"] + self.warm_up_deliveries, "we saw"),
        }
        return [
            f"{name}: the queue says {counters[name]}, {verb} {number} (warm-up included)"
            for name, (number, verb) in ours.items()
            if name in counters and counters[name] != number
        ]

    def measurement(self):
        ledger = self._ledger()
        calls = (
            (start, end - start, reply in (UNKNOWN, ACCEPTED))
            for task in self.window.tasks
            for start, end, reply in zip(task.starts, task.ends, task.replies)
        )
        counts = {"offered": "scheduled", "attempted": "attempted"}
        counts |= {"accepted": "enqueued_in_window", "delivered": "delivered_in_window"}
        return {
            "outcome_source": self.type.outcome_source,
            "ledger": ledger,
            "latency": self._latencies(),
            "rates": {f"{name}_per_s": ledger[count] * 1e9 / self.window_ns for name, count in counts.items()},
            "series": series(calls, self.window.start_ns, self.window_ns),
            "queue_counters": self.account.counters,
            "fairness": self._fairness(ledger),
            **({"levels": levels} if (levels := self._levels(ledger)) else {}),
            "queue_version": self.type.version,
            "disagreements": self._disagreements(ledger),
        }


# --- the protocol -----------------------------------------------------------------------------------------------------

# The axes that this module supports for every queue.
AXES = ["pacing=sleep", "arrival", "phase", "payload", "sizes", "sink_delay"]


def failure(kind, message):
    return {"error": {"kind": kind, "message": " ".join(message.split())[:1000]}}


def claim_stdout():
    """Reserves stdout for the protocol: everything that libraries print there goes to stderr. Returns the function that
    sends messages. Call this before importing a library that may keep a copy of stdout."""
    ours = os.dup(1)
    os.dup2(2, 1)
    lock = threading.Lock()

    def say(message, is_last=False):
        line = (json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n").encode()
        with lock:
            while line:
                line = line[os.write(ours, line) :]
            if is_last:
                os._exit(0 if "result" in message else 1)

    return say


def hello(queue_type, axes=()):
    capabilities = {
        "strategies": queue_type.strategies,
        "blocks_caller": queue_type.blocks_caller,
        "axes": sorted({*AXES, *queue_type.axes}),
    }
    about = {"protocol": PROTOCOL, "name": queue_type.name, "version": queue_type.version}
    return {"hello": {**about, "capabilities": capabilities}}


def end_with_stdin():
    """Ends this process when its stdin ends: its runner has then ended, and a repeat must not outlive its runner."""

    def watch():
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def read_request():
    """Reads the request, the only line of stdin. None if stdin is empty: the runner only asked for `hello`."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        line += piece
        if not piece or len(line) > LONGEST_REQUEST:
            break
    if not line:
        return None
    try:
        return json.loads(line)
    except ValueError as error:
        raise Refusal("bad_request", f"cannot understand the request: {error}") from error


def main(queue_type, say=None):
    """Carries out one repeat, and does not return. `say` is the result of `claim_stdout`, if that was called before."""
    say = say or claim_stdout()
    try:
        say(hello(queue_type))
        request = read_request()
        if request is None:
            os._exit(0)
        end_with_stdin()
        result = Repeat(queue_type, request, say).run()
    except Refusal as refusal:
        traceback.print_exc(file=sys.stderr)
        say(failure(refusal.kind, str(refusal)), True)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        say(failure("internal", f"{type(error).__name__}: {error}"), True)
    say({"result": result}, True)
