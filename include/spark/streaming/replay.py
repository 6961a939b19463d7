"""Replay the selected dead letters: `python include/spark/streaming/replay.py selection.json result.json`."""

from __future__ import annotations

import sys

from headrace.streaming.process import end
from headrace.streaming.replay.job import main
from include.spark.streaming.metrics import METRICS

if __name__ == "__main__":
    end(main(METRICS, sys.argv[1:]))
