"""What all connection pages share: headers, refusals in plain words, and whose page it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from connector.connecting.links import find_tenant_of_link
from connector.errors import ConnectorError

View = Callable[..., HttpResponse]

# A form may be redirected to FreshBooks' consent page, which may be another of its hosts.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self' https://*.freshbooks.com "
)


def page(view: View) -> View:
    """Headers of every page here, and refusals in plain words instead of stack traces."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except ConnectorError as error:
            response = _refusal_page(request, error)
        response["Content-Security-Policy"] = POLICY + settings.FRESHBOOKS_AUTH_BASE
        return response

    return never_cache(answer)


def of_link(view: View) -> View:
    """Hand the link's tenant to the view; an unknown, expired or revoked link ends here."""

    @page
    @wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponse:
        tenant = find_tenant_of_link(token)
        if tenant is None:
            return error_page(
                request,
                status=404,
                message="This link is no longer good.",
                next_step="Ask whoever sent it to you for a new one.",
            )
        return view(request, tenant, token)

    return answer


def _refusal_page(request: HttpRequest, error: ConnectorError) -> HttpResponse:
    return error_page(
        request,
        status=409,
        message=error.message,
        next_step=error.next_step or "Wait a minute, then try again.",
        back_to=getattr(error, "back_to", ""),
    )


def error_page(
    request: HttpRequest, *, status: int, message: str, next_step: str, back_to: str = ""
) -> HttpResponse:
    """What went wrong and what to do about it."""
    context = {"message": message, "next_step": next_step, "back_to": back_to}
    return render(request, "connect/error.html", context, status=status)
