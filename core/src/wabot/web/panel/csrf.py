"""No other site may make a signed-in browser change anything: Litestar's CSRF check, for the panel only."""

from dataclasses import replace

from litestar.config.csrf import CSRFConfig
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from wabot.settings import Settings
from wabot.vault import derived

COOKIE = "wabot_csrf"
PATH = "/painel"


def csrf_config(settings: Settings) -> CSRFConfig:
    """Pages carry the token in their forms and, for htmx, in a header; no script needs to read the cookie."""
    secret = derived(settings.secret_keys[0], "csrf").hex()
    return CSRFConfig(secret, cookie_name=COOKIE, cookie_path=PATH, cookie_httponly=True)


class Csrf:
    """Litestar's middleware, with a Secure cookie wherever the page itself came over HTTPS."""

    def __init__(self, app: ASGIApp, config: CSRFConfig) -> None:
        self._over = {
            scheme: CSRFMiddleware(app, replace(config, cookie_secure=scheme == "https"))
            for scheme in ("http", "https")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._over[scope["scheme"]](scope, receive, send)
