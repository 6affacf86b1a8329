"""The product's settings in a data folder of their own, one for each test process."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "PLUMBLINE_TEST_FOLDER" not in os.environ:
    # The workers of a parallel run share the folder; the process that made it removes it.
    os.environ["PLUMBLINE_TEST_FOLDER"] = tempfile.mkdtemp(prefix="plumbline-test-")
    atexit.register(shutil.rmtree, os.environ["PLUMBLINE_TEST_FOLDER"], ignore_errors=True)
_folder = os.environ["PLUMBLINE_TEST_FOLDER"]
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["PLUMBLINE_DATA"] = str(Path(_folder) / _worker)
os.environ.setdefault(
    "PLUMBLINE_SECRET_KEY", "only-for-tests-and-never-for-anything-else-012345678"
)

from config.settings import *  # noqa: E402, F403 - the environment has to be set first
from config.settings import DATABASE_URL, DATABASES  # noqa: E402

if DATABASE_URL:
    # A test is one transaction, and what the product calculates between two of its own counts as a
    # pause in it: a slow machine would be cut off. Processes that tests start keep the product's.
    DATABASES["default"]["OPTIONS"]["options"] = "-c idle_in_transaction_session_timeout=10min"

STATIC_ROOT = Path(_folder) / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Manifests are written by collectstatic, which tests do without.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# The real hasher costs a third of a second at each sign-in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
