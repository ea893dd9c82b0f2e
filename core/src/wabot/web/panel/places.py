"""Where to go next, inside this site and nowhere else."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request

from wabot.settings import GRAPH_API_URL

HOME = "/painel/"
SIGN_IN = "/painel/entrar/"

# A path under /painel/ or /admin/. No backslash, which browsers read as a slash, and nothing they leave out.
_OURS = re.compile(r"/(painel|admin)/[\x21-\x5b\x5d-\x7e]*")


def safe_next(wanted: str) -> str:
    """Where to go after signing in. What is not a page of ours becomes the first one: links may be forged."""
    if len(wanted) > 500 or not _OURS.fullmatch(wanted) or ".." in wanted or wanted.startswith(SIGN_IN):
        return HOME
    return wanted


def sign_in_address(request: Request[Any, Any, Any]) -> str:
    """The sign-in page, with the way back."""
    back = safe_next(_page_of(request))
    return SIGN_IN if back == HOME else f"{SIGN_IN}?next={quote(back)}"


def chat_address(graph_api_url: str, numero: str, words: str = "oi") -> str:
    """Where to try a chatbot: on WhatsApp, or with what stands in Meta's place, which has a chat page of its own."""
    if graph_api_url == GRAPH_API_URL:
        return f"https://wa.me/{numero}?text={quote(words)}"
    return f"{graph_api_url}/"


def _page_of(request: Request[Any, Any, Any]) -> str:
    """The page somebody is on: a form that was sent is not one, and of what htmx asks for, the page around it is."""
    if current := request.headers.get("hx-current-url"):
        parts = urlsplit(current)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    if request.method != "GET":
        return HOME
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["raw_path"].decode("latin-1")
    return f"{path}?{query}" if query else path
