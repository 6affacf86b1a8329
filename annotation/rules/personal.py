"""Personal data in texts: found by patterns and check digits, and masked.

What counts: e-mail addresses, phone numbers, payment cards, bank accounts, addresses of machines.
No model, no network. Patterns are bounded and begin only where a run of their characters begins,
so that time grows with the text and no faster.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from annotation.rules.itemrows import ItemDraft
from core.errors import Invalid

KINDS: Mapping[str, str] = {
    "email": "e-mail",
    "card": "card number",
    "account": "account number",
    "machine": "machine address",
    "phone": "phone number",
}
"""Kind -> what its placeholder says. Where two overlap, the one named first stands."""
PLURALS = {"email": "s", "card": "s", "account": "s", "machine": "es", "phone": "s"}

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-]|\.\d)")
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d\d|62\d\d|35(?:2[89]|[3-8]\d))\d{12}"  # Discover, UnionPay, JCB
    r"|(?:50|5[6-8]|6\d)\d{10,17}"  # Maestro
)
_CARD_GROUPS = re.compile(r"\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_LEAST_IBAN = 15
_ACCOUNT = re.compile(
    r"\b(?:account|acct|bank|konto|compte|cuenta|conto|rekening|sort code|routing|blz)"
    r"[ -]?(?:number|num|no|nr|nummer|#)?\.?(?: is| ist|:)?[ #]{0,2}"
    r"(?P<found>\d[\d -]{4,22}\d)(?![\d-])",
    re.IGNORECASE,
)
_LEAST_ACCOUNT_DIGITS = 6
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f:]{2,39}:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{2,39})(?![\w:]|\.\d)"
)
_LONG_GROUP = re.compile(r"[0-9A-Fa-f]{3}")
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
_VERSION_BEFORE = re.compile(
    r"\b(?:v|ver|version|release|build|firmware|section|§)[ .:]{0,2}$", re.I
)
_PHONE_BEFORE = re.compile(
    r"(?:phone|tel|telephone|telefon|mobile|mobil|handy|cell|fax|call|whatsapp|sms|text|ring|reach)"
    r"[^\d\n]{0,24}$",
    re.IGNORECASE,
)
_LOOK_BACK = 40


class Span(NamedTuple):
    """A finding in a text: `text[start:end]` is of this kind."""

    start: int
    end: int
    kind: str


@dataclass(slots=True)
class Personal:
    """What was found: how many of each kind, in how many items, and where (never the value).

    `places` are (item, field, kind), the first ones only.
    """

    is_masked: bool = False
    found: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    touched: int = 0
    places: list[tuple[str, str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        return {
            "is_masked": self.is_masked,
            "found": dict(self.found),
            "items": dict(self.items),
            "touched": self.touched,
            "places": [list(place) for place in self.places],
        }


LISTED_PLACES = 500


def sentence(report: Personal) -> str:
    """What was found, in words."""
    if not report.touched:
        return "No personal data was found."
    counts = ", ".join(
        f"{report.found[kind]:,} {words}{'' if report.found[kind] == 1 else PLURALS[kind]}"
        for kind, words in KINDS.items()
        if report.found[kind]
    )
    became = "masked" if report.is_masked else "left as they are"
    return f"Personal data in {report.touched:,} items, {became}: {counts}."


def check_region(region: str) -> str:
    """The region (two letters) by whose rules numbers without a country code are read.

    Empty: only numbers with a country code are found. Raises Invalid for one that there is not.
    """
    from phonenumbers import SUPPORTED_REGIONS

    chosen = region.strip().upper()
    if chosen and chosen not in SUPPORTED_REGIONS:
        raise Invalid(
            "region_unknown",
            f"There is no region {region!r}: two letters are expected, such as DE, GB or US.",
            {"region": ["Two letters, such as DE, GB or US."]},
        )
    return chosen


def find(text: str, *, region: str = "") -> list[Span]:
    """Every finding, in the order of the text, none over another.

    `region` reads phone numbers without a country code. Dates, times, prices, versions, UUIDs,
    ISBNs and order numbers are not personal data.
    """
    taken: list[Span] = []
    for span in _recognised(text, region):
        if not _overlaps(span, taken):
            taken.append(span)
    return sorted(taken)


class Masker:
    """Puts placeholders into the texts of one item: the same value, the same placeholder."""

    def __init__(self, *, region: str = "") -> None:
        self._region = region
        self._numbers: dict[tuple[str, str], int] = {}
        self._used: Counter[str] = Counter()
        self.found: list[tuple[str, str]] = []

    def masked(self, text: str, name: str) -> str:
        """The text with `[e-mail 1]` and the like; `name` is the field that it stands in."""
        spans = find(text, region=self._region)
        if not spans:
            return text
        pieces, last = [], 0
        for span in spans:
            self.found.append((name, span.kind))
            pieces += [text[last : span.start], self._placeholder(text, span)]
            last = span.end
        return "".join([*pieces, text[last:]])

    def _placeholder(self, text: str, span: Span) -> str:
        value = re.sub(r"[\W_]", "", text[span.start : span.end]).casefold()
        number = self._numbers.get((span.kind, value))
        if number is None:
            self._used[span.kind] += 1
            number = self._numbers[span.kind, value] = self._used[span.kind]
        return f"[{KINDS[span.kind]} {number}]"


def looked_through(draft: ItemDraft, report: Personal, *, region: str = "") -> ItemDraft:
    """Note what an item holds; the same item, or with placeholders when the report masks.

    Unmapped columns are looked through too. An id is never changed: it is only reported.
    """
    masker = Masker(region=region)
    masker.masked(draft.external_id, "id")
    clean = replace(
        draft,
        input=masker.masked(draft.input, "input"),
        context=masker.masked(draft.context, "context"),
        messages=tuple(
            replace(turn, text=masker.masked(turn.text, "messages")) for turn in draft.messages
        ),
        reference=masker.masked(draft.reference, "reference"),
        responses=tuple(
            replace(response, text=masker.masked(response.text, "responses"))
            for response in draft.responses
        ),
        extra={name: _inside(value, name, masker) for name, value in draft.extra.items()},
    )
    _note(draft.external_id, masker, report)
    return clean if report.is_masked and masker.found else draft


def _inside(value: object, name: str, masker: Masker) -> object:
    if isinstance(value, str):
        return masker.masked(value, name)
    if isinstance(value, list):
        return [_inside(one, name, masker) for one in value]
    if isinstance(value, dict):
        return {key: _inside(one, name, masker) for key, one in value.items()}
    return value


def _note(external_id: str, masker: Masker, report: Personal) -> None:
    if not masker.found:
        return
    report.touched += 1
    report.found.update(kind for _, kind in masker.found)
    report.items.update({kind for _, kind in masker.found})
    room = LISTED_PLACES - len(report.places)
    shown = "an id that is one" if "id" in dict(masker.found) else external_id
    report.places += [(shown, name, kind) for name, kind in dict.fromkeys(masker.found)][:room]


# --- recognisers ------------------------------------------------------------------------------


def _recognised(text: str, region: str) -> Iterator[Span]:
    """What each recogniser sees; of two over one place the first stands."""
    yield from _emails(text)
    yield from _cards(text)
    yield from _accounts(text)
    yield from _machines(text)
    yield from _phones(text, region)


def _overlaps(span: Span, taken: list[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in taken)


def _emails(text: str) -> Iterator[Span]:
    if "@" in text:
        yield from (Span(*match.span(), "email") for match in _EMAIL.finditer(text))


def _cards(text: str) -> Iterator[Span]:
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = re.sub(r"[ -]", "", match[0])
        is_written_so = _CARD_GROUPS.fullmatch(match[0]) is not None
        if is_written_so and _ISSUERS.fullmatch(digits) and luhn.is_valid(digits):
            yield Span(*match.span(), "card")


def _accounts(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        end = _iban_end(match[0])
        if end:
            yield Span(match.start(), match.start() + end, "account")
    for match in _ACCOUNT.finditer(text):
        if sum(map(str.isdigit, match["found"])) >= _LEAST_ACCOUNT_DIGITS:
            yield Span(*match.span("found"), "account")


def _iban_end(candidate: str) -> int:
    """How much of a candidate is an IBAN: words that follow it may look like more of it."""
    from stdnum import iban

    ends = [place for place, letter in enumerate(candidate, 1) if letter.isalnum()]
    for end in ends[_LEAST_IBAN - 1 :]:
        goes_on = end < len(candidate) and candidate[end].isalnum()
        if not goes_on and iban.is_valid(candidate[:end]):
            return end
    return 0


def _machines(text: str) -> Iterator[Span]:
    if ":" in text:
        for match in _IPV6.finditer(text):
            if _is_written_as_ipv6(match[0]) and _is_host(match[0]):
                yield Span(*match.span(), "machine")
    if ":" in text or "-" in text:
        for match in _MAC.finditer(text):
            if match[1] == ":" or re.search(r"[A-Fa-f]", match[0]):
                yield Span(*match.span(), "machine")
    if "." in text:
        for match in _IPV4.finditer(text):
            if _is_host(match[0]) and not _comes_after(_VERSION_BEFORE, text, match.start()):
                yield Span(*match.span(), "machine")


def _is_written_as_ipv6(text: str) -> bool:
    """Two colons at least, a group of three digits or more: slices and scopes have none."""
    has_digit = any(map(str.isdigit, text))
    return text.count(":") > 1 and has_digit and _LONG_GROUP.search(text) is not None


def _is_host(text: str) -> bool:
    """An address that can be somebody's: not this machine itself, nor none at all."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


def _phones(text: str, region: str) -> Iterator[Span]:
    if not any(map(str.isdigit, text)):
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    for match in PhoneNumberMatcher(text, region or None, leniency=Leniency.STRICT_GROUPING):
        is_written_so = match.raw_string.startswith("+") or not match.raw_string.isdigit()
        if is_written_so or _comes_after(_PHONE_BEFORE, text, match.start):
            yield Span(match.start, match.end, "phone")


def _comes_after(words: re.Pattern[str], text: str, start: int) -> bool:
    return words.search(text[max(0, start - _LOOK_BACK) : start]) is not None
