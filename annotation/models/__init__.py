"""The rows of the annotation room."""

from __future__ import annotations

from annotation.models.content import (
    Content,
    Correction,
    Dataset,
    Item,
    PendingImport,
    Response,
    SealedSet,
    Upload,
    whole,
)
from annotation.models.gold import Admission, GoldItem, GoldLabel
from annotation.models.guideline import Dimension, Guideline, GuidelineVersion
from annotation.models.rating import (
    Assignment,
    Draft,
    Flag,
    Rating,
    Round,
    RoundItem,
    RoundRater,
    Withdrawal,
)
from annotation.models.reference import ReferenceLabel, SealedReading

__all__ = [
    "Admission",
    "Assignment",
    "Content",
    "Correction",
    "Dataset",
    "Dimension",
    "Draft",
    "Flag",
    "GoldItem",
    "GoldLabel",
    "Guideline",
    "GuidelineVersion",
    "Item",
    "PendingImport",
    "Rating",
    "ReferenceLabel",
    "Response",
    "Round",
    "RoundItem",
    "RoundRater",
    "SealedReading",
    "SealedSet",
    "Upload",
    "Withdrawal",
    "whole",
]
