"""What most tests of pages stand on: a dataset, a lead who is signed in, a folder for uploads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import Settings

    from accounts.models import Project
    from annotation.models import Dataset
    from tests.cast import Cast, ClientFor


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def dataset(project: Project) -> Dataset:
    from tests import builders

    return builders.make_dataset(project)


@pytest.fixture
def lea(cast: Cast, client_for: ClientFor) -> Client:
    return client_for(cast.lea)
