"""Check a certificate: 0 true, 1 changed or unsigned, 2 signed with an unknown key."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from calibration.services import certificates
from core import signing
from core.errors import DomainError
from core.signing import Checked, PublicKey

CHANGED, UNKNOWN_KEY = 1, 2


class Command(BaseCommand):
    help = (
        "Check that a certificate is unchanged and signed with a key that you trust: --key, or "
        "else this installation's own. A key inside the file is never trusted."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--key",
            metavar="PUBLIC_KEY",
            default="",
            help="the public key in base64 as it stands on the certificate's page, or a file of it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        key = _key(options["key"])
        try:
            with file.open("rb") as opened:
                text = opened.read(certificates.MOST_BYTES + 1)
        except OSError as error:
            raise CommandError(
                f"{file}: the file cannot be read: {error.strerror}.", returncode=CHANGED
            ) from error
        found = certificates.check(text, [key])
        if found is Checked.CHANGED:
            raise CommandError(
                f"{file}: changed, or no signed certificate. Do not rely on it.",
                returncode=CHANGED,
            )
        if found is Checked.UNKNOWN_KEY:
            raise CommandError(
                f"{file}: signed with another key than {key.name}. Ask whoever issued it for "
                "their public key, by another way than this file, and name it with --key.",
                returncode=UNKNOWN_KEY,
            )
        self.stdout.write(f"{file}: true. Unchanged since it was signed with {key.name}.")


def _key(named: str) -> PublicKey:
    """The key that was named, as text or as a file of it; else the installation's own."""
    if not named:
        return _own_key()
    key = signing.public_key_of(named)
    if key is None and len(named) < 1000 and Path(named).is_file():
        key = signing.public_key_of(Path(named).read_text(encoding="utf-8", errors="replace"))
    if key is None:
        raise CommandError(
            "--key takes a public key of 32 bytes in base64, or a file that holds one.",
            returncode=UNKNOWN_KEY,
        )
    return key


def _own_key() -> PublicKey:
    try:
        key = signing.known_key()
    except DomainError as refusal:
        raise CommandError(refusal.sentence, returncode=UNKNOWN_KEY) from refusal
    if key is None:
        raise CommandError(
            "This installation has signed nothing yet, so it knows no key. Name one with --key.",
            returncode=UNKNOWN_KEY,
        )
    return key
