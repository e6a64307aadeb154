"""Puts fapilog under load: `fapilog_driver.py [--facade sync|async] [--pipeline bare|default|production]`.

What the strategies mean in fapilog:
- `drop` discards a record at once when the queue is full.
- `block` tries again for 50 ms, then discards the record. The sync façade does not wait at all when it is called on an
  event loop, as the tasks of `producers = "tasks"` do. `lanes` are plain threads, on which it waits.
- `sample` is a filter after the queue, and works whether or not the queue is full: it relieves the sink, not the queue.

`info()` returns None, so the outcome of a call is never known. With `outcome_source = "counter"`, fapilog's drop counter
says how many logs were dropped; logs that neither arrived nor were counted are silently lost. Records that its sampling
filter refuses are in none of its counters, so this driver watches the filter.
"""

import queue_load_driver as driver

# Called before fapilog is imported: its console sinks keep a copy of stdout.
SAY = driver.claim_stdout()

import argparse
import asyncio
import importlib.metadata

SETUP = "fapilog is not installed here: run drivers/python/setup"
# How long `block` waits, in milliseconds. It is not an axis; this is fapilog's default.
WAIT_MS = 50


def identity_of(entry):
    """The identity of a record, from the entry that a filter or a sink gets."""
    data = entry.get("data")
    return data.get("identity") if isinstance(data, dict) else entry.get("identity")


class LastStop:
    """The sink at the end of fapilog's pipeline."""

    name = "queue_load"

    def __init__(self, sink):
        self.take = sink.take

    async def start(self):
        pass

    async def stop(self):
        pass

    async def write(self, entry):
        self.take(identity_of(entry))


def watch_sampling(sink):
    """Makes the sink note every record that the sampling filter refuses."""
    from fapilog.plugins.filters.sampling import SamplingFilter

    decide = SamplingFilter.filter

    async def watched(self, event):
        kept = await decide(self, event)
        if kept is None:
            sink.leave_out(identity_of(event))
        return kept

    SamplingFilter.filter = watched


class Fapilog(driver.Queue):
    """One façade of fapilog over one pipeline."""

    name = "fapilog"
    outcome_source = "counter"
    strategies = ["drop", "block", "sample"]
    pipeline = "default"
    is_async = False

    def __init__(self, parameters, sink, seed):
        self.parameters, self.seed, self.sink = parameters, seed, sink
        sampling = parameters["strategy"] == "sample"
        self.rate = float(parameters["sample_rate"].removesuffix("%")) / 100
        if sampling:
            watch_sampling(sink)
        self.logger = getattr(self, "_" + self.pipeline)(sampling)
        self.info = self.logger.info

    def _core(self, sampling):
        core = {
            "max_queue_size": self.parameters["maxsize"],
            "batch_max_size": self.parameters["batch_size"],
            "batch_timeout_seconds": self.parameters["batch_timeout_ns"] / 1e9,
            "backpressure_wait_ms": WAIT_MS,
            "drop_on_full": self.parameters["strategy"] != "block",
        }
        return core | ({"filters": ["sampling"]} if sampling else {})

    def _sampling(self):
        return {"sample_rate": self.rate, "seed": self.seed % 2**32}

    def _bare(self, sampling):
        """The pipeline of the queue and its worker alone, without enrichers and redactors."""
        from fapilog.core.logger import AsyncLoggerFacade, SyncLoggerFacade
        from fapilog.plugins.filters.sampling import SamplingFilter

        core = self._core(sampling)
        logger = (AsyncLoggerFacade if self.is_async else SyncLoggerFacade)(
            name="load",
            queue_capacity=core["max_queue_size"],
            batch_max_size=core["batch_max_size"],
            batch_timeout_seconds=core["batch_timeout_seconds"],
            backpressure_wait_ms=WAIT_MS,
            drop_on_full=core["drop_on_full"],
            sink_write=LastStop(self.sink).write,
            enrichers=[],
            filters=[SamplingFilter(config=self._sampling())] if sampling else [],
            metrics=None,
            num_workers=1,
        )
        logger.start()
        return logger

    def _default(self, sampling):
        """The pipeline of `get_logger()`."""
        from fapilog.core.settings import Settings

        filters = {"filter_config": {"sampling": self._sampling()}} if sampling else {}
        return self._get(settings=Settings(core=self._core(sampling), **filters))

    def _production(self, sampling):
        """The pipeline of `get_logger(preset="production")`, with the queue of the case."""
        from fapilog.core.presets import PRESETS

        preset = PRESETS["production"]
        preset["core"].update(self._core(sampling))
        if sampling:
            preset.setdefault("filter_config", {})["sampling"] = self._sampling()
        return self._get(preset="production")

    def _get(self, **how):
        import fapilog

        how = {"sinks": [LastStop(self.sink)], "reuse": False, **how}
        return asyncio.run(fapilog.get_async_logger("load", **how)) if self.is_async else fapilog.get_logger("load", **how)

    def shutdown(self, timeout):
        result = asyncio.run(self.logger.stop_and_drain())
        counters = {"submitted": result.submitted, "delivered": result.processed, "dropped": result.dropped}
        return driver.Account(counters, depth_high_water=result.queue_depth_high_watermark)


class Sync(Fapilog):
    """The sync façade: `logger.info(…)`."""

    blocks_caller = ["block"]
    axes = ["batch_size", "batch_timeout", "sample_rate", "producers=tasks", "producers=lanes"]

    def log(self, record):
        self.info(record.message, identity=record.identity, **record.fields)


class Async(Fapilog):
    """The async façade: `await logger.info(…)`."""

    is_async = True
    axes = ["batch_size", "batch_timeout", "sample_rate"]

    async def log(self, record):
        await self.info(record.message, identity=record.identity, **record.fields)


def main():
    arguments = argparse.ArgumentParser(description="Puts fapilog under load; speaks docs/PROTOCOL.md.")
    arguments.add_argument("--facade", choices=["sync", "async"], default="sync")
    arguments.add_argument("--pipeline", choices=["bare", "default", "production"], default="default")
    chosen = arguments.parse_args()
    try:
        Fapilog.version = importlib.metadata.version("fapilog")
    except importlib.metadata.PackageNotFoundError:
        SAY(driver.failure("not_built", SETUP), True)
    Fapilog.pipeline = chosen.pipeline
    driver.main(Async if chosen.facade == "async" else Sync, SAY)


if __name__ == "__main__":
    main()
