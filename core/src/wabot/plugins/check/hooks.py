"""What importing a plugin and asking its hooks brings to light."""

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version as version_of

from packaging.version import Version

from wabot import hookspecs
from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.metadata import lowest_wabot
from wabot.plugins.check.project import Project
from wabot.plugins.declared import Declared, PluginFault, load
from wabot.plugins.places import place_of, place_of_error

_PLACE = re.compile(r"\s*\((.+:\d+)\)$")
_HOOK = re.compile(r"wabot_\w+")


def declared_by(project: Project) -> Declared | Finding:
    """What the plugin declares, or why it cannot be used. Whatever it raises is told, not raised."""
    try:
        return load(project.id, project.module)
    except PluginFault as fault:
        return _fault(str(fault), project)
    except ModuleNotFoundError as fault:
        return _missing(fault, project)
    except SystemExit as fault:
        place = place_of_error(fault, project.package)
        return error(
            "import",
            f"O plugin chama sys.exit({fault.code!r}).",
            place,
            "um módulo só define; não termine o processo",
        )
    except BaseException as fault:  # noqa: BLE001 - told to the plugin's author
        return error("import", f"{type(fault).__name__}: {fault}", place_of_error(fault, project.package))


def check(project: Project, declared: Declared) -> Iterator[Finding]:
    """Hooks that are going, or that are newer than the wabot the distribution asks for."""
    module = import_module(project.module)
    if not declared.hooks:
        yield warning(
            "declares-nothing",
            "O plugin não declara nada.",
            project.init,
            "implemente um gancho, como wabot_flows",
        )
    for name, about in hookspecs.ABOUT.items():
        if callable(hook := getattr(module, name, None)):
            yield from aged(name, about, project.requires, place_of(hook))


def aged(name: str, about: hookspecs.About, requires: Iterable[str], place: str) -> Iterator[Finding]:
    """What a hook's own history says to a plugin that implements it."""
    lowest = lowest_wabot(requires)
    # this wabot has the hook, whatever the release will be called in which it first goes out
    since = min(Version(about.since), Version(version_of("wabot")))
    if about.removed_in:
        yield warning(
            "hook-deprecated",
            f"{name} existe desde o wabot {about.since} e deixa de ser chamado no {about.removed_in}.",
            place,
            f"use {about.instead}" if about.instead else "tire este gancho",
        )
    if lowest is not None and lowest < since:
        yield warning(
            "hook-too-new",
            f"{name} existe desde o wabot {about.since}, mas o plugin aceita o {lowest}, que não o chama.",
            place,
            f'no pyproject.toml: "wabot>={about.since},<{Version(about.since).major + 1}"',
        )


def _fault(text: str, project: Project) -> Finding:
    found = _PLACE.search(text)
    place = found[1] if found else project.init
    return error("hook", f"{_PLACE.sub('', text)}.", place, _instead(text))


def _instead(text: str) -> str:
    """The hook as it should be written, or the hook that was meant."""
    named = _HOOK.match(text)
    if named is None:
        return ""
    name = named[0]
    if name not in hookspecs.ABOUT:
        near = difflib.get_close_matches(name, hookspecs.ABOUT, 1, cutoff=0)
        return f"troque por {near[0]}; os ganchos são: {', '.join(hookspecs.ABOUT)}"
    if "se chamam" in text:
        return "dê a cada um o seu nome"
    if "nenhuma etapa" in text:
        return "registre uma função com @fluxo.etapa"
    if "padrão" in text:
        return 'dê um padrão a cada campo, como: nome: str = ""'
    signature = inspect.signature(getattr(hookspecs, name))
    return f"@hookimpl def {name}{signature}: …".replace("'", "")


def _missing(fault: ModuleNotFoundError, project: Project) -> Finding:
    place = place_of_error(fault, project.package)
    top = (fault.name or "").partition(".")[0]
    if top in (project.module, "wabot"):
        return error("import", f"Não há módulo {fault.name}.", place, "confira o nome no import")
    fix = f"instale {top}, e ponha a distribuição dele em dependencies no pyproject.toml"
    return error("import", f"Não há módulo {fault.name}.", place, fix)
