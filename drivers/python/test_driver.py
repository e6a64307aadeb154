"""Tests of queue_load_driver: run `python -m unittest` in this directory. No test waits or depends on the clock."""

import asyncio
import base64
import random
import struct
import types
import unittest
import unittest.mock
import zlib
from array import array

import queue_load_driver as driver
import queuehandler_driver

try:
    from hdrh.histogram import HdrHistogram
except ImportError:
    HdrHistogram = None


def case(**changes):
    usual = {"concurrency": 1, "rate": "1000/s", "arrival": "uniform", "phase": "spread", "strategy": "drop"}
    return {**usual, "payload": "4f+64B", "producers": "lanes", **changes}


class Schedules(unittest.TestCase):
    def test_due_times_are_those_of_the_runner_s_own_worker(self):
        ms = 1_000_000
        for changes, task, span, expected in [
            ({}, 0, 4 * ms, [0, ms, 2 * ms, 3 * ms]),
            ({"concurrency": 4}, 3, 2 * ms, [750_000, 1_750_000]),
            ({"concurrency": 4, "phase": "aligned"}, 3, 2 * ms, [0, ms]),
            ({"rate": "10000/3s"}, 0, ms, [0, 300_000, 600_000, 900_000]),
            ({"concurrency": 2, "arrival": "burst:3"}, 1, 5 * ms, [1_500_000] * 3 + [4_500_000] * 3),
            ({"rate": "1/s", "concurrency": 7}, 6, 100 * ms, []),
        ]:
            self.assertEqual(list(driver.dues(case(**changes), task, span, 1)), expected, changes)

    def test_poisson_keeps_the_rate_and_repeats_itself(self):
        poisson = case(arrival="poisson", concurrency=2)
        due = driver.dues(poisson, 0, 20 * 10**9, 1)
        self.assertLess(abs(len(due) - 20_000), 6 * 142)
        self.assertEqual(due, driver.dues(poisson, 0, 20 * 10**9, 1))
        self.assertNotEqual(due, driver.dues(poisson, 1, 20 * 10**9, 1))
        self.assertNotEqual(due, driver.dues(poisson, 0, 20 * 10**9, 2))

    def test_xoshiro_draws_what_its_authors_do(self):
        generator = driver.Xoshiro(0)
        generator.state = [1, 2, 3, 4]
        self.assertEqual([generator.next() for _ in range(3)], [41943041, 58720359, 3588806011781223])

    def test_content_has_the_size_asked_for(self):
        message, fields = driver.content("5f+1KiB")
        self.assertEqual((len(message), list(fields)), (1024, ["user_id", "route", "duration_ms", "cached", "field_4"]))
        self.assertEqual(driver.content("0f+0B"), ("", {}))
        for payload, longest in [
            ("4f+1B..99B", 99),
            ("4f+64B:90%+4KiB:10%", 4_096),
            ("4f+p50:120B+p99:2KiB", 10_522),
            ("4f+p50:120B+p99:2KiB+max:3KiB", 3_072),
        ]:
            self.assertEqual(len(driver.content(payload)[0]), longest, payload)


