"""Your own queue under load, in any language: all of docs/PROTOCOL.md in 30 lines of Python, with nothing to install."""
import itertools, json, os, queue, sys, threading, time

now, out, _ = time.monotonic_ns, os.fdopen(os.dup(1), "w", buffering=1), os.dup2(2, 1)  # what a library prints goes to stderr
can = {"strategies": ["drop"], "axes": ["producers=lanes", "pacing=sleep"]}
print(json.dumps({"hello": {"protocol": 1, "name": "mine", "version": "1.0", "capabilities": can}}), file=out)
repeat = json.loads(sys.stdin.readline() or sys.exit())["repeat"]  # no request: we were only asked what we can do
threading.Thread(target=lambda: [sys.stdin.read(), os._exit(1)], daemon=True).start()  # no runner, no driver
mine, calls, seen, free_at = queue.Queue((case := repeat["parameters"])["maxsize"]), [], [], 0  # your queue; its worker is your sink
worker = threading.Thread(target=lambda: [seen.append((n, now())) for n in iter(mine.get, None)], daemon=True)
worker.start(), print('"started"', file=out)
logs, seconds = (int(number or 1) for number in case["rate"].removesuffix("s").partition("/")[::2])  # 1000/s, 10000/3s
logs, ns, begin, span = logs * case["concurrency"], 10**9 * seconds, now() + repeat["warmup_ns"], case["duration_ns"]
for n in range(-repeat["warmup_ns"] * logs // ns, -(-span * logs // ns)):
    time.sleep(max(0, (due := begin + n * ns // logs) - now()) / 1e9)
    start, accepted = now(), not mine.full() and mine.put_nowait(n) is None  # your call: whether your queue took the log
    free_at = (ideal := max(due, free_at)) + (took := now() - start)  # ideal: its start, had we woken up on time
    calls += [(n, due, ideal, start, took, accepted)] * (n >= 0)  # the logs before the window are its warm-up
time.sleep(max(0, begin + span - now()) / 1e9), mine.put(None), worker.join(repeat["drain_timeout_ns"] / 1e9)  # your shutdown
end, yes, first, tasks = now() - begin, {c[0]: c for c in calls if c[5]}, dict(reversed(seen := list(seen))), case["concurrency"]
got, came = [c for n, c in yes.items() if n in first], sorted([(n % tasks, n) for n, _ in seen if n in yes], key=lambda log: log[0])
ledger = dict(scheduled=len(calls), attempted=len(calls), enqueued=len(yes), dropped=len(calls) - len(yes), delivered=len(got),
              enqueued_in_window=sum(c[2] + c[4] - begin <= span for c in yes.values()), lost=dict(admitted=0, silent=len(yes) - len(got)),
              delivered_in_window=sum(first[c[0]] - begin <= span for c in got), unsent=0, unsent_generator=0, sampled_out=0,
              duplicated=len(came) - len(got), phantom=sum(n >= 0 and n not in yes for n, _ in seen), undecidable=0,
              reordered=sum(log < highest for log, highest in zip(came, itertools.accumulate(came, max))))
times = dict(enqueue=[c[4] for c in yes.values()], rejected=[c[4] for c in calls if not c[5]], delivery=[first[c[0]] - c[3] for c in got],
             response=[c[3] + c[4] - c[1] for c in calls], response_ideal=[c[2] + c[4] - c[1] for c in calls],
             lateness=[max(0, c[3] - c[2]) for c in calls])
machine = dict(clock="os", instrument_floor_ns=min(-(now() - now()) for _ in range(999)))
result = dict(outcome_source="call", ledger=ledger, latency={k: {"values_ns": v} for k, v in times.items()}, machine=machine)
print(json.dumps({"result": result | dict(queue_version="1.0", cost=dict(cpu_s_per_million={}, drain_ns=max(0, end - span)))}), file=out)
