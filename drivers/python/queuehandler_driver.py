"""Puts `logging.handlers.QueueHandler` and `QueueListener` of the standard library under load. Needs no setup.

`--keep-from warn` discards records below that level once the queue is 80 % full, as AsyncAppender of Logback does.
"""

import argparse
import logging
import logging.handlers
import platform
import queue
import sys
import time

import queue_load_driver as driver

LEVELS = dict(zip(driver.LEVELS, [5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR]))


class Enqueue(logging.handlers.QueueHandler):
    """Puts records into the queue, and notes whether each was accepted.

    The library's own handler prints a traceback when the queue is full.
    """

    def __init__(self, waiting_room, blocks, keep_from):
        super().__init__(waiting_room)
        self.blocks = blocks
        self.accepted = True
        self.keep_from, self.nearly_full = keep_from, waiting_room.maxsize * 4 // 5

    def enqueue(self, record):
        if record.levelno < self.keep_from and self.queue.qsize() >= self.nearly_full:
            raise queue.Full
        if self.blocks:
            self.queue.put(record)
        else:
            self.queue.put_nowait(record)

    def handleError(self, record):
        if not isinstance(sys.exc_info()[1], queue.Full):
            raise
        self.accepted = False


class Listener(logging.handlers.QueueListener):
    """Waits at its end until there is room for the sentinel.

    The library's own listener raises `Full` when the queue is full.
    """

    def enqueue_sentinel(self):
        while True:
            try:
                return super().enqueue_sentinel()
            except queue.Full:
                time.sleep(0.001)


class Deliver(logging.Handler):
    """The handler after the queue: formats the record, as a service would, and passes it to the sink."""

    def __init__(self, sink):
        super().__init__()
        self.sink = sink
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))

    def emit(self, record):
        self.format(record)
        self.sink.take(record.identity)


class QueueHandler(driver.Queue):
    name = "queuehandler"
    version = platform.python_version()
    outcome_source = "call"
    strategies = ["drop", "block"]
    # `put` blocks inside the call, and so blocks every task of an event loop.
    blocks_caller = ["block"]
    axes = ["producers=tasks", "producers=lanes", "level", "context"]
    # Records below this level are discarded once the queue is nearly full.
    keep_from = 0

    def __init__(self, parameters, sink, seed):
        waiting_room = queue.Queue(parameters["maxsize"])
        self.handler = Enqueue(waiting_room, parameters["strategy"] == "block", self.keep_from)
        self.listener = Listener(waiting_room, Deliver(sink))
        self.logger = logging.Logger("load", min(LEVELS.values()))
        self.logger.addHandler(self.handler)
        self.listener.start()

    def log(self, record):
        handler = self.handler
        handler.accepted = True
        # A filter or an adapter of `logging` puts the context into each record like this, too.
        extra = {**record.context, **record.fields, "identity": record.identity}
        self.logger.log(LEVELS[record.level], record.message, extra=extra)
        return handler.accepted

    def shutdown(self, timeout):
        self.listener.stop()
        return driver.Account()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Puts QueueHandler under load; speaks docs/PROTOCOL.md.")
    arguments.add_argument("--keep-from", choices=driver.LEVELS, help="discard lower levels once the queue is 80 %% full")
    QueueHandler.keep_from = LEVELS.get(arguments.parse_args().keep_from, 0)
    driver.main(QueueHandler)