class Draws(unittest.TestCase):
    def test_levels_and_lengths_are_those_of_the_runner_s_own_worker(self):
        level = "debug:20%+info:70.5%+error:9.5%"
        drawn = driver.Contents(case(level=level, payload="4f+100B..299B"), 7)
        window = [driver.WINDOW_BIT | 2 << driver.TASK_SHIFT | n for n in range(12)]
        self.assertEqual([drawn.level(n) for n in range(12)], [2, 2, 1, 2, 2, 1, 2, 2, 1, 4, 1, 2])
        self.assertEqual([drawn.level(n) for n in window], [2, 1, 2, 2, 2, 1, 4, 2, 2, 1, 2, 2])
        expected = [270, 275, 276, 214, 117, 192, 137, 201, 215, 203, 114, 211]
        self.assertEqual([drawn.length(n) for n in window], expected)

    def test_shares_and_quantiles_are_those_asked_for(self):
        drawn = driver.Contents(case(level="info:90%+error:10%", payload="4f+64B:90%+4KiB:10%"), 1)
        errors = sum(drawn.level(n) == driver.LEVELS.index("error") for n in range(10_000))
        long = sum(drawn.length(n) == 4_096 for n in range(10_000))
        # Six standard deviations.
        self.assertLess(max(abs(errors - 1_000), abs(long - 1_000)), 180)
        lengths = driver.Lengths("p50:120B+p99:2KiB").lengths
        self.assertLess(abs(lengths[len(lengths) // 2] - 120), 2)
        self.assertLess(abs(lengths[len(lengths) * 99 // 100] - 2_048), 50)

    def test_a_case_of_one_level_and_length_draws_nothing(self):
        for changes, differ, has_levels in [
            ({}, False, False),
            ({"level": "info"}, False, False),
            ({"level": "error"}, True, True),
            ({"payload": "4f+1B..2B"}, True, False),
        ]:
            drawn = driver.Contents(case(**changes), 1)
            self.assertEqual((drawn.differ, drawn.has_levels), (differ, has_levels), changes)

    def test_contexts_are_those_of_the_runner_s_own_worker(self):
        expected = {"request_00": "7c0e19", "request_01": "c0e19f", "handler_00": "7c0e19", "handler_01": "c0e19f"}
        self.assertEqual(driver.context_of("2x2f+6B"), expected)
        for text, count, length in [("none", 0, 0), ("1f+1B", 1, 1), ("4x16f+256B", 64, 256)]:
            context = driver.context_of(text)
            self.assertEqual((len(context), {len(value) for value in context.values()} or {0}), (count, {length}), text)

    def test_queuehandler_carries_the_context(self):
        parameters, arrived = case(context="2x3f+16B", maxsize=10), []

        class Seeing(queuehandler_driver.Deliver):
            def emit(self, record):
                arrived.append(vars(record))

        with unittest.mock.patch.object(queuehandler_driver, "Deliver", Seeing):
            queue = queuehandler_driver.QueueHandler(parameters, driver.Sink(), 1)
        phase = driver.Phase([[0, 0, 0]], driver.now_ns(), 10**12, driver.WINDOW_BIT)
        driver.Load(queue, parameters, [phase], False, driver.Contents(parameters, 1)).run()
        queue.shutdown(1)
        self.assertEqual(len(arrived), 3)
        for record in arrived:
            for name, value in driver.context_of("2x3f+16B").items():
                self.assertEqual(record[name], value)

    def test_records_carry_what_is_drawn(self):
        class Seeing:
            def __init__(self):
                self.seen = {}

            def log(self, record):
                self.seen[record.identity] = (record.level, len(record.message))
                return True

        parameters = case(concurrency=3, level="info:50%+error:50%", payload="4f+1B..9B")
        contents, queue, past = driver.Contents(parameters, 5), Seeing(), driver.now_ns() - 10**9
        phase = driver.Phase([driver.dues(parameters, task, 10**7, 1) for task in range(3)], past, 10**7, driver.WINDOW_BIT)
        phase.end_ns = past + 10**12
        driver.Load(queue, parameters, [phase], False, contents).run()
        self.assertEqual(len(queue.seen), 30)
        for identity, (level, length) in queue.seen.items():
            self.assertEqual((level, length), (driver.LEVELS[contents.level(identity)], contents.length(identity)))


class Histograms(unittest.TestCase):
    @staticmethod
    def values(count):
        pick = random.Random(count)
        return [pick.choice([0, 1, 2047, 2048, 10**14, pick.randrange(10 ** pick.randint(1, 13))]) for _ in range(count)]

    def test_counts_come_back(self):
        for count in (0, 1, 7, 3_000):
            values = self.values(count)
            packed = base64.b64decode(driver.encode_histogram(values))
            cookie, length = struct.unpack(">II", packed[:8])
            self.assertEqual((cookie, length), (0x1C849314, len(packed) - 8))
            plain = zlib.decompress(packed[8:])
            self.assertEqual(struct.unpack(">II", plain[:8]), (0x1C849313, len(plain) - 40))
            found, index, at = {}, 0, 40
            while at < len(plain):
                number = shift = 0
                while True:
                    byte = plain[at]
                    at += 1
                    number |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                number = (number >> 1) ^ -(number & 1)
                if number < 0:
                    index -= number
                else:
                    found[index] = number
                    index += 1
            expected = {}
            for value in values:
                expected[driver.bucket(value)] = expected.get(driver.bucket(value), 0) + 1
            self.assertEqual(found, expected)

    @unittest.skipIf(HdrHistogram is None, "hdrhistogram is not installed: run drivers/python/setup")
    def test_another_s_reader_reads_the_same(self):
        for count in (1, 7, 3_000):
            values, theirs = self.values(count), HdrHistogram(1, 10**14, 3)
            for value in values:
                self.assertTrue(theirs.record_value(value))
            ours = HdrHistogram.decode(driver.encode_histogram(values))
            self.assertEqual(ours.get_total_count(), count)
            for percentile in (0, 1, 25, 50, 90, 99, 99.9, 100):
                expected = theirs.get_value_at_percentile(percentile)
                self.assertEqual(ours.get_value_at_percentile(percentile), expected, percentile)

    def test_moments_are_exact(self):
        told = driver.latency([5, 7], [100])
        self.assertEqual((told["count"], told["sum_ns"], told["sum_squares_ns2"]), (3, "112", 10074.0))
        self.assertEqual((told["min_ns"], told["max_ns"], told["censored"]), (5, 100, 1))
        self.assertEqual(driver.latency([])["min_ns"], None)


def window(due, start_ns=0, span_ns=1_000, flag=driver.WINDOW_BIT):
    return driver.Phase([array("q", one) for one in due], start_ns, span_ns, flag)


class Recursion(unittest.TestCase):
    def test_a_late_generator_is_late_and_a_slow_queue_is_not(self):
        # Each row: (start, end) of the calls due at 0, 100 and 200; how late the generator was.
        for calls, late in [
            ([(0, 10), (100, 110), (200, 210)], [0, 0, 0]),
            ([(30, 40), (130, 140), (230, 240)], [30, 30, 30]),
            ([(0, 250), (250, 260), (260, 270)], [0, 0, 0]),
            ([(0, 250), (270, 280), (290, 300)], [0, 20, 30]),
        ]:
            task = window([[0, 100, 200]]).tasks[0]
            for start, end in calls:
                task.returned(start, end, None)
            task.catch_up(driver.held_by_nobody)
            self.assertEqual([start - ideal for (start, _), ideal in zip(calls, task.ideals)], late, calls)

    def test_time_in_which_the_queue_held_the_thread_is_the_queue_s(self):
        first, second = window([[0], [50]]).tasks
        held = driver.Held()
        for task, start, end in [(first, 0, 200), (second, 210, 220)]:
            task.returned(start, end, None)
            held.add(start, end)
        second.catch_up(held)
        # Due at 50 and held until 200; the 10 after that are the generator's own delay.
        self.assertEqual(list(second.ideals), [200])

    def test_held_counts_what_spans_cover(self):
        held = driver.Held()
        held.add(10, 20)
        held.add(30, 50)
        for since, until, covered in [(0, 5, 0), (0, 15, 5), (10, 30, 10), (15, 40, 15), (35, 45, 10), (60, 99, 0), (0, 99, 30)]:
            self.assertEqual(held(since, until), covered, (since, until))

    def test_what_is_left_is_the_queue_s_or_the_generator_s(self):
        pushed = window([[0, 900]]).tasks[0]
        pushed.returned(0, 1_500, None)
        self.assertTrue(pushed.is_over(1_500, driver.held_by_nobody))
        self.assertEqual((pushed.unsent, pushed.unsent_generator, pushed.pushed_to), (1, 0, 1_500))
        late = window([[0, 900]]).tasks[0]
        self.assertFalse(late.is_over(1_500, driver.held_by_nobody))
        self.assertTrue(late.is_over(1_000 + driver.GRACE_NS, driver.held_by_nobody))
        self.assertEqual((late.unsent, late.unsent_generator), (0, 2))

    def test_a_call_of_the_warm_up_reaches_into_the_window(self):
        warm_up = window([[0]], 0, 100, 0)
        warm_up.tasks[0].returned(0, 170, None)
        phase = driver.Phase([array("q", [0])], 100, 100, driver.WINDOW_BIT, warm_up)
        phase.tasks[0].returned(175, 180, None)
        phase.tasks[0].catch_up(driver.held_by_nobody)
        self.assertEqual(list(phase.tasks[0].ideals), [170])

    def test_an_awaited_call_holds_the_thread_only_while_it_runs(self):
        class Pauses:
            def __await__(self):
                yield

        async def call():
            await Pauses()
            return "done"

        held = driver.Held()
        steps = driver.Stepped(call(), held).__await__()
        next(steps)
        with self.assertRaises(StopIteration) as done:
            next(steps)
        self.assertEqual((done.exception.value, len(held.starts)), ("done", 2))


class Queue(driver.Queue):
    version = "1"


class Ledgers(unittest.TestCase):
    def observed(
        self, source, replies, arrived, account=None, strategy="drop", left_out=(), warm_up=(0, 0), level="info"
    ):
        class Asked:
            type = type("Asked", (Queue,), {"outcome_source": source})
            parameters = {"strategy": strategy}
            window_ns = 1_000
            contents = driver.Contents(case(level=level), 1)

        before = window([[0] * warm_up[0]], 0, 0, 0)
        for _ in range(warm_up[0]):
            before.tasks[0].returned(0, 1, None)
        phase = window([range(0, 10 * len(replies), 10)])
        for n, reply in enumerate(replies):
            phase.tasks[0].returned(10 * n, 10 * n + 5, reply)
        phase.tasks[0].catch_up(driver.held_by_nobody)
        sink = driver.Sink()
        for sequence in range(warm_up[1]):
            sink.take(sequence)
        for sequence in arrived:
            sink.take(driver.WINDOW_BIT | sequence)
        sink.times = array("q", [500] * len(sink.times))
        for sequence in left_out:
            sink.leave_out(driver.WINDOW_BIT | sequence)
        told = driver.Observed(Asked, before, phase, sink, account or driver.Account()).measurement()
        ledger = told["ledger"]
        self.assertEqual(ledger["attempted"], ledger["enqueued"] + ledger["dropped"] + ledger["sampled_out"])
        self.assertEqual(ledger["enqueued"], ledger["delivered"] + ledger["evicted"] + sum(ledger["lost"].values()))
        self.assertLessEqual(ledger["enqueued_in_window"], ledger["enqueued"] - ledger["evicted"])
        calls = ledger["enqueued"] if source == "call" else ledger["attempted"]
        self.assertEqual(told["latency"]["enqueue"]["count"], calls)
        self.assertEqual(told["latency"]["response"]["count"], ledger["attempted"])
        return told

    def counts(self, *args, **kwargs):
        ledger = self.observed(*args, **kwargs)["ledger"]
        return ledger["dropped"], ledger["sampled_out"], ledger["lost"]["admitted"], ledger["lost"]["silent"]

    def test_what_was_evicted_is_not_lost(self):
        told = driver.Account({"evicted": 2})
        for source, replies, account, expected in (
            ("call", [True] * 4, told, (2, 1)),
            ("call", [True] * 4, driver.Account({"evicted": 9}), (3, 0)),
            ("call", [True] * 4, driver.Account(), (0, 3)),
            ("counter", [None] * 4, told, (2, 1)),
            ("delivery", [None] * 4, driver.Account(), (3, 0)),
            ("delivery", [None] * 4, driver.Account(admitted=1), (2, 1)),
        ):
            found = self.observed(source, replies, [0], account, strategy="drop-oldest")
            ledger = found["ledger"]
            self.assertEqual((ledger["evicted"], sum(ledger["lost"].values())), expected, (source, account.counters))
            self.assertEqual(ledger["dropped"], 0)
            self.assertIs(found["fairness"], None)
        warmed = self.observed("call", [True] * 4, [0], told, strategy="drop-oldest", warm_up=(2, 1))["ledger"]
        self.assertEqual((warmed["evicted"], warmed["lost"]["silent"]), (1, 2))

    def test_deliveries_that_nobody_sent_are_phantoms(self):
        for identities, expected in (([], 0), ([-5], 1), ([0, 0], 0), ([9], 1), ([1 << driver.TASK_SHIFT], 1), ([1 << 63], 1)):
            Asked = types.SimpleNamespace(
                type=type("Asked", (Queue,), {"outcome_source": "call"}),
                parameters={"strategy": "drop"},
                window_ns=1_000,
                contents=driver.Contents(case(), 1),
            )
            before, phase, sink = window([[0, 0]], 0, 0, 0), window([[0]]), driver.Sink()
            before.tasks[0].returned(0, 1, True)
            phase.tasks[0].returned(0, 5, True)
            phase.tasks[0].catch_up(driver.held_by_nobody)
            for identity in identities:
                sink.take(identity)
            observed = driver.Observed(Asked, before, phase, sink, driver.Account())
            self.assertEqual(observed.measurement()["ledger"]["phantom"], expected, identities)

    def test_an_answer_that_says_nothing_is_named(self):
        for reply in ("ok", 1.5, []):
            with self.assertRaisesRegex(driver.Refusal, "returned .*; it must return True"):
                window([[0]]).tasks[0].returned(0, 1, reply)

    def test_by_the_call(self):
        self.assertEqual(self.counts("call", [True, False, True], [0]), (1, 0, 0, 1))
        self.assertEqual(self.counts("call", [True, "sampled_out"], [0]), (0, 1, 0, 0))
        self.assertEqual(self.counts("call", [True, True], [], driver.Account(admitted=1)), (0, 0, 1, 1))

    def test_by_the_counter(self):
        four = [None] * 4
        for counted, expected in [(0, (0, 0, 0, 3)), (2, (2, 0, 0, 1)), (9, (3, 0, 0, 0))]:
            self.assertEqual(self.counts("counter", four, [0], driver.Account({"dropped": counted})), expected)
        # Two logs of the warm-up are missing, so two counted drops belong to the warm-up.
        account = driver.Account({"dropped": 3})
        self.assertEqual(self.counts("counter", four, [0], account, warm_up=(5, 3)), (1, 0, 0, 2))

    def test_by_delivery(self):
        self.assertEqual(self.counts("delivery", [None] * 4, [0]), (3, 0, 0, 0))
        self.assertEqual(self.counts("delivery", [None] * 4, [0], strategy="block"), (0, 0, 0, 3))

    def test_what_the_sampling_left_out_is_neither_dropped_nor_lost(self):
        account = driver.Account({"dropped": 1})
        self.assertEqual(self.counts("counter", [None] * 4, [0], account, "sample", [1, 1]), (1, 1, 0, 1))

    def test_the_ledger_of_each_level_closes_and_is_that_of_the_window(self):
        self.assertNotIn("levels", self.observed("call", [True], [0]))
        rows = [
            ("call", [True, False] * 20, range(0, 30, 2), None, "drop", (), True),
            ("delivery", [None] * 40, range(30), None, "drop", (), True),
            ("delivery", [None] * 40, range(30), None, "block", (), True),
            ("counter", [None] * 40, range(30), driver.Account({"dropped": 4}), "sample", (35, 35, 39), False),
        ]
        for source, replies, arrived, account, strategy, left_out, is_known in rows:
            told = self.observed(
                source, replies, arrived, account, strategy, left_out, level="debug:40%+info:30%+error:30%"
            )
            ledger, levels = told["ledger"], told["levels"]
            self.assertEqual([level["level"] for level in levels], driver.LEVELS)
            for name in ("attempted", "sampled_out", "delivered"):
                self.assertEqual(sum(level[name] for level in levels), ledger[name], (source, name))
            if not is_known:
                self.assertEqual({(level["enqueued"], level["dropped"], level["lost"]) for level in levels}, {(None,) * 3})
                continue
            self.assertEqual(sum(level["enqueued"] for level in levels), ledger["enqueued"], source)
            self.assertEqual(sum(level["dropped"] for level in levels), ledger["dropped"], source)
            self.assertEqual(sum(level["lost"] for level in levels), ledger["lost"]["silent"], source)
            for level in levels:
                self.assertEqual(level["attempted"], level["enqueued"] + level["dropped"] + level["sampled_out"])
                self.assertEqual(level["enqueued"], level["delivered"] + level["lost"])
            self.assertGreater(min(levels[place]["attempted"] for place in (1, 2, 4)), 0)

    def test_repetitions_intruders_and_overtaking(self):
        ledger = self.observed("call", [True] * 4, [1, 0, 0, 9, 3, 2])["ledger"]
        found = [ledger[name] for name in ("delivered", "duplicated", "reordered", "phantom")]
        self.assertEqual(found, [4, 1, 2, 1])
        self.assertEqual(self.observed("call", [False, True], [0, 1])["ledger"]["phantom"], 1)

    def test_fairness_is_of_the_tasks_own_shares(self):
        self.assertIsNone(self.observed("call", [True] * 4, [0, 1, 2, 3])["fairness"], "one task has nobody beside it")
        rows = [
            ("call", [[True, True], [True, True]], {"jain": 1.0, "least_share": 1.0}),
            ("call", [[True, True], [True, False]], {"jain": 0.9, "least_share": 0.5}),
            ("call", [[True, True], [False, False]], {"jain": 0.5, "least_share": 0.0}),
            ("call", [[False], [False]], {"jain": 1.0, "least_share": 0.0}),
            ("delivery", [[None, None], [None, None]], {"jain": 1.0, "least_share": 0.0}),
        ]
        for source, replies, expected in rows:
            phase = window([range(0, 10 * len(task), 10) for task in replies])
            for task, told in zip(phase.tasks, replies):
                for n, reply in enumerate(told):
                    task.returned(10 * n, 10 * n + 5, reply)
                task.catch_up(driver.held_by_nobody)

            class Asked:
                type = type("Asked", (Queue,), {"outcome_source": source})
                parameters = {"strategy": "drop"}
                window_ns = 1_000
                contents = driver.Contents(case(), 1)

            observed = driver.Observed(Asked, window([[]], 0, 0, 0), phase, driver.Sink(), driver.Account())
            found = observed.measurement()["fairness"]
            self.assertEqual(found, {"tasks": 2, **expected}, (source, replies))

    def test_what_was_never_sent_has_waited_so_far(self):
        for end_ns, unsent in [(1_000, 0), (1, 2)]:

            class Asked:
                type = type("Asked", (Queue,), {"outcome_source": "call"})
                parameters = {"strategy": "drop"}
                window_ns = end_ns
                contents = driver.Contents(case(), 1)

            phase = window([[0, 10, 20]], 0, end_ns)
            task = phase.tasks[0]
            task.returned(0, 5, True)
            given_up_at = end_ns + driver.GRACE_NS
            self.assertTrue(task.is_over(given_up_at, driver.held_by_nobody))
            self.assertEqual((task.unsent, task.unsent_generator), (unsent, 2 - unsent))
            before = driver.Phase([[]], 0, 0, 0)
            told = driver.Observed(Asked, before, phase, driver.Sink(), driver.Account()).measurement()["latency"]
            response = told["response"]
            self.assertEqual((response["count"], response["censored"]), (3, 2))
            self.assertEqual(response["max_ns"], given_up_at - 10)
            self.assertEqual((told["response_ideal"]["count"], told["response_ideal"]["censored"]), (1 + unsent, unsent))

    def test_loads_that_it_cannot_carry_out_are_refused(self):
        trace = {"file": "/arrivals.csv", "sha256": "0" * 64, "scale": "1x", "logs": 5}
        for load, run in (({"stages": "1s@1x"}, {}), ({"trace": trace}, {}), ({}, {"steady": {"window": True}})):
            parameters = case(duration_ns=10**9, **load)
            repeat = {"parameters": parameters, "seed": 1, "warmup_ns": 0, **run}
            request = {"protocol": driver.PROTOCOL, "repeat": repeat}
            with self.assertRaises(driver.Refusal) as refused:
                driver.Repeat(Queue, request, print)
            self.assertEqual(refused.exception.kind, "bad_request")

    def test_disagreements_name_both_numbers(self):
        account = driver.Account({"dropped": 5, "delivered": 1})
        found = self.observed("counter", [None] * 4, [0], account)["disagreements"]
        self.assertEqual(found, ["dropped: the queue says 5, we missed 3 (warm-up included)"])


class Loads(unittest.TestCase):
    """Whole loads whose schedules are over before they begin, so that no test waits."""

    def drive(self, queue, lane_each=False, **changes):
        parameters = case(concurrency=3, **changes)
        past = driver.now_ns() - 10**9
        phase = driver.Phase([driver.dues(parameters, task, 10**7, 1) for task in range(3)], past, 10**7, driver.WINDOW_BIT)
        phase.end_ns = past + 10**12
        load = driver.Load(queue, parameters, [phase], lane_each)
        load.run()
        return phase

    def test_every_log_is_sent_once_and_in_order(self):
        class Sync:
            def __init__(self):
                self.seen = []

            def log(self, record):
                self.seen.append(record.identity)
                return True

        class Async(Sync):
            async def log(self, record):
                await asyncio.sleep(0)
                return Sync.log(self, record)

        for queue, lane_each, producers in [
            (Sync(), False, "lanes"),
            (Sync(), True, "lanes"),
            (Sync(), False, "tasks"),
            (Async(), False, "tasks"),
        ]:
            phase = self.drive(queue, lane_each, producers=producers)
            self.assertEqual([len(task.starts) for task in phase.tasks], [10, 10, 10])
            self.assertEqual(len(set(queue.seen)), 30)
            of_one = [identity for identity in queue.seen if identity >> driver.TASK_SHIFT & driver.TASK_MASK == 1]
            self.assertEqual([identity & driver.SEQUENCE_MASK for identity in of_one], list(range(10)))

    def test_a_call_that_raises_ends_the_load(self):
        class Broken:
            def log(self, record):
                raise RuntimeError("no")

        for lane_each, producers in [(False, "lanes"), (True, "lanes"), (False, "tasks")]:
            with self.assertRaises(RuntimeError):
                self.drive(Broken(), lane_each, producers=producers)


if __name__ == "__main__":
    unittest.main()
