"""Gives the operators' admin a scope over every tenant, for signed-in staff only."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tenants.scope import every_tenant


class AdminScopeMiddleware:
    """Wraps each admin request of a staff member in one transaction that spans tenants.

    The admin never calls a vendor inside a request (it queues a job instead), so the transaction
    is short. A list page renders lazily: the response is rendered inside the scope.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request, in the scope that its user is entitled to."""
        is_staff = request.user.is_authenticated and request.user.is_staff
        if not (request.path.startswith("/admin/") and is_staff):
            return self.get_response(request)
        with every_tenant():
            response = self.get_response(request)
            if response.status_code >= 500:  # the exception became a page: keep nothing of it
                transaction.set_rollback(True)
            return response
