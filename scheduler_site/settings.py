"""All settings. Every value that may differ between installations comes from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from django.utils.translation import gettext_lazy as _

from scheduler_site.environment import (
    ANY_URL,
    REDIS,
    STORE_URLS,
    Environment,
    local_url,
    secret_key,
)
from scheduler_site.reporting import report_errors

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(Path(os.environ.get("ENV_FILE", BASE_DIR / ".env")))

DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "data")
SECRET_KEY = secret_key(env, DATA_DIR)
DEBUG = env.flag("DEBUG", default=False)
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
LOG_FORMAT = env.choice("LOG_FORMAT", "plain", ["plain", "json"])

# --- Addresses -------------------------------------------------------------------------------
BIND_ADDRESS = env.address("BIND_ADDRESS", "127.0.0.1")
PORT = env.number("PORT", 8000, least=1, most=65_535)
SITE_URL = env.url("SITE_URL", local_url(BIND_ADDRESS, PORT))
_site = urlsplit(SITE_URL)
_host = f"[{_site.hostname}]" if ":" in (_site.hostname or "") else _site.hostname or ""
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", [_host, "127.0.0.1", "localhost", "[::1]"])
# Proxies whose X-Forwarded-For is believed; without any, an address is the connection's own.
FORWARDED_ALLOW_IPS = env.networks("FORWARDED_ALLOW_IPS")
CSRF_TRUSTED_ORIGINS = env.urls("CSRF_TRUSTED_ORIGINS", [f"{_site.scheme}://{_site.netloc}"])

# --- Scheduler -------------------------------------------------------------------------------
SCHEDULER_TIMEZONE = env.zone("SCHEDULER_TIMEZONE", "UTC")
SCHEDULER_MAX_WORKERS = env.number("SCHEDULER_MAX_WORKERS", 5, least=1, most=500)
SCHEDULER_MIN_INTERVAL = env.number("SCHEDULER_MIN_INTERVAL", 10, least=1, most=86_400)
SCHEDULER_MODE = env.choice("SCHEDULER_MODE", "scheduler", ["scheduler", "legacy"])
SCHEDULER_JOB_STORE = env.choice(
    "SCHEDULER_JOB_STORE", "django", ["django", "memory", "sqlalchemy", "mongodb", "redis"]
)
SCHEDULER_JOB_STORE_URL = env.matching(
    "SCHEDULER_JOB_STORE_URL", "", **STORE_URLS.get(SCHEDULER_JOB_STORE, ANY_URL)
)
SCHEDULER_MISFIRE_GRACE_TIME = env.number(
    "SCHEDULER_MISFIRE_GRACE_TIME", 3600, least=1, most=31_536_000
)
SCHEDULER_EXECUTOR = env.choice("SCHEDULER_EXECUTOR", "local", ["local", "scrapyd", "celery"])
PIPELINES_CONFIG = env.file("PIPELINES_CONFIG")

# --- Spiders ---------------------------------------------------------------------------------
SCRAPY_SETTINGS_MODULE = env.matching(
    "SCRAPY_SETTINGS_MODULE",
    "spiders.settings",
    pattern=r"[^\W\d]\w*(\.[^\W\d]\w*)*",
    allowed="a module such as spiders.settings",
)
SCRAPY_PROJECT_PATH = env.text("SCRAPY_PROJECT_PATH", str(BASE_DIR))
# Read by the search spider itself, from the environment that its process gets.
SEARCH_SOURCES_DIR = env.text("SEARCH_SOURCES_DIR")
CRAWL_CACHE_TTL = env.number("CRAWL_CACHE_TTL", 3600, least=0, most=31_536_000)
RETENTION_DAYS = env.number("RETENTION_DAYS", 30, least=1, most=36_500)
RETENTION_RUNS = env.number("RETENTION_RUNS", 0, least=0, most=100_000_000)
RETENTION_MEGABYTES = env.number("RETENTION_MEGABYTES", 0, least=0, most=100_000_000)
SCHEDULER_MAX_PER_SITE = env.number("SCHEDULER_MAX_PER_SITE", 0, least=0, most=500)
ALLOWED_NETWORKS = env.networks("ALLOWED_NETWORKS")
SCRAPYD_URLS = env.urls("SCRAPYD_URLS")
SCRAPYD_PROJECT = env.matching(
    "SCRAPYD_PROJECT", "default", pattern=r"[\w.-]+", allowed="a name such as default"
)
CELERY_BROKER_URL = env.matching("CELERY_BROKER_URL", "", **ANY_URL)
REDIS_URL = env.matching("REDIS_URL", "", **REDIS)
# Requests a minute for each API token and each person; 0 is no limit.
API_RATE_LIMIT = env.number("API_RATE_LIMIT", 6000, least=0, most=10_000_000)
# Live logs that one person may follow at a time, per web process.
MAX_STREAMS_PER_PERSON = env.number("MAX_STREAMS_PER_PERSON", 50, least=1, most=10_000)
DISCORD_TOKEN = env.text("DISCORD_TOKEN")
SENTRY_DSN = env.text("SENTRY_DSN")
# The demo shop is on only where somebody asked for it; script/server does, unless --no-demo.
DEMO = env.flag("DEMO", default=False)
# The first administrator; without a password a random one is made and printed once.
ADMIN_USERNAME = env.matching(
    "ADMIN_USERNAME", "admin", pattern=r"[\w.@+-]{1,150}", allowed="letters, digits and @ . + - _"
)
ADMIN_PASSWORD = env.text("ADMIN_PASSWORD")

# --- Django ----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "tasks.apps.TasksConfig",
    "tasks.apps.SiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_apscheduler",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "scheduler_site.static_files.StaticFilesMiddleware",
    "scheduler_site.pages.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "scheduler_site.pages.PlainQueries",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "scheduler_site.urls"
WSGI_APPLICATION = "scheduler_site.wsgi.application"
ASGI_APPLICATION = "scheduler_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database() -> dict[str, Any]:
    config: dict[str, Any] = env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
    if config["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE takes the write lock at the start of a transaction: a DEFERRED one that
        # upgrades later fails at once with "database is locked", whatever the timeout.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;"
            ),
        }
    else:
        config["CONN_HEALTH_CHECKS"] = True
        config.setdefault("CONN_MAX_AGE", 60)
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "connect_timeout": 5}
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = 20
AXES_COOLOFF_TIME = 1  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "admin/lockout.html"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "spiders" / "locale"]
TIME_ZONE = SCHEDULER_TIMEZONE
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "scheduler_site.static_files.CompressedStaticFiles"
        )
    },
}

# --- Safety ----------------------------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "tasks.web.trouble.outdated_form"
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# Thousands of tasks may be ticked at once.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- Alerts ----------------------------------------------------------------------------------
_email = env.email("EMAIL_URL")
for _name, _value in _email.items():
    if _name.startswith("EMAIL_"):
        globals()[_name] = _value
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.sender(
    "ALERT_FROM", [str(_email.get("EMAIL_HOST_USER") or ""), f"alerts@{_site.hostname}"]
)
ALERT_LANGUAGE = env.choice("ALERT_LANGUAGE", "en", [code for code, _name in LANGUAGES])

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "scheduler_site.reporting.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # APScheduler logs every wakeup and executed job at INFO; ours logs one line per event.
        "apscheduler": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}

report_errors(SENTRY_DSN)
