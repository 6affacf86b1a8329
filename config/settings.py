"""One file. Embedded (SQLite, file queue) unless DATABASE_URL and BROKER_URL say otherwise."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("PLUMBLINE_DATA") or BASE_DIR / "data")
DATABASE_URL = env.text("DATABASE_URL")
BROKER_URL = env.text("BROKER_URL")
EMBEDDED = not DATABASE_URL

DEBUG = env.flag("PLUMBLINE_DEBUG")
DEMO = env.flag("PLUMBLINE_DEMO")
HTTPS = env.flag("PLUMBLINE_HTTPS")


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _secret_key() -> str:
    """From the environment; in embedded mode made once and kept in the data folder."""
    given = env.text("PLUMBLINE_SECRET_KEY")
    if given:
        return given
    if not EMBEDDED:
        raise ImproperlyConfigured("Set PLUMBLINE_SECRET_KEY (or PLUMBLINE_SECRET_KEY_FILE).")
    file = _private(DATA_DIR) / "secret_key"
    if not file.exists():
        # Two processes may start at once: whoever links the file first wins, both read that one.
        fresh = DATA_DIR / f"secret_key.{secrets.token_hex(4)}"
        fresh.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        fresh.chmod(0o600)
        try:
            file.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return file.read_text(encoding="utf-8").strip()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.listed("PLUMBLINE_HOSTS", default=("127.0.0.1", "localhost", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.listed("PLUMBLINE_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "accounts",
    "annotation",
    "judges",
    "calibration",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.request_id",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["core.templatetags.ui"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.house",
            ],
        },
    }
]


def _database() -> dict[str, Any]:
    if DATABASE_URL:
        found: dict[str, Any] = dict(
            dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
        )
        # A process that is stopped inside a transaction holds its locks: the server ends it, so
        # that another worker can take over.
        found.setdefault("OPTIONS", {})["options"] = "-c idle_in_transaction_session_timeout=30s"
        return found
    return {
        "ENGINE": "core.sqlite",
        "NAME": _private(DATA_DIR) / "plumbline.sqlite3",
        # IMMEDIATE: a transaction that reads first and writes later would otherwise fail at
        # once with "database is locked" whatever the timeout (docs/adr/0003).
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": env.number("PLUMBLINE_SQLITE_WAIT_SECONDS", default=20),
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            " PRAGMA foreign_keys=ON; PRAGMA cache_size=-16000;",
        },
        "CONN_MAX_AGE": 60,
        # A shared in-memory database would hide every locking mistake from the tests.
        "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# Links that set a password anew are good for a day.
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60

# Mail is off until a server is named; then messages need to know this house's own address.
EMAIL_HOST = env.text("PLUMBLINE_MAIL_HOST")
EMAIL_PORT = env.number("PLUMBLINE_MAIL_PORT", default=587)
EMAIL_HOST_USER = env.text("PLUMBLINE_MAIL_USER")
EMAIL_HOST_PASSWORD = env.text("PLUMBLINE_MAIL_PASSWORD")
EMAIL_USE_TLS = env.flag("PLUMBLINE_MAIL_TLS", default=True)
EMAIL_TIMEOUT = 20
MAIL_FROM = env.text("PLUMBLINE_MAIL_FROM")
PUBLIC_ADDRESS = env.text("PLUMBLINE_ADDRESS").rstrip("/")
if EMAIL_HOST and not (MAIL_FROM and PUBLIC_ADDRESS.startswith(("http://", "https://"))):
    raise ImproperlyConfigured(
        "With PLUMBLINE_MAIL_HOST set PLUMBLINE_MAIL_FROM, and PLUMBLINE_ADDRESS as in "
        "https://plumbline.example: messages hold links."
    )
if not EMAIL_HOST:
    MAIL_FROM = ""

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.text("PLUMBLINE_TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("PLUMBLINE_STATIC_ROOT") or DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = DATA_DIR / "media"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Import limits: the browser and the API take this much; the command line has no limit.
UPLOAD_LIMIT_BYTES = env.number("PLUMBLINE_UPLOAD_LIMIT_MB", default=200) * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.ClosedDoor"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Plumbline API",
    "DESCRIPTION": "Ask an approved judge for verdicts, and reach the data behind it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/img/favicon.svg",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
}

# Celery: messages are wake-up hints, the rows are the queue (docs/adr/0002).
CELERY_BROKER_URL = BROKER_URL or "filequeue://localhost//"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if not BROKER_URL:
    _queue = _private(DATA_DIR / "queue")
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue),
        "data_folder_out": str(_queue),
        "control_folder": str(_private(DATA_DIR / "queue_control")),
        "polling_interval": 0.1,
        "store_processed": False,
    }
CELERY_BEAT_SCHEDULE = {"reconcile": {"task": "core.reconcile", "schedule": 2.0}}

# Judges. A key comes from the environment or an encrypted field, never from a page or a log.
ANTHROPIC_API_KEY = env.text("ANTHROPIC_API_KEY")
ANTHROPIC_BASE_URL = env.text("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
# Encrypts the keys that projects store; the secret key does when this is empty.
KEYS_SECRET = env.text("PLUMBLINE_KEYS_SECRET")
# Signs certificates; made once in the data folder when it is empty (core/signing.py).
CERTIFICATE_KEY = env.key("PLUMBLINE_CERTIFICATE_KEY", size=32)
SIMULATOR_URL = env.text("PLUMBLINE_SIMULATOR_URL")
# What `up` starts beside web and worker: name -> command line.
UP_EXTRA_PROCESSES: dict[str, list[str]] = {}
if DEMO and not SIMULATOR_URL:
    # Beside the web's port, so that two demos on one machine do not share a simulator.
    _port = env.number("PORT", default=8000)
    _simulator_port = _port + 900 if _port < 60_000 else _port - 900
    SIMULATOR_URL = f"http://127.0.0.1:{_simulator_port}"
    UP_EXTRA_PROCESSES["simulator"] = [
        sys.executable, "-m", "judges.simulator", "--port", str(_simulator_port)
    ]  # fmt: skip
RUN_CONCURRENCY = env.number("PLUMBLINE_RUN_CONCURRENCY", default=16, least=1)
RUN_LEASE_SECONDS = env.number("PLUMBLINE_RUN_LEASE_SECONDS", default=6, least=1)
CALL_TIMEOUT_SECONDS = env.number("PLUMBLINE_CALL_TIMEOUT_SECONDS", default=120, least=1)
BATCH_POLL_SECONDS = env.number("PLUMBLINE_BATCH_POLL_SECONDS", default=5, least=1)
BATCH_LOST_SECONDS = env.number("PLUMBLINE_BATCH_LOST_SECONDS", default=600, least=1)
# 0: for good.
TRAFFIC_RETENTION_DAYS = env.number("PLUMBLINE_TRAFFIC_RETENTION_DAYS", default=90, least=0)
RATING_LEASE_MINUTES = env.number("PLUMBLINE_RATING_LEASE_MINUTES", default=30)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("PLUMBLINE_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
        # A line for every request of a judge stands in the ledger already.
        "httpx2": {"level": "WARNING"},
    },
}
