"""Every URL of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from connector.views import connect, health, webhooks

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("connect/<str:token>/", connect.connect_page, name="connect"),
    path("connect/<str:token>/freshbooks/", connect.start_freshbooks, name="connect-freshbooks"),
    path("connect/<str:token>/stripe/", connect.save_stripe_key, name="connect-stripe"),
    path("connect/<str:token>/check/", connect.check_again, name="connect-check"),
    path("connect/<str:token>/choices/", connect.save_choices, name="connect-choices"),
    path("connect/<str:token>/start-over/", connect.start_over, name="connect-start-over"),
    path("connect/<str:token>/plan/", connect.make_plan, name="connect-plan"),
    path("connect/<str:token>/live/", connect.set_live, name="connect-live"),
    # FreshBooks compares the redirect address letter by letter: no slash at its end, no query.
    path("oauth/freshbooks/start", connect.oauth_start, name="freshbooks-start"),
    path("oauth/freshbooks/callback", connect.oauth_callback, name="freshbooks-callback"),
    path("oauth/freshbooks/business", connect.business_page, name="choose-business"),
    path("webhooks/stripe/<str:token>/", webhooks.receive_stripe_event),
    path("webhooks/freshbooks/<str:token>/", webhooks.receive_freshbooks_callback),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
