"""The pages on which a tenant's own people connect both vendors, and FreshBooks' way back to us.

Whoever holds an onboarding link acts for its tenant; staff can begin without one. Every page is
served with a policy that allows no script at all.
"""

from __future__ import annotations

import uuid

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.recording import Cause
from connector.connecting.businesses import BusinessChoice, choose_business, open_choice
from connector.connecting.choices import make_choices
from connector.connecting.disconnecting import disconnect_freshbooks, disconnect_stripe
from connector.connecting.go_live import go_live, missing_for_live
from connector.connecting.oauth import (
    app_is_known,
    begin_freshbooks,
    finish_freshbooks,
    refuse_freshbooks,
)
from connector.connecting.ping import ping
from connector.connecting.refusals import ConnectRefused, ended_attempt
from connector.connecting.stripe import connect_stripe
from connector.errors import ConnectorError
from connector.jobs.kinds import INTAKE, RECONCILE
from connector.ringing import ringer
from connector.roles import OPERATE
from connector.views.forms import ChoicesForm, StripeKeyForm
from connector.views.pages import error_page, of_link, page
from connector.views.plan_pages import approve_first_import, plan_on_page, start_plan
from tenants.models import FreshBooksConnection, StripeConnection, Tenant
from tenants.scope import tenant_scope

ATTEMPT = "connect_attempt"  # in the session: which attempt awaits its choice of a business


