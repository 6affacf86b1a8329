"""The demo's questions and responses: composed, plausible, and about a product that is made up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from annotation.rules.itemrows import ItemDraft, ResponseDraft

SYSTEMS = ("harbour-help 1.4", "harbour-help 1.5")
SHUFFLE = 46


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that people ask the help desk of Harbour, an invoicing product."""

    key: str
    ask: str
    steps: tuple[str, str, str]
    caveat: str


TOPICS = (
    Topic(
        "export",
        "export all invoices of last year as one file",
        (
            "Open **Invoices** and set the period to last year.",
            "Choose *Select all*, then **Export**.",
            "Pick CSV or PDF; the file is mailed when it is ready.",
        ),
        "Exports of more than 20,000 rows are split into several files.",
    ),
    Topic(
        "cancel",
        "cancel my plan before the trial ends",
        (
            "Go to **Settings → Plan**.",
            "Choose **Cancel plan** and confirm with your password.",
            "You keep access until the last day of the trial.",
        ),
        "Nothing is charged when you cancel at least one day before the end.",
    ),
    Topic(
        "owner",
        "hand the account over to a colleague who takes my place",
        (
            "Invite your colleague under **People** first.",
            "Open their profile and choose **Make owner**.",
            "Both of you confirm by mail.",
        ),
        "The former owner becomes an ordinary member and loses the payment settings.",
    ),
    Topic(
        "vat",
        "put our VAT number on every invoice from now on",
        (
            "Open **Settings → Company**.",
            "Enter the number without spaces and save.",
            "New invoices carry it in the footer.",
        ),
        "Invoices that were sent already stay as they are.",
    ),
    Topic(
        "reminder",
        "stop the reminders for one customer only",
        (
            "Open the customer and choose **Edit**.",
            "Switch *Send reminders* off.",
            "Save; the next run skips this customer.",
        ),
        "Reminders that are queued for today still leave.",
    ),
    Topic(
        "import",
        "bring our customers over from a spreadsheet",
        (
            "Save the sheet as CSV in UTF-8.",
            "Choose **Customers → Import** and upload it.",
            "Match the columns and look at the first ten rows.",
        ),
        "Rows without a mail address are listed at the end and left out.",
    ),
    Topic(
        "refund",
        "refund half of an invoice that was paid by card",
        (
            "Open the invoice and choose **Refund**.",
            "Enter the amount and a reason.",
            "The customer sees it on the card within five working days.",
        ),
        "Card fees are not given back by the payment provider.",
    ),
    Topic(
        "api",
        "call your API more often than once a second",
        (
            "Batch your reads with `?ids=1,2,3`.",
            "Honour the `Retry-After` header when you get a 429.",
            "Ask support for a higher limit and name the endpoint.",
        ),
        "Limits count for the whole account, not for a key.",
    ),
    Topic(
        "twofactor",
        "get in again after losing the phone with the codes",
        (
            "Use one of the recovery codes that you printed.",
            "Without codes, ask an owner to reset your second factor.",
            "Set up the new phone at once.",
        ),
        "Support cannot reset a second factor for an owner without a signed form.",
    ),
    Topic(
        "currency",
        "send invoices in two currencies",
        (
            "Switch on **Settings → Currencies**.",
            "Choose the customer's currency in the customer's page.",
            "The rate of the day of issue is stored with the invoice.",
        ),
        "Reports are shown in the account's main currency.",
    ),
    Topic(
        "delete",
        "delete a former colleague's data",
        (
            "Remove the person under **People**.",
            "Choose **Erase personal data** and confirm.",
            "The name is replaced in old records by a number.",
        ),
        "Invoices must be kept by law; only the name on the internal notes goes.",
    ),
    Topic(
        "late",
        "find out which customers always pay late",
        (
            "Open **Reports → Payment days**.",
            "Sort by *average delay*.",
            "Export the list or save it as a view.",
        ),
        "Customers with fewer than three invoices are not shown.",
    ),
    Topic(
        "layout",
        "change the logo and the colours of our invoices",
        (
            "Go to **Settings → Layout**.",
            "Upload the logo as SVG or PNG.",
            "Choose the colour and look at the preview.",
        ),
        "Drafts take the new layout, sent invoices keep the old one.",
    ),
    Topic(
        "sepa",
        "collect by direct debit instead of by transfer",
        (
            "Enter your creditor number under **Payments**.",
            "Send the mandate to the customer from their page.",
            "Mark the invoice *direct debit* once the mandate is back.",
        ),
        "The first collection needs five working days' notice.",
    ),
    Topic(
        "duplicate",
        "find and merge customers that we entered twice",
        (
            "Open **Customers → Duplicates**.",
            "Compare the two entries side by side.",
            "Choose which one stays and confirm **Merge**.",
        ),
        "A merge cannot be undone after 24 hours.",
    ),
    Topic(
        "webhook",
        "be told by our own system when an invoice is paid",
        (
            "Create a webhook for `invoice.paid`.",
            "Check the signature in the `Harbour-Signature` header.",
            "Answer with status 200 within ten seconds.",
        ),
        "Failed calls are repeated for three days.",
    ),
    Topic(
        "roles",
        "let the bookkeeper see everything but change nothing",
        (
            "Open **People** and choose the bookkeeper.",
            "Give the role *Reader with reports*.",
            "Save; the change works at the next sign-in.",
        ),
        "Readers can still download files.",
    ),
    Topic(
        "archive",
        "keep old projects out of sight without deleting them",
        (
            "Select the projects in the list.",
            "Choose **Archive**.",
            "Find them again with the filter *Archived*.",
        ),
        "Archived projects still count towards storage.",
    ),
    Topic(
        "tax",
        "use the reduced tax rate for books",
        (
            "Create the rate under **Settings → Taxes**.",
            "Set it as default for the product group *Books*.",
            "Check one draft before you send the next batch.",
        ),
        "Whether the rate applies is for your tax adviser to say.",
    ),
    Topic(
        "slow",
        "make the monthly report faster, it times out",
        (
            "Run the report as a background job from **Reports → Schedule**.",
            "Split it by region when it has more than a million rows.",
            "The file is mailed when it is there.",
        ),
        "Reports that run in the page stop after 60 seconds.",
    ),
)

