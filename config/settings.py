"""Settings, all from the environment. docs/settings.md lists them with unit, default and effect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
TESTING = "pytest" in sys.modules

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
FIELD_ENCRYPTION_KEYS: list[str] = env.list("FIELD_ENCRYPTION_KEYS", default=[])
if TESTING:
    SECRET_KEY = SECRET_KEY or "tests-only-secret-key-of-no-value-anywhere-else"
    FIELD_ENCRYPTION_KEYS = FIELD_ENCRYPTION_KEYS or ["tests-only-field-key"]
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or shorter than 32 characters. Put a random one into the "
        "environment, e.g.: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
if not FIELD_ENCRYPTION_KEYS or not all(FIELD_ENCRYPTION_KEYS):
    raise ImproperlyConfigured(
        "FIELD_ENCRYPTION_KEYS is missing. It holds the keys that credentials are encrypted "
        "with, newest first, separated by commas. Without it nothing can be read or stored."
    )
FERNET_KEYS = FIELD_ENCRYPTION_KEYS  # the name that fernet_fields looks for

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    # Without autodiscovery: config.urls does it, so that the clock does not load every page.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "audit",
    "tenants",
    "connector",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.middleware.AdminScopeMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database(url_name: str) -> dict[str, Any]:
    """One database alias. An owner that is not named, or empty, is the application's own role."""
    url = env.str(url_name, default="") or env.str("DATABASE_URL", default="") or _NOWHERE
    config: dict[str, Any] = env.db_url_config(url)
    config["CONN_MAX_AGE"] = 60
    config["CONN_HEALTH_CHECKS"] = True
    config.setdefault("OPTIONS", {})
    config["OPTIONS"]["connect_timeout"] = 2
    config["OPTIONS"]["prepare_threshold"] = (
        5  # allows config.prepared; other cursors never prepare
    )
    config["OPTIONS"]["options"] = "-c idle_in_transaction_session_timeout=60000"
    return config


_NOWHERE = "postgresql://nobody@127.0.0.1:1/ml_connector"
DATABASES = {
    # A role that is neither owner nor superuser, so that row-level security binds it.
    "default": _database("DATABASE_URL"),
    # Used by `migrate --database owner` and nothing else.
    "owner": _database("DATABASE_OWNER_URL"),
}
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="") or "redis://127.0.0.1:6379/0"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

_HTTPS = PUBLIC_BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
# "Lax" lets the browser bring the session along when FreshBooks redirects back to us.
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Strict"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

# Vendors ----------------------------------------------------------------------------------------
FRESHBOOKS_API_BASE = env.str("FRESHBOOKS_API_BASE", default="https://api.freshbooks.com")
FRESHBOOKS_AUTH_BASE = env.str("FRESHBOOKS_AUTH_BASE", default="https://auth.freshbooks.com")
FRESHBOOKS_CLIENT_ID = env.str("FRESHBOOKS_CLIENT_ID", default="")
FRESHBOOKS_CLIENT_SECRET = env.str("FRESHBOOKS_CLIENT_SECRET", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
FRESHBOOKS_RATE_PER_S = env.int("FRESHBOOKS_RATE_PER_S", default=3)
STRIPE_RATE_PER_S = env.int("STRIPE_RATE_PER_S", default=90)
STRIPE_TEST_RATE_PER_S = env.int("STRIPE_TEST_RATE_PER_S", default=22)
STRIPE_ENDPOINT_RATE_PER_S = env.int("STRIPE_ENDPOINT_RATE_PER_S", default=22)
VENDOR_CALLS_AT_ONCE = env.int("VENDOR_CALLS_AT_ONCE", default=4)
WEBHOOK_MAX_BYTES = env.int("WEBHOOK_MAX_BYTES", default=1024 * 1024)

# Work -------------------------------------------------------------------------------------------
AUDIT_ANCHOR_FILE = env.str("AUDIT_ANCHOR_FILE", default="")
JOB_LEASE_S = env.int("JOB_LEASE_S", default=30)
JOB_BATCH = env.int("JOB_BATCH", default=100)
JOB_THREADS = env.int("JOB_THREADS", default=6)
JOB_WORKERS_PER_TENANT = env.int("JOB_WORKERS_PER_TENANT", default=4)
JOB_LONGEST_S = env.int("JOB_LONGEST_S", default=3600)
JOB_STALLED_S = env.int("JOB_STALLED_S", default=60)
JOBS_KEPT_DAYS = env.int("JOBS_KEPT_DAYS", default=30)
DELIVERIES_KEPT_DAYS = env.int("DELIVERIES_KEPT_DAYS", default=90)
COUNTS_KEPT_DAYS = env.int("COUNTS_KEPT_DAYS", default=400)
SWEEP_INTERVAL_S = env.int("SWEEP_INTERVAL_S", default=1)
SCHEDULE_TICK_S = env.int("SCHEDULE_TICK_S", default=2)
RECONCILE_INTERVAL_S = env.int("RECONCILE_INTERVAL_S", default=86_400)
POLL_IDLE_FACTOR = env.int("POLL_IDLE_FACTOR", default=36)
MONEY_POLL_INTERVAL_S = env.int("MONEY_POLL_INTERVAL_S", default=3600)
PAYMENT_SETTLE_S = env.int("PAYMENT_SETTLE_S", default=20)
TOKEN_SPOOL_DIR = env.str("TOKEN_SPOOL_DIR", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "config.logging.line_formatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Each ring would be three lines, several times a second; their failures are still told.
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace")
    },
}

UNFOLD = {
    "SITE_TITLE": "ml-connector",
    "SITE_HEADER": "ml-connector",
    "SITE_SUBHEADER": "FreshBooks ⇄ Stripe",
    "SITE_SYMBOL": "sync_alt",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": {
            "50": "oklch(97.3% .014 195)",
            "100": "oklch(94.2% .034 195)",
            "200": "oklch(89.6% .062 195)",
            "300": "oklch(83% .092 195)",
            "400": "oklch(74% .112 195)",
            "500": "oklch(65% .112 198)",
            "600": "oklch(53% .098 203)",
            "700": "oklch(46% .084 207)",
            "800": "oklch(39% .07 212)",
            "900": "oklch(34% .058 216)",
            "950": "oklch(25% .046 220)",
        }
    },
    # Names of functions, called with each request.
    "DASHBOARD_CALLBACK": "connector.admin.overview.add_numbers",
    "STYLES": ["connector.admin.sidebar.stylesheet"],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "connector.admin.sidebar.icon"}
    ],
    "SIDEBAR": {"show_search": True, "navigation": "connector.admin.sidebar.navigation"},
}
