"""``python -m judges.simulator --port N``: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys

from judges.simulator.running import HOST, serve
from judges.simulator.server import Settings


def main() -> int:
    """Serve until stopped; 2 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m judges.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--requests-per-minute", type=int, default=0)
    parser.add_argument("--batch-ms", type=float, default=20_000.0)
    given = parser.parse_args()
    settings = Settings(
        latency_ms=given.latency_ms,
        seed=given.seed,
        requests_per_minute=given.requests_per_minute,
        batch_ms=given.batch_ms,
    )
    try:
        asyncio.run(serve(given.port, settings))
    except OSError as error:
        print(f"The simulator cannot listen on {HOST}:{given.port}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
