"""The product's settings, with the floor's views beside its own."""

from config.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "bench.urls"
