"""The page about the hooks, made from the hooks: `python -m wabot.plugins.reference > docs/hooks.md`."""

import inspect
import re

from wabot import hookspecs

_RETURNS = re.compile(r'-> "?(.+?)"?:', re.MULTILINE)

HEAD = """\
# Hooks

<!-- Made by `python -m wabot.plugins.reference`; change core/src/wabot/hookspecs.py instead. -->

A hook is how a plugin says what it adds. wabot calls each once, when the plugin is loaded, and the plugin answers with
values; what runs later are methods of those values, under a guard. All hooks are optional, take no arguments, and none
may be `async`. They are written with `@hookimpl` in the module that the entry point names, which thereby reads as the
plugin's table of contents.

A hook that does not exist, one with arguments, a coroutine or an answer of the wrong type makes the plugin `broken` in
`wabot plugins list`, with the file and the line in the reason. `Flow`, `Override`, `Filter`, `Job`, `Sink`, `Campaign`,
`AdminTable`, `PluginPage`, `Privacy`, `Secret` and `Versioned` are imported from `wabot` itself.
"""


def page() -> str:
    """The whole page, in the order of the hooks."""
    return HEAD + "".join(_section(name) for name in hookspecs.ABOUT)


def _section(name: str) -> str:
    hook, about = getattr(hookspecs, name), hookspecs.ABOUT[name]
    [returns] = _RETURNS.findall(inspect.getsource(hook))
    since = f"Since {about.since}."
    if about.removed_in:
        since += (
            f" **Deprecated**: will not be called from {about.removed_in} on; use `{about.instead}` instead."
        )
    return (
        f"\n## `{name}`\n\n```python\ndef {name}() -> {returns}\n```\n\n{inspect.getdoc(hook)}\n\n{since}\n"
    )


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
