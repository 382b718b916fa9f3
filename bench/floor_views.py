"""What a webhook costs at the very least, served by the same processes as the product's view."""

from __future__ import annotations

import hashlib
import hmac

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

SECRET = b"whsec_floor"
TABLE = (
    "CREATE TABLE floor (id bigserial PRIMARY KEY, signature text NOT NULL, body text NOT NULL,"
    " received_at timestamptz NOT NULL)"
)
_INSERT = "INSERT INTO floor (signature, body, received_at) VALUES (%s, %s, %s)"


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Read the body, answer."""
    return HttpResponse(status=200 if request.read() else 400)


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """Read the body, hash it with a secret, insert one row, commit, answer."""
    body = request.read()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [signature, body.decode(), timezone.now()])
    return HttpResponse(status=200)
