"""Message templates: kept per account, checked when they are sent, filled in for the screen."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from wabot.testing.simulator.chats import Choice
from wabot.testing.simulator.errors import GraphError

Template = dict[str, Any]
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_REFUSED = {"PAUSED": 132015, "DISABLED": 132016, "REJECTED": 132001, "PENDING": 132001}


class Shown(msgspec.Struct):
    """A template filled in."""

    header: str
    body: str
    footer: str
    buttons: list[Choice]


class Templates:
    """All templates. An account where none was ever made takes any name, unless `strict`."""

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._accounts: dict[str, list[Template]] = {}

    def of(self, waba: str, name: str = "") -> list[Template]:
        return [known for known in self._accounts.get(waba, []) if name in ("", known["name"])]

    def add(self, waba: str, template: Any) -> Template:
        """Approved at once. Raises GraphError."""
        _check_new(template)
        known = self._accounts.setdefault(waba, [])
        if any(_key(other) == _key(template) for other in known):
            raise GraphError(100, "a template of this name and language exists", subcode=2388024)
        stored = {"id": str(700_000 + len(known)), "status": "APPROVED", **template}
        known.append(stored)
        return stored

    def change(self, waba: str, name: str, language: str, status: str) -> None:
        """Give a template another status, if it is one of ours."""
        for known in self.of(waba, name):
            if known["language"] == language:
                known["status"] = status

    def remove(self, waba: str, name: str) -> None:
        self._accounts[waba] = [known for known in self.of(waba) if known["name"] != name]

    def sent(self, waba: str, content: dict[str, Any]) -> Template | None:
        """The template a message names, its parameters checked. Raises GraphError."""
        wanted = content["name"], content["language"]["code"]
        template = next((known for known in self.of(waba) if _key(known) == wanted), None)
        if template is None:
            if self._strict or waba in self._accounts:
                raise GraphError(132001, f"template name ({wanted[0]}) does not exist in {wanted[1]}")
            return None
        if refusal := _REFUSED.get(template["status"]):
            raise GraphError(refusal)
        components = content.get("components") or []
        for kind in ("header", "body"):
            _check_parameters(kind, _text(template, kind), _parameters(components, kind))
        return template


def filled(template: Template, components: Sequence[dict[str, Any]]) -> Shown:
    """The template with the message's parameters in their places."""
    header, body = (_fill(_text(template, k), _parameters(components, k)) for k in ("header", "body"))
    buttons = [
        _button(button, index, components)
        for index, button in enumerate((_component(template, "buttons") or {}).get("buttons", []))
    ]
    return Shown(header, body, _text(template, "footer"), buttons)


def _check_new(template: Any) -> None:
    needed = ("name", "language", "category")
    if not isinstance(template, dict) or not all(isinstance(template.get(key), str) for key in needed):
        raise GraphError(100, "name, language and category are required")
    if not _NAME.fullmatch(template["name"]):
        raise GraphError(100, "a template's name is made of a-z, 0-9 and _")
    if template["category"] not in ("MARKETING", "UTILITY", "AUTHENTICATION"):
        raise GraphError(100, "category must be MARKETING, UTILITY or AUTHENTICATION")


def _check_parameters(where: str, text: str, parameters: list[dict[str, Any]]) -> None:
    slots, given = set(_SLOT.findall(text)), _values(parameters)
    if text and slots != set(given):
        raise GraphError(132000, f"{where}: {len(given)} parameters do not match the {len(slots)} expected")


def _key(template: Template) -> tuple[str, str]:
    return template["name"], template["language"]


def _component(template: Template, kind: str) -> dict[str, Any] | None:
    components: list[dict[str, Any]] = template.get("components") or []
    return next((part for part in components if str(part.get("type", "")).lower() == kind), None)


def _text(template: Template, kind: str) -> str:
    return str((_component(template, kind) or {}).get("text", ""))


def _parameters(
    components: Sequence[dict[str, Any]], kind: str, index: int | None = None
) -> list[dict[str, Any]]:
    for component in components:
        here = index is None or str(component.get("index")) == str(index)
        if component.get("type") == kind and here:
            return list(component.get("parameters") or [])
    return []


def _values(parameters: list[dict[str, Any]]) -> dict[str, str]:
    """By name, or by place counted from 1."""
    return {str(p.get("parameter_name") or place): _said(p) for place, p in enumerate(parameters, 1)}


def _said(parameter: dict[str, Any]) -> str:
    content = parameter.get(parameter.get("type", "text"), "")
    return str(content.get("fallback_value", "")) if isinstance(content, dict) else str(content)


def _fill(text: str, parameters: list[dict[str, Any]]) -> str:
    values = _values(parameters)
    return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), text)


def _button(button: dict[str, Any], index: int, components: Sequence[dict[str, Any]]) -> Choice:
    parameters = _parameters(components, "button", index)
    title = str(button.get("text", ""))
    if button.get("type") == "QUICK_REPLY":
        payload = parameters[0].get("payload") if parameters else None
        return Choice(str(payload or title), title)
    return Choice("", title, kind="url", url=_fill(str(button.get("url", "")), parameters))