@of_link
@require_GET
def connect_page(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """GET /connect/<token>/: the four steps and where each of them stands."""
    return _steps_page(request, tenant, token)


@of_link
@require_POST
def start_freshbooks(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/freshbooks/: off to FreshBooks' consent page."""
    return _to_freshbooks(request, tenant, return_to=_address(token))


@of_link
@sensitive_post_parameters("api_key")
@require_POST
def save_stripe_key(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/stripe/: check a pasted key and keep it."""
    form = StripeKeyForm(request.POST)
    if not form.is_valid():
        return _steps_page(request, tenant, token, stripe_form=form)
    try:
        connect_stripe(tenant, form.cleaned_data["api_key"], cause=_cause(request, "pasted a key"))
    except ConnectorError as error:
        form.add_error("api_key", f"{error.message} {error.next_step}")
        return _steps_page(request, tenant, token, stripe_form=form)
    ringer.ring(INTAKE)
    return redirect(f"{_address(token)}#stripe")


@of_link
@require_POST
def check_again(_: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/check/: after a permission was added at a vendor."""
    ping(tenant.pk)
    return redirect(f"{_address(token)}#stripe")


@of_link
@require_POST
def save_choices(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/choices/: before going live; later changes are the operator's."""
    _refuse_if_live(tenant)
    form = ChoicesForm(request.POST, tenant=tenant)
    if not form.is_valid():
        return _steps_page(request, tenant, token, choices_form=form)
    cause = _cause(request, "chose on the link's page")
    start_plan(
        make_choices(tenant.pk, form.choices(tenant), cause=cause), cause=cause, if_ready=True
    )
    _ring_for_plan()
    return redirect(f"{_address(token)}#live")


@of_link
@require_POST
def start_over(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/start-over/: a wrong business or account, before going live."""
    _refuse_if_live(tenant)
    undo = {"freshbooks": disconnect_freshbooks, "stripe": disconnect_stripe}
    side = request.POST.get("side", "")
    if side in undo:
        undo[side](tenant.pk, cause=_cause(request, "started over"))
    return redirect(_address(token))


@of_link
@require_POST
def make_plan(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/plan/: show what the first import would do, before it does it."""
    _refuse_if_live(tenant)
    try:
        start_plan(tenant, cause=_cause(request, "asked for the plan"))
    except ConnectRefused as refusal:
        raise refusal.with_way_back(_address(token)) from refusal.__cause__
    _ring_for_plan()
    return redirect(f"{_address(token)}#live")


@of_link
@require_POST
def set_live(request: HttpRequest, tenant: Tenant, token: str) -> HttpResponse:
    """POST /connect/<token>/live/: approve the plan that was shown; one that was live goes on."""
    cause = _cause(request, "pressed Go live")
    try:
        if tenant.live_at is None:
            approve_first_import(tenant, request.POST.get("hash", ""), cause=cause)
        else:
            go_live(tenant.pk, cause=cause)
    except ConnectRefused as refusal:
        raise refusal.with_way_back(_address(token)) from refusal.__cause__
    _ring_for_plan()
    return redirect(f"{_address(token)}#live")


@staff_member_required
@permission_required(OPERATE, raise_exception=True)
@page
@require_GET
def oauth_start(request: HttpRequest) -> HttpResponse:
    """GET /oauth/freshbooks/start?tenant=<id>, for staff: off to FreshBooks' consent page."""
    tenant_id = request.GET.get("tenant", "")
    tenant = Tenant.objects.filter(pk=int(tenant_id)).first() if tenant_id.isdecimal() else None
    if tenant is None:
        return error_page(
            request,
            status=404,
            message="There is no such tenant.",
            next_step="Begin from the tenant's page in the admin.",
        )
    return _to_freshbooks(
        request, tenant, return_to=reverse("admin:tenants_tenant_change", args=[tenant.pk])
    )


@page
@require_GET
def oauth_callback(request: HttpRequest) -> HttpResponse:
    """GET /oauth/freshbooks/callback: FreshBooks' answer, by way of the person's browser."""
    answer = {name: request.GET.getlist(name) for name in ("state", "code", "error")}
    if any(len(values) > 1 for values in answer.values()) or not answer["state"]:
        raise ended_attempt()
    state, session_key = answer["state"][0], request.session.session_key or ""
    if not answer["code"]:
        raise refuse_freshbooks(state, "".join(answer["error"]), session_key)
    choice = finish_freshbooks(state, answer["code"][0], session_key)
    request.session[ATTEMPT] = choice.attempt_id
    return redirect("choose-business")


@page
@require_http_methods(["GET", "POST"])
def business_page(request: HttpRequest) -> HttpResponse:
    """GET, POST /oauth/freshbooks/business: which business, and is this the right tenant?"""
    attempt_id, session_key = request.session.get(ATTEMPT, 0), request.session.session_key or ""
    choice = open_choice(attempt_id, session_key=session_key)
    if request.method == "GET":
        return render(request, "connect/business.html", {"choice": choice})
    chosen = request.POST.get("business", "")
    if not chosen.isdecimal():
        return _ask_again(request, choice)
    try:
        choose_business(attempt_id, int(chosen), session_key=session_key)
    except ConnectRefused as refusal:
        raise refusal.with_way_back(choice.return_to) from refusal.__cause__
    del request.session[ATTEMPT]
    ringer.ring(INTAKE)
    return redirect(choice.return_to)


def _ask_again(request: HttpRequest, choice: BusinessChoice) -> HttpResponse:
    context = {"choice": choice, "problem": "Choose one of the businesses."}
    return render(request, "connect/business.html", context, status=422)


def _to_freshbooks(request: HttpRequest, tenant: Tenant, *, return_to: str) -> HttpResponse:
    if request.session.session_key is None:
        request.session.create()
    url = begin_freshbooks(
        tenant,
        session_key=request.session.session_key or "",
        user=_actor(request),
        return_to=return_to,
    )
    return HttpResponseRedirect(url)


def _steps_page(
    request: HttpRequest,
    tenant: Tenant,
    token: str,
    *,
    stripe_form: StripeKeyForm | None = None,
    choices_form: ChoicesForm | None = None,
) -> HttpResponse:
    wrong = stripe_form or choices_form
    with tenant_scope(tenant.pk):
        stripe = StripeConnection.objects.first()
        context = {
            "tenant": tenant,
            "token": token,
            "app_is_known": app_is_known(),
            "freshbooks": FreshBooksConnection.objects.select_related("grant").first(),
            "stripe": stripe,
            "stripe_lacks": stripe and any(not line["ok"] for line in stripe.last_ping),
            "missing": missing_for_live(tenant),
            "shown": plan_on_page(tenant),
            "stripe_form": stripe_form or StripeKeyForm(),
            "choices_form": choices_form or ChoicesForm(tenant=tenant),
        }
    return render(request, "connect/steps.html", context, status=422 if wrong else 200)


def _refuse_if_live(tenant: Tenant) -> None:
    if tenant.live_at is not None:
        raise ConnectRefused(
            "This tenant is live, so this can no longer be changed here.",
            code="already_live",
            next_step="Ask the operator of this service to change it.",
        )


def _ring_for_plan() -> None:
    for queue in (INTAKE, RECONCILE):
        ringer.ring(queue)


def _address(token: str) -> str:
    return reverse("connect", args=[token])


def _cause(request: HttpRequest, reason: str) -> Cause:
    return Cause(_actor(request), reason, uuid.uuid4())


def _actor(request: HttpRequest) -> str:
    return request.user.get_username() or "onboarding link"