PLACES = (
    "on the free plan",
    "on the team plan",
    "as a member without admin rights",
    "as the owner of the account",
    "from the phone app",
    "in the web version",
    "for our branch in Lyon",
    "for a charity that I help",
    "with about 300 customers",
    "with more than 20,000 customers",
    "before the audit on Friday",
    "after we changed banks",
    "without calling support",
    "in an account with two currencies",
    "for a single customer",
    "for the whole company",
)
OPENINGS = (
    "How do I {ask} {place}?",
    "I would like to {ask} {place}. What is the way?",
    "{place_first}: is there a way to {ask}?",
    "Please tell me how to {ask} {place}.",
)
GREETINGS = ("", "Happy to help. ", "Thanks for asking. ", "Good question. ")
CLOSINGS = (
    "",
    "Write back if one of the steps looks different on your screen.",
    "Tell me the plan you are on and I can be more exact.",
    "That is all.",
)
VAGUE = (
    "You can find this in the settings. Look for the section that fits and follow what it says.",
    "This should be possible. Our help pages explain it; search for the topic.",
    "Please contact support, they can do it for you when you give them your account number.",
)


def pairs(*, start: int, count: int) -> Iterator[ItemDraft]:
    """`count` pairs with questions of their own, from place `start` of all questions."""
    for number, (topic, question) in enumerate(_questions(start, count), start=start + 1):
        rng = random.Random(number)  # noqa: S311 - made-up texts, not secrets
        texts = [_response(rng, topic), _response(rng, topic)]
        while texts[1] == texts[0]:
            texts[1] = _response(rng, topic)
        yield _draft(f"pair-{number:04d}", "pair", topic, question, texts, rng)


def singles(*, start: int, count: int) -> Iterator[ItemDraft]:
    """`count` single responses with questions of their own, from place `start`."""
    for number, (topic, question) in enumerate(_questions(start, count), start=start + 1):
        rng = random.Random(number)  # noqa: S311 - made-up texts, not secrets
        text = _response(rng, topic)
        yield _draft(f"answer-{number:04d}", "single", topic, question, [text], rng)


def _questions(start: int, count: int) -> list[tuple[Topic, str]]:
    combinations = [
        (topic, opening.format(ask=topic.ask, place=place, place_first=_capital(place)))
        for topic in TOPICS
        for place in PLACES
        for opening in OPENINGS
    ]
    random.Random(SHUFFLE).shuffle(combinations)  # noqa: S311 - made-up texts, not secrets
    chosen = combinations[start : start + count]
    if len(chosen) != count:
        raise ValueError(f"there are {len(combinations)} questions, not {start + count}")
    return chosen


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _response(rng: random.Random, topic: Topic) -> str:
    style = rng.random()
    if style < 0.12:
        return rng.choice(VAGUE)
    steps = list(topic.steps) if style > 0.35 else rng.sample(topic.steps, 2)
    is_list = style < 0.75
    body = (
        "\n".join(f"{place}. {step}" for place, step in enumerate(steps, start=1))
        if is_list
        else " ".join(steps)
    )
    greeting = rng.choice(GREETINGS)
    parts = [f"{greeting}Here is how:" if is_list else greeting, body]
    if rng.random() < 0.6:
        parts.append(topic.caveat)
    parts.append(rng.choice(CLOSINGS))
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _draft(
    external_id: str,
    kind: str,
    topic: Topic,
    question: str,
    texts: list[str],
    rng: random.Random,
) -> ItemDraft:
    systems = rng.sample(SYSTEMS, len(texts))
    return ItemDraft(
        row=0,
        external_id=external_id,
        kind=kind,
        input=question,
        responses=tuple(
            ResponseDraft(text, system) for text, system in zip(texts, systems, strict=True)
        ),
        prompt_key=external_id,
        cluster_key=external_id,
        difficulty=rng.choice(("easy", "medium", "medium", "hard")),
        case=rng.choice(("representative", "representative", "edge_case")),
        source="synthetic",
        tags=(topic.key,),
    )
