"""Files that machines bring: kept and planned in one act, or refused and not kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from annotation.models import Dataset, Upload
from annotation.rules.shapes import AUTO
from annotation.services import uploads
from core.mapping import FieldPath
from core.models import Job


@dataclass(frozen=True, slots=True)
class ItemWishes:
    """How a file of items is read; fields that nobody maps are found under their own names."""

    columns: Mapping[str, FieldPath]
    skip_bad: bool = False
    personal: str = ""
    region: str = ""
    shape: str = AUTO


@dataclass(frozen=True, slots=True)
class LabelWishes:
    """The same for a label table."""

    columns: Mapping[str, FieldPath]
    values: Sequence[str] = ()
    wide: Sequence[str] = ()
    guideline: str = ""
    shape: str = AUTO


def items(*, dataset: Dataset, file: UploadedFile[Any], wishes: ItemWishes, actor: str) -> Job:
    """Plan the import of a file of items.

    Raises TooLarge or Invalid for the file or a mapping that does not fit it, Conflict where the
    dataset takes no more; nothing is kept then.
    """
    upload = uploads.store(dataset=dataset, file=file, actor=actor)
    return _or_dropped(
        upload,
        lambda: uploads.start_items(
            dataset=dataset,
            upload=upload,
            columns=_written(wishes.columns),
            skip_bad=wishes.skip_bad,
            personal=wishes.personal,
            region=wishes.region,
            is_exact=False,
            shape=wishes.shape,
            actor=actor,
        ),
    )


def labels(*, dataset: Dataset, file: UploadedFile[Any], wishes: LabelWishes, actor: str) -> Job:
    """Plan the import of a table of existing labels. Raises as `items` does."""
    upload = uploads.store(dataset=dataset, file=file, is_labels=True, actor=actor)
    return _or_dropped(
        upload,
        lambda: uploads.start_labels(
            dataset=dataset,
            upload=upload,
            columns=_written(wishes.columns),
            values=wishes.values,
            wide=wishes.wide,
            guideline_name=wishes.guideline,
            is_exact=False,
            shape=wishes.shape,
            actor=actor,
        ),
    )


def _or_dropped(upload: Upload, start: Callable[[], Job]) -> Job:
    """Nobody comes back to the file of a refused request, as people do on the mapping page."""
    try:
        return start()
    except BaseException:
        uploads.discard(upload)
        upload.delete()
        raise


def _written(columns: Mapping[str, FieldPath]) -> dict[str, str]:
    return {name: path.text for name, path in columns.items()}
