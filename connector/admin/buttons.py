"""Buttons: what may be done to one row from its page, and to many from the list.

A button asks before it acts and acts on POST only, so that no link can press it. It has a
permission of its own; without it the page does not show it, and pressing it anyway is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import CharField, ChoiceField, Form, HiddenInput
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from audit.recording import Cause
from config.celery_app import QUEUES
from connector.admin.display import counted, page_of
from connector.ringing import ringer

if TYPE_CHECKING:
    from enum import Enum as ActionVariant

    from django.contrib.admin import ModelAdmin

    UnfoldAdminSelectWidget = UnfoldAdminTextInputWidget = HiddenInput

    class BaseDialogForm(Form):
        """Unfold's form in a dialog."""

        def __init__(self, request: HttpRequest, object_id: str, **_: Any) -> None: ...

    class Page(ModelAdmin[Any]):
        """Unfold's page."""

        def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
            """The buttons of a page."""
else:
    from unfold.admin import ModelAdmin as Page
    from unfold.enums import ActionVariant
    from unfold.forms import BaseDialogForm
    from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Click:
    """Who pressed which button, and the reason they gave."""

    cause: Cause
    reason: str = ""
    choice: str = ""  # one of the button's choices; "" in a list's menu, where none is asked for


@dataclass(frozen=True, kw_only=True)
class Button:
    """One thing a person may do. `press` answers how many rows it did something to."""

    name: str
    label: str
    permission: str
    explain: str
    press: Callable[[list[Any], Click], int] = lambda _rows, _click: 0
    tell: Callable[[Any, Click], str] | None = None  # instead: a text that is shown once, here
    done: str = ""  # "{rows} …", said with their number
    noun: str = "row"
    nothing: str = "There was nothing to do."  # said when it did nothing
    icon: str = "play_arrow"
    variant: str = "default"
    group: str = ""  # buttons of one group share a menu
    asks_reason: bool = False
    choices: Callable[[Any], list[tuple[str, str]]] | None = None  # what the row's page asks for
    fits: Callable[[Any], bool] = lambda _: True  # whether a row's own page shows it


def cause_of(request: HttpRequest, what: str) -> Cause:
    """The cause of whatever follows from this request; one correlation id for all of it."""
    return Cause(
        actor=str(request.user.get_username()),
        reason=f"admin: {what}",
        correlation_id=uuid.uuid4(),
    )


def ring_on_commit() -> None:
    """Rings are hints without cost: rather one too many than a look at what was queued where."""
    for queue in QUEUES:
        transaction.on_commit(lambda name=queue: ringer.ring(name))  # type: ignore[misc]


class _Confirm(BaseDialogForm):
    """Asks nothing but "really?"."""


class _ConfirmWithReason(BaseDialogForm):
    reason = CharField(
        max_length=300, label="Reason", widget=UnfoldAdminTextInputWidget, strip=True
    )


class ButtonsPage(Page):
    """Turns `buttons` into unfold's buttons of the detail page and Django's actions of the list."""

    buttons: Sequence[Button] = ()

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        for button in self.buttons:
            setattr(self, f"press_{button.name}", _detail_view(self, button))
        self.actions_detail = _menus(self.buttons)
        super().__init__(model, admin_site)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The buttons that this person may press and that make sense for this row."""
        actions = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id)) if actions else None
        if row is None:
            return []
        fitting = {
            f"press_{button.name}"
            for button in self.buttons
            if button.fits(row) and request.user.has_perm(button.permission)
        }
        return [action for action in actions if action.method.__name__ in fitting]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The entries of the list's menu: the same buttons, by permission."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        for button in self.buttons:
            if button.tell is None and request.user.has_perm(button.permission):
                actions[button.name] = (_list_action(button), button.name, button.label)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse a button that the list's menu does not offer, instead of passing over it."""
        wanted = request.POST.get("action", "")
        for button in self.buttons:
            if button.name == wanted and not request.user.has_perm(button.permission):
                raise PermissionDenied
        return super().changelist_view(request, extra_context)


def _menus(buttons: Sequence[Button]) -> list[Any]:
    """Names of buttons as unfold wants them: alone, or below the title of their group."""
    menus: dict[str, dict[str, Any]] = {}
    shown: list[Any] = []
    for button in buttons:
        name = f"press_{button.name}"
        if not button.group:
            shown.append(name)
            continue
        if button.group not in menus:
            menus[button.group] = {"title": button.group, "items": []}
            shown.append(menus[button.group])
        menus[button.group]["items"].append(name)
    return shown


def _list_action(button: Button) -> Callable[[Any, HttpRequest, QuerySet[Any]], None]:
    def run(_page: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        rows = list(queryset.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            messages.error(request, f"Select at most {MOST_AT_ONCE:,} rows at once.")
            return
        reason = f"Selected in the list by {request.user.get_username()}."
        _press(request, button, rows, {"reason": reason})

    return run


def _detail_view(page: Any, button: Button) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm(button.permission):
            raise PermissionDenied
        row = page.get_object(request, object_id)
        if row is None:
            raise Http404
        form_class = _ConfirmWithReason if button.asks_reason else _Confirm
        form = form_class(request=request, object_id=object_id, data=request.POST or None)
        if button.choices is not None:
            form.fields["choice"] = ChoiceField(
                label="Which", choices=button.choices(row), widget=UnfoldAdminSelectWidget
            )
            form.order_fields(["choice", "reason"])
        if request.method != "POST" or not form.is_valid():
            return render(request, "unfold/helpers/dialog.html", _dialog(button, form))
        if button.tell is not None:
            told = button.tell(row, Click(cause=cause_of(request, button.label)))
            return _tell_once(request, button, told)
        _press(request, button, [row], form.cleaned_data)
        return _go_to(request, page_of(row))

    view.__name__ = f"press_{button.name}"
    # Permissions are looked at above and not named here: unfold would look them up in the database
    # whenever it checks itself, even before the first migration.
    vars(view).update(
        short_description=button.label,
        url_path=button.name.replace("_", "-"),
        icon=button.icon,
        variant=ActionVariant(button.variant),
        dialog={"title": button.label},
        attrs={},
    )
    return view


def _dialog(button: Button, form: Any) -> dict[str, Any]:
    return {
        "dialog": {"title": f"{button.label}?", "description": button.explain},
        "form": form,
        "form_submit_text": button.label,
    }


def _tell_once(request: HttpRequest, button: Button, told: str) -> HttpResponse:
    """The text takes the place of the whole dialog, so that it is not asked for again at once."""
    context = {"title": button.label, "told": told}
    response = render(request, "connector/admin/told.html", context)
    response["HX-Retarget"], response["HX-Reselect"] = "#modal-content", "#dialog"
    response["HX-Reswap"], response["Cache-Control"] = "innerHTML", "no-store"
    return response


def _press(request: HttpRequest, button: Button, rows: list[Any], told: dict[str, Any]) -> None:
    click = Click(
        cause=cause_of(request, button.label),
        reason=told.get("reason", ""),
        choice=told.get("choice", ""),
    )
    count = button.press(rows, click)
    if count:
        ring_on_commit()
        messages.success(request, button.done.format(rows=counted(count, button.noun)))
    else:
        messages.warning(request, button.nothing)


def _go_to(request: HttpRequest, url: str) -> HttpResponse:
    """A dialog is sent by htmx, which follows a redirect only when told so in a header."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
