"""The rows of the judges room."""

from __future__ import annotations

from judges.models.artefacts import Artefact
from judges.models.config import Judge, JudgeVersion
from judges.models.keys import ProviderKey
from judges.models.money import OwnPrice, Purse
from judges.models.probe import Probe, Variant
from judges.models.run import Attempt, Call, JudgeLabel, Piece, Run, Verdict
from judges.models.standing import (
    ApprovalRequest,
    Decision,
    DriftLabel,
    EvidenceSnapshot,
    GatePolicy,
    Look,
    Standing,
)

__all__ = [
    "ApprovalRequest",
    "Artefact",
    "Attempt",
    "Call",
    "Decision",
    "DriftLabel",
    "EvidenceSnapshot",
    "GatePolicy",
    "Judge",
    "JudgeLabel",
    "JudgeVersion",
    "Look",
    "OwnPrice",
    "Piece",
    "Probe",
    "ProviderKey",
    "Purse",
    "Run",
    "Standing",
    "Variant",
    "Verdict",
]
