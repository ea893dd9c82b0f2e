"""Everything that is configured from outside, read once at start and checked."""

import os
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from wabot.errors import BadSetting

GRAPH_API_URL = "https://graph.facebook.com"
KEY_FILE = "secret.key"
GRAPH_API_VERSION = "v26.0"  # the newest confirmed in November 2026

YES, NO = {"1", "true", "yes", "on", "sim"}, {"", "0", "false", "no", "off", "nao", "não"}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The environment, as wabot understands it. Names and defaults are part of the public contract."""

    home: Path
    database_url: str = ""
    """Empty: the embedded server, unless PG* variables point to one."""
    external_database: bool = False
    redis_url: str = ""
    media_url: str = ""
    """Empty: files are kept under `home`."""
    secret_keys: tuple[str, ...] = ()
    key_generated: bool = False
    """The key is the one that was made at the first start and is kept under `home`."""
    graph_api_url: str = GRAPH_API_URL
    graph_api_version: str = GRAPH_API_VERSION
    verify_token: str = ""
    app_secret: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    metrics_port: int | None = None
    """Where a worker or scheduler shows what it counts; None: nowhere."""
    metrics_token: str = ""
    """Empty: metrics are shown to programs of the same machine."""
    timezone: str = "America/Sao_Paulo"
    log_level: str = "info"
    log_format: str = ""
    debug: bool = False

    def __repr__(self) -> str:
        return "Settings(…)"  # secrets never reach a log


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises BadSetting with a sentence that names the variable and what it should look like."""
    get = {name: value.strip() for name, value in environ.items()}.get
    external = bool(get("DATABASE_URL") or get("PGHOST") or get("PGDATABASE"))
    home = Path(get("WABOT_HOME") or ".wabot").expanduser().absolute()
    return Settings(
        home=home,
        database_url=_database(get("DATABASE_URL") or ""),
        external_database=external,
        redis_url=_url("REDIS_URL", get("REDIS_URL") or "", ("redis", "rediss", "unix")),
        media_url=_media(get("MEDIA_URL") or ""),
        secret_keys=_keys(get("SECRET_KEY") or "", home, external),
        key_generated=not get("SECRET_KEY"),
        graph_api_url=_url("GRAPH_API_URL", get("GRAPH_API_URL") or GRAPH_API_URL, ("http", "https")).rstrip(
            "/"
        ),
        graph_api_version=get("GRAPH_API_VERSION") or GRAPH_API_VERSION,
        verify_token=get("WHATSAPP_VERIFY_TOKEN") or "",
        app_secret=get("WHATSAPP_APP_SECRET") or "",
        host=get("HOST") or "127.0.0.1",
        port=_port("PORT", get("PORT") or "8000"),
        metrics_port=_port("METRICS_PORT", text) if (text := get("METRICS_PORT") or "") else None,
        metrics_token=_token(get("METRICS_TOKEN") or ""),
        timezone=_zone(get("TIMEZONE") or "America/Sao_Paulo"),
        log_level=_one_of("LOG_LEVEL", get("LOG_LEVEL") or "info", ("debug", "info", "warning", "error")),
        log_format=_one_of("LOG_FORMAT", get("LOG_FORMAT") or "", ("console", "json", "")),
        debug=_flag("DEBUG", get("DEBUG") or ""),
    )


def replace(settings: Settings, **changes: Any) -> Settings:
    """The same settings with some changed, as flags on the command line do."""
    return msgspec.structs.replace(settings, **changes)


def _database(url: str) -> str:
    url = url.replace("postgres+asyncpg://", "postgresql://").replace(
        "postgresql+asyncpg://", "postgresql://"
    )
    return _url("DATABASE_URL", url, ("postgresql", "postgres"))


def _url(name: str, url: str, schemes: tuple[str, ...]) -> str:
    if url and urlsplit(url).scheme not in schemes:
        raise BadSetting(f"{name}: use um endereço que comece com {schemes[0]}://")
    return url


def _media(url: str) -> str:
    if not url:
        return ""
    if urlsplit(url).scheme != "s3" or not urlsplit(url).netloc:
        raise BadSetting("MEDIA_URL: use s3://balde/pasta, ou deixe vazio para guardar em WABOT_HOME.")
    if find_spec("obstore") is None:
        raise BadSetting("MEDIA_URL: para guardar em s3:// instale o complemento: pip install 'wabot[s3]'.")
    return url.rstrip("/")


def _port(name: str, text: str) -> int:
    if not (text.isdecimal() and 0 <= int(text) <= 65535):
        raise BadSetting(f"{name}: use um número de 1 a 65535, não {text!r}.")
    return int(text)


def _token(text: str) -> str:
    if text and len(text) < 16:
        raise BadSetting("METRICS_TOKEN: use pelo menos 16 caracteres.")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadSetting(f"TIMEZONE: {name!r} não é um fuso; use, por exemplo, America/Sao_Paulo.") from None
    return name


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.lower() not in allowed:
        raise BadSetting(f"{name}: use um destes: {', '.join(filter(None, allowed))}.")
    return value.lower()


def _flag(name: str, value: str) -> bool:
    if value.lower() not in YES | NO:
        raise BadSetting(f"{name}: use 1 ou 0.")
    return value.lower() in YES


def _keys(text: str, home: Path, external: bool) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if any(len(key) < 16 for key in keys):
        raise BadSetting("SECRET_KEY: cada chave precisa de pelo menos 16 caracteres.")
    if keys:
        return keys
    if external:
        raise BadSetting(
            "SECRET_KEY: com DATABASE_URL, defina uma chave só sua "
            '(por exemplo, a saída de: python -c "import secrets; print(secrets.token_urlsafe(32))").'
        )
    return (_kept_key(home / KEY_FILE),)


def _kept_key(path: Path) -> str:
    """The key generated at the first start. Written whole or not at all, and never readable by others."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        os.link(draft, path)  # fails if another process was faster; then its key counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
