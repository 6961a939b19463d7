"""Run the streaming driver of one stream group: `python include/spark/streaming/driver.py --group retail`."""

from __future__ import annotations

from headrace.streaming.driver import main
from headrace.streaming.process import end
from include.spark.streaming.metrics import METRICS

if __name__ == "__main__":
    end(main(METRICS))
