"""The product's addresses, and the views that its intake is compared with."""

from __future__ import annotations

from django.urls import path

from bench.floor_views import bare, insert
from config.urls import urlpatterns as product

urlpatterns = [path("floor/bare/", bare), path("floor/insert/", insert), *product]
