"""A local server with simulated judges: it speaks the Messages API, and no model is called."""

from __future__ import annotations

from judges.simulator.running import Simulator, start

__all__ = ["Simulator", "start"]
