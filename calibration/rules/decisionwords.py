"""Decisions in words."""

from __future__ import annotations

DECIDED_WORDS = {
    "approve": ("good", "approved"),
    "exception": ("doubtful", "approved by exception"),
    "refuse": ("plain", "refused"),
    "suspend": ("poor", "suspended"),
    "reinstate": ("good", "reinstated"),
    "revoke": ("poor", "revoked"),
}
"""For each kind of decision, or what it says of a dimension, the badge's kind and its words."""
