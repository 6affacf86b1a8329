"""Judges and their versions: built from a guideline version and choices, never changed after."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify

from accounts import services as accounts
from accounts.models import Project, User
from annotation.models import (
    Assignment,
    Dimension,
    Guideline,
    GuidelineVersion,
    ReferenceLabel,
    SealedReading,
)
from annotation.rules.keys import NAME_CHARS, fitting
from annotation.states import AssignmentState, DimensionKind, Part, VersionState
from core import audit
from core.errors import Conflict, Invalid, NotAllowed, NotReady
from judges.models import Judge, JudgeVersion, ProviderKey
from judges.rules import capabilities, fingerprint, prompting, spec, templates
from judges.rules.capabilities import Profile
from judges.rules.fingerprint import Difference
from judges.rules.spec import Checklist, DimensionSpec, Example, VersionSpec
from judges.states import BaselineRule, VersionKind

SIMULATOR = "simulator"
SIMULATED_PREFIX = "sim-"
ANTHROPIC = "anthropic"
OPENAI = "openai"
BASELINE = "baseline"

_GRADED_ANCHORS = {
    "A2": "response A is much better",
    "A1": "response A is a little better",
    "tie": "neither is better than the other",
    "B1": "response B is a little better",
    "B2": "response B is much better",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chooses for a version that asks a model. Empty templates are the usual ones."""

    provider: str = ANTHROPIC
    model: str
    system_template: str = ""
    user_template: str = ""
    max_tokens: int = 4096
    effort: str | None = None
    thinking: str | None = None
    reasoning_first: bool = True
    both_orders: bool = True
    samples: int = 1
    structured_output: str = "native"
    prompt_cache: bool = True
    temperature: float | None = None
    # Empty: where this installation asks. Any other address needs a key of the project.
    base_url: str = ""
    profile: Profile | None = None
    profile_source: str = ""
    with_reference: bool = True
    checklists: tuple[Checklist, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A version, and whether it is new: one fingerprint is one version."""

    version: JudgeVersion
    is_new: bool


@transaction.atomic
def create_judge(*, project: Project, name: str, guideline: Guideline, actor: str) -> Judge:
    """A name in the project, bound to one guideline. Raises Invalid or Conflict."""
    name = name.strip()
    slug = slugify(name)[:60]
    if not slug:
        raise Invalid(
            "judge_name",
            "Give the judge a name with at least one letter or digit.",
            {"name": ["A letter or digit is needed."]},
        )
    if guideline.project_id != project.pk:
        raise Invalid("guideline_elsewhere", "The guideline belongs to another project.")
    fitting(name, "name", limit=NAME_CHARS)
    try:
        with transaction.atomic():
            judge = Judge.objects.create(project=project, guideline=guideline, slug=slug, name=name)
    except IntegrityError:
        raise Conflict(
            "judge_exists",
            f"There is a judge {slug!r} in this project already; choose another name.",
            {"name": ["This name is taken."]},
        ) from None
    audit.record(
        actor=actor,
        verb="judge.created",
        object_type="judge",
        object_id=judge.pk,
        project_id=project.pk,
        data={"slug": slug},
    )
    return judge


def save_version(
    *,
    judge: Judge,
    guideline_version: GuidelineVersion,
    choices: Choices,
    author: User | None,
    note: str = "",
) -> Saved:
    """A version that asks a model. Raises Invalid with every problem of its templates, and for an
    address that no admin of the project has set a key for."""
    built = prompt_spec(guideline_version=guideline_version, choices=choices)
    check(built)
    _refuse_foreign_address(judge, built)
    return _keep(
        judge,
        guideline_version,
        VersionKind.PROMPT,
        built,
        author=author,
        note=note,
        profile_source=_profile(choices)[1],
    )


def check(built: VersionSpec) -> None:
    """Raises Invalid with everything that keeps a version from being saved, field by field."""
    found = templates.findings(built)
    if not found:
        return
    fields: dict[str, list[str]] = {}
    for field, sentence in found:
        fields.setdefault(field, []).append(sentence)
    raise Invalid("version_lint", " ".join(sentence for _, sentence in found), fields)


def keep_draft(
    *, judge: Judge, guideline_version: GuidelineVersion, choices: Choices, author: User
) -> JudgeVersion:
    """The version that these choices make: the saved one if it is one, else a draft without a
    number. Raises as `save_version` does.
    """
    built = prompt_spec(guideline_version=guideline_version, choices=choices)
    check(built)
    _refuse_foreign_address(judge, built)
    digest = _check_keeping(judge, guideline_version, built)
    with transaction.atomic():
        _demand_no_reader_of_sealed(judge.project_id, VersionKind.PROMPT, author)
        Judge.objects.select_for_update().get(pk=judge.pk)
        existing = JudgeVersion.with_drafts.filter(judge=judge, fingerprint=digest).first()
        if existing is not None:
            return existing
        return _row(
            judge,
            guideline_version,
            VersionKind.PROMPT,
            built,
            digest,
            author=author,
            number=None,
            profile_source=_profile(choices)[1],
        )


def save_baseline(
    *,
    judge: Judge,
    guideline_version: GuidelineVersion,
    author: User | None,
    rule: BaselineRule = BaselineRule.LONGER,
    constants: tuple[tuple[str, str], ...] = (),
    artefact: str = "",
    note: str = "longer response wins",
) -> Saved:
    """What a judge has to be better than; `services.baselines` finds constants and artefact."""
    built = dataclasses.replace(
        _spec(
            guideline_version, kind=VersionKind.BASELINE, provider=BASELINE, model=str(rule.value)
        ),
        constants=constants,
        artefact=artefact,
    )
    if rule is BaselineRule.LONGER and not built.is_pairwise:
        raise Invalid("baseline_pairs", "The longer response is a baseline for pairs only.")
    return _keep(judge, guideline_version, VersionKind.BASELINE, built, author=author, note=note)


def save_recorded(
    *,
    judge: Judge,
    guideline_version: GuidelineVersion,
    artefact: str,
    both_orders: bool,
    samples: int,
    author: User | None,
    actor: str,
    note: str = "",
) -> Saved:
    """Verdicts that were made elsewhere; `artefact` is the SHA-256 (hex) of what was read."""
    built = dataclasses.replace(
        _spec(guideline_version, kind=VersionKind.RECORDED, provider="recorded", model="recorded"),
        artefact=artefact,
        both_orders=both_orders,
        samples=samples,
    )
    return _keep(
        judge,
        guideline_version,
        VersionKind.RECORDED,
        built,
        author=author,
        actor=actor,
        note=note,
    )


def spec_of(version: JudgeVersion) -> VersionSpec:
    """Everything that can change a verdict of this version."""
    return spec.from_json(version.spec)


def prompt_spec(*, guideline_version: GuidelineVersion, choices: Choices) -> VersionSpec:
    """The version that these choices make, not saved: what a preview renders."""
    is_pairwise = any(
        d.kind in {DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED}
        for d in guideline_version.dimensions.all()
    )
    system, user = prompting.default_templates(is_pairwise=is_pairwise)
    return dataclasses.replace(
        _spec(
            guideline_version,
            kind=VersionKind.PROMPT,
            provider=choices.provider,
            model=choices.model.strip(),
        ),
        base_url=_base_url(choices),
        system_template=_lines(choices.system_template) or system,
        user_template=_lines(choices.user_template) or user,
        max_tokens=choices.max_tokens,
        effort=choices.effort or None,
        thinking=choices.thinking or None,
        reasoning_first=choices.reasoning_first,
        both_orders=choices.both_orders and is_pairwise,
        samples=choices.samples,
        temperature=choices.temperature,
        with_reference=choices.with_reference,
        checklists=choices.checklists,
        examples=choices.examples,
        capabilities=_profile(choices)[0].frozen(
            structured_output=choices.structured_output, prompt_cache=choices.prompt_cache
        ),
    )


def _base_url(choices: Choices) -> str:
    if choices.provider == SIMULATOR:
        return ""
    return choices.base_url or settings.ANTHROPIC_BASE_URL


def _profile(choices: Choices) -> tuple[Profile, str]:
    """The given profile, else what the table knows, and who says so; of another address than the
    installation's the table knows nothing."""
    if choices.profile is not None:
        return choices.profile, choices.profile_source
    is_ours = choices.provider == SIMULATOR or _is_of_the_installation(_base_url(choices))
    known = capabilities.of_table(choices.model.strip()) if is_ours else None
    return (known, capabilities.table_source()) if known else (Profile(), "")


def _is_of_the_installation(base_url: str) -> bool:
    return fingerprint.normal_url(base_url) == fingerprint.normal_url(settings.ANTHROPIC_BASE_URL)


def _refuse_foreign_address(judge: Judge, built: VersionSpec) -> None:
    """Texts of items go where the installation asks, or where an admin of the project allowed."""
    if built.provider == SIMULATOR:
        return
    if built.provider == ANTHROPIC and _is_of_the_installation(built.base_url):
        return
    allowed = ProviderKey.objects.filter(
        project=judge.project_id,
        provider=built.provider,
        base_url=fingerprint.normal_url(built.base_url),
    )
    if not allowed.exists():
        raise NotAllowed(
            f"No admin of this project has set a key for {built.base_url}, so nothing is sent "
            "there. Ask an admin to set one under Keys, or choose another address.",
            code="address_not_allowed",
        )


def published_version(judge: Judge) -> GuidelineVersion:
    """The guideline version in force. Raises NotReady when there is none."""
    found = judge.guideline.versions.filter(state=VersionState.PUBLISHED).first()
    if found is None:
        raise NotReady(
            "guideline_not_published",
            f"The guideline {judge.guideline.name!r} has no published version; publish one first.",
        )
    return found


def starting_point(judge: Judge, *, model: str) -> VersionSpec:
    """What a new version starts from: the newest that asks a model, else the usual templates."""
    newest = judge.versions.filter(kind=VersionKind.PROMPT).order_by("number").last()
    if newest is not None:
        return spec_of(newest)
    provider = SIMULATOR if model.startswith(SIMULATED_PREFIX) else ANTHROPIC
    return prompt_spec(
        guideline_version=published_version(judge),
        choices=Choices(provider=provider, model=model),
    )


def differences(version: JudgeVersion, former: JudgeVersion) -> tuple[Difference, ...]:
    """What changed from the former version to this one, prompts line by line."""
    return fingerprint.differences(spec_of(former), spec_of(version))


def dimension_spec(dimension: Dimension) -> DimensionSpec:
    """A dimension of a guideline as the judges' rules know it."""
    graded = dimension.kind == DimensionKind.PAIRWISE_GRADED
    kind = "pairwise" if graded else str(dimension.kind)
    points = tuple((str(p["value"]), str(p.get("anchor", ""))) for p in dimension.points)
    if graded:
        points = tuple((value, text or _GRADED_ANCHORS.get(value, "")) for value, text in points)
    if kind in {"pairwise", "yes_no"} and not any(anchor for _, anchor in points):
        points = ()
    return DimensionSpec(
        key=dimension.key,
        question=dimension.question or dimension.name,
        kind=kind,  # type: ignore[arg-type]  # the model's constraint allows these values only
        points=points,
        cut=dimension.cut if dimension.cut and kind == "scale" else None,
        allow_na=dimension.allow_na,
    )


def _spec(
    version: GuidelineVersion, *, kind: VersionKind, provider: str, model: str
) -> VersionSpec:
    """What every kind of version holds of its guideline."""
    return VersionSpec(
        kind=kind.value,
        provider=provider,
        base_url="",
        model=model,
        max_tokens=1,
        system_template="",
        user_template="",
        dimensions=tuple(dimension_spec(d) for d in version.dimensions.all()),
        guideline_text=_guideline_text(version),
        guideline_version=f"{version.guideline.name} {version.number}",
        both_orders=False,
    )


def _guideline_text(version: GuidelineVersion) -> str:
    """The text and its worked examples, as a judge reads them."""
    blocks = [version.text.strip()]
    for example in version.examples:
        heading = "Good" if example.get("is_good") else "Bad"
        title = str(example.get("title", "")).strip()
        lines = [f"{heading} example{': ' + title if title else ''}"]
        lines += [str(example.get(name, "")).strip() for name in ("text", "why")]
        blocks.append("\n".join(line for line in lines if line))
    return "\n\n".join(block for block in blocks if block)


def _keep(
    judge: Judge,
    guideline_version: GuidelineVersion,
    kind: VersionKind,
    built: VersionSpec,
    *,
    author: User | None,
    actor: str = "",
    note: str,
    profile_source: str = "",
) -> Saved:
    """`actor` is who did it where that is no person: a command, a token."""
    digest = _check_keeping(judge, guideline_version, built)
    with transaction.atomic():
        _demand_no_reader_of_sealed(judge.project_id, kind, author)
        # The judge's row is the lock: two savers get two numbers, or one version.
        Judge.objects.select_for_update().get(pk=judge.pk)
        existing = JudgeVersion.with_drafts.filter(judge=judge, fingerprint=digest).first()
        if existing is not None and not existing.is_draft:
            return Saved(existing, is_new=False)
        number = (judge.versions.aggregate(highest=Max("number"))["highest"] or 0) + 1
        if existing is not None:
            version = _numbered(existing, number, author=author, note=note)
        else:
            version = _row(
                judge,
                guideline_version,
                kind,
                built,
                digest,
                author=author,
                actor=actor,
                number=number,
                note=note,
                profile_source=profile_source,
            )
        audit.record(
            actor=version.author_actor,
            verb="judge_version.saved",
            object_type="judge_version",
            object_id=version.pk,
            project_id=judge.project_id,
            data={"judge": judge.slug, "number": version.number, "fingerprint": digest},
        )
    return Saved(version, is_new=True)


def _check_keeping(judge: Judge, guideline_version: GuidelineVersion, built: VersionSpec) -> str:
    """The fingerprint of what may be kept. Raises Invalid or Conflict."""
    if guideline_version.guideline_id != judge.guideline_id:
        raise Invalid("guideline_elsewhere", "The version belongs to another guideline.")
    if guideline_version.state == VersionState.DRAFT:
        raise Conflict("guideline_draft", "Publish the guideline version first; drafts change.")
    return fingerprint.fingerprint(built)


def _row(
    judge: Judge,
    guideline_version: GuidelineVersion,
    kind: VersionKind,
    built: VersionSpec,
    digest: str,
    *,
    author: User | None,
    actor: str = "",
    number: int | None,
    note: str = "",
    profile_source: str = "",
) -> JudgeVersion:
    return JudgeVersion.objects.create(
        judge=judge,
        guideline_version=guideline_version,
        number=number,
        kind=kind,
        note=note[:200],
        spec=spec.as_json(built),
        fingerprint=digest,
        author=author,
        author_actor=actor or (author.actor if author is not None else "system"),
        is_simulated=built.provider == SIMULATOR,
        profile_source=profile_source[:160],
    )


def _numbered(draft: JudgeVersion, number: int, *, author: User | None, note: str) -> JudgeVersion:
    """A draft becomes the version that it is: whoever saves it is its author."""
    draft.number = number
    draft.note = note[:200]
    draft.author = author
    draft.author_actor = author.actor if author is not None else "system"
    draft.created_at = timezone.now()
    draft.save()
    return draft


def _demand_no_reader_of_sealed(project_id: int, kind: VersionKind, author: User | None) -> None:
    """Inside the transaction that keeps the version: who rated, read or decided sealed items knows
    labels that the judge will be held against."""
    if author is None or kind is not VersionKind.PROMPT:
        return
    # Whoever chooses to read sealed ratings holds the same row: one of both comes second.
    accounts.hold_member(project_id=project_id, user_id=author.pk)
    rated = Assignment.objects.filter(
        item__project=project_id,
        item__part=Part.SEALED,
        rater__user=author,
        state__in=[
            AssignmentState.LEASED,
            AssignmentState.SUBMITTED,
            AssignmentState.WITHDRAWN,
        ],
    )
    decided = ReferenceLabel.objects.filter(
        item__project=project_id, item__part=Part.SEALED, actor=author.actor
    )
    reads = SealedReading.objects.filter(
        sealed_set__dataset__project=project_id, sealed_set__retired_at__isnull=True, user=author
    )
    if rated.exists() or decided.exists() or reads.exists():
        raise NotAllowed(
            "You have rated or decided sealed items of this project, so you cannot author a judge "
            "until their set is retired. Ask a colleague who has not.",
            code="knows_sealed_labels",
        )


def _lines(text: str) -> str:
    """A template as one types it, whatever the browser made of its line ends."""
    return text.replace("\r\n", "\n").strip() + "\n" if text.strip() else ""
