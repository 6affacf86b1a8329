"""What was spent, what may be spent, and what models cost."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from core import charts
from core.errors import DomainError
from core.exporting import FORMATS
from core.filters import paged
from core.http import go, page, posted
from judges import access, queries
from judges.forms.money import JudgeBudgetForm, LedgerForm, MonthBudgetForm, PriceForm
from judges.forms.refusals import add_refusal, status_of
from judges.forms.runs import BudgetForm
from judges.queries import JudgePurse, Spending
from judges.rules import budgets
from judges.rules.pricing import PriceRow
from judges.services import prices, purses

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}
LINES_ON_A_PAGE = 50
PREFILLED = ("provider", "model")


@door(Role.LEAD, Role.ADMIN)
@require_safe
def ledger(request: MemberRequest) -> HttpResponse:
    """What attempts cost in a period, by day, judge and model; nothing by item."""
    project = request.project
    form = LedgerForm(
        request.GET,
        project=project,
        models=queries.models_of(project),
        today=timezone.now().astimezone(UTC).date(),
    )
    context: dict[str, Any] = {**STEP, "form": form, "query": request.GET.urlencode()}
    if form.is_valid():
        context |= _spending(request, form)
    return page(request, "judges/ledger.html", context, status=200 if form.is_valid() else 422)


def _spending(request: MemberRequest, form: LedgerForm) -> dict[str, Any]:
    period, judge_id, model = form.period(), form.judge_id(), form.cleaned_data["model"]
    found = queries.spending(request.project, period, judge_id=judge_id, model=model)
    narrowed = {"since": period.since.isoformat(), "until": period.until.isoformat()}
    if judge_id is not None:
        narrowed["judge"] = str(judge_id)
    if model:
        narrowed["model"] = model
    return {
        "spending": found,
        "period": period,
        "picture": _picture(found, is_by_month=period.is_by_month),
        "picture_name": f"Spent by {'month' if period.is_by_month else 'day'}",
        "picture_part": "Month" if period.is_by_month else "Day",
        "formats": FORMATS,
        "export_query": urlencode(narrowed),
    }


def _picture(found: Spending, *, is_by_month: bool) -> charts.Columns:
    words = "M Y" if is_by_month else "j M"
    return charts.columns(
        [(date_format(day, words), float(sums.spent)) for day, sums in found.by_time],
        name=f"Spent by {'month' if is_by_month else 'day'}",
        written=lambda amount: budgets.dollars(Decimal(str(amount))),
    )


@door(Role.LEAD, Role.ADMIN)
@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    """The month's budget, the judges' budgets and the project's own prices."""
    return _overview(request)


@door(Role.ADMIN)
@require_POST
def month(request: MemberRequest) -> HttpResponse:
    """What the project may spend in this calendar month and those that follow."""
    form = MonthBudgetForm(request.POST)
    if form.is_valid():
        try:
            purses.set_month_budget(
                project=request.project,
                budget=form.cleaned_data["budget"],
                actor=request.user.actor,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The month's budget is set.")
            return go(request, "budgets", request.project.slug)
    return _overview(request, month_form=form)


@door(Role.LEAD)
@require_POST
def judge(request: MemberRequest, judge_id: int) -> HttpResponse:
    """What a judge may spend in all."""
    found = access.judge_of(request.project, judge_id)
    form = JudgeBudgetForm(found, request.POST)
    if form.is_valid():
        try:
            purses.set_judge_budget(
                judge=found, budget=form.cleaned_data["budget"], actor=request.user.actor
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"The budget of {found.name} is set.")
            return go(request, "budgets", request.project.slug)
    return _overview(request, judge_form=(found.pk, form))


@door(Role.ADMIN)
@require_http_methods(PAGE)
def price_new(request: MemberRequest) -> HttpResponse:
    """Enter what a model costs from a day on."""
    form = PriceForm(posted(request), initial=_usual_price(request))
    if request.method == "POST" and form.is_valid():
        try:
            row = prices.add_price(
                project=request.project, price=PriceRow(**form.cleaned_data), author=request.user
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"The price of {row.model} is kept.")
            return go(request, "budgets", request.project.slug)
    context = {**STEP, "form": form}
    return page(request, "judges/price_new.html", context, status=status_of(form))


def _usual_price(request: MemberRequest) -> dict[str, Any]:
    asked = {name: request.GET[name][:120] for name in PREFILLED if name in request.GET}
    return {"batch_factor": "1", "as_of": timezone.now().astimezone(UTC).date(), **asked}


def _overview(
    request: MemberRequest,
    *,
    month_form: BudgetForm | None = None,
    judge_form: tuple[int, BudgetForm] | None = None,
) -> HttpResponse:
    now = timezone.now()
    project = request.project
    purse = queries.month_purse(project, now=now)
    judges = paged(queries.judges_by_name(project), request.GET.get("page"), size=LINES_ON_A_PAGE)
    shown = judge_form[0] if judge_form else None
    refused = judge_form[1] if judge_form else None
    context = {
        **STEP,
        "month": purse,
        "month_pot": queries.pot_of(purse),
        "month_form": month_form or MonthBudgetForm(initial={"budget": purse.limit}),
        "judges": judges,
        "lines": [
            (line, refused if line.judge.pk == shown else _judge_form(line))
            for line in queries.judge_purses(list(judges.object_list), now=now)
        ],
        "refused": refused or month_form,
        "is_simulated": queries.asks_simulated_judges(project),
        "unpriced": queries.unpriced_models(project, now=now),
        **_prices(request, now),
    }
    forms = [form for form in (month_form, refused) if form is not None]
    status = max((status_of(form) for form in forms), default=200)
    return page(request, "judges/budgets.html", context, status=status)


def _judge_form(line: JudgePurse) -> JudgeBudgetForm:
    return JudgeBudgetForm(line.judge, initial={"budget": line.pot.limit})


def _prices(request: MemberRequest, now: datetime) -> dict[str, Any]:
    shown = paged(
        queries.prices_of(request.project), request.GET.get("prices"), size=LINES_ON_A_PAGE
    )
    today = now.astimezone(UTC).date()
    rows = list(shown.object_list)
    return {
        "prices": shown,
        "in_force": queries.prices_in_force(request.project, rows, on=today),
        "today": today,
    }
