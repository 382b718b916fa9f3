"""The admin's scope over every tenant is for signed-in staff, in the admin, and nobody else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tenants.middleware import AdminScopeMiddleware
from tenants.scope import current_scope

STAFF = User(username="ada", is_staff=True)
PLAIN = User(username="bob")


@pytest.mark.parametrize(
    ("path", "user", "scope"),
    [
        ("/admin/tenants/", STAFF, "*"),
        ("/admin/tenants/", PLAIN, ""),
        ("/admin/login/", AnonymousUser(), ""),
        ("/connect/abc/", STAFF, ""),
        ("/administrator/", STAFF, ""),
    ],
)
def test_who_gets_the_scope(db: None, path: str, user: User, scope: str) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(current_scope())

    request = RequestFactory().get(path)
    request.user = user
    assert AdminScopeMiddleware(view)(request).content.decode() == scope
    assert current_scope() == ""
