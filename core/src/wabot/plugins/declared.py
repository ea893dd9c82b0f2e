"""What a plugin declares: its hooks called once and their answers checked, here instead of in front of a customer."""

import inspect
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy
from piccolo.table import Table

from wabot import hookspecs
from wabot.due import BadCron, check
from wabot.errors import WabotError
from wabot.flow import Flow
from wabot.parts import AdminTable, Campaign, Filter, Job, Override, PluginPage, Privacy, Sink, Versioned
from wabot.plugins.configs import buried_secrets, secrets_of
from wabot.plugins.places import place_of

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

SELF = "wabot_"
"""What the name of every hook begins with."""


class PluginFault(WabotError):
    """A plugin declares something that cannot work. Its text, for whoever installed it, ends with file and line."""


class Declared(msgspec.Struct, frozen=True):
    """Everything one plugin adds to wabot."""

    title: str = ""
    summary: str = ""
    hooks: tuple[str, ...] = ()
    config: Versioned[Any] | None = None
    flows: tuple[Flow[Any], ...] = ()
    overrides: tuple[Override, ...] = ()
    filters: tuple[Filter, ...] = ()
    jobs: tuple[Job, ...] = ()
    sinks: tuple[Sink, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    tables: "AppConfig | None" = None
    admin: tuple[AdminTable, ...] = ()
    pages: tuple[PluginPage, ...] = ()
    routes: tuple[Any, ...] = ()
    privacy: Privacy | None = None

    @property
    def kinds(self) -> list[str]:
        """What the plugin is, in the words of the list: `flow`, `filter`, `tables`…"""
        return [hookspecs.ABOUT[name].kind for name in self.hooks if hookspecs.ABOUT[name].kind]


def load(plugin: str, module_name: str, unasked: Collection[str] = ()) -> Declared:
    """Import a plugin and ask it what it declares, but for the hooks `unasked`: what those import stays out.

    Raises PluginFault, and whatever its import raises.
    """
    module = import_module(module_name)
    _check_signatures(module)
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=plugin)
    answers = {
        name: _answer(module, name)
        for name in hookspecs.ABOUT
        if name not in unasked and callable(getattr(module, name, None))
    }
    given = {name.removeprefix(SELF): value for name, value in answers.items()}
    title, summary = _about(module, plugin)
    declared = Declared(title, summary, tuple(name for name, value in answers.items() if value), **given)
    _check_names(declared)
    return declared


def _check_signatures(module: Any) -> None:
    """Before pluggy, whose own words name neither the file nor what to write instead."""
    for name, value in vars(module).items():
        if not name.startswith(SELF) or not callable(value):
            continue
        if name not in hookspecs.ABOUT:
            raise PluginFault(f"{name} não é um gancho do wabot {_place(value)}")
        if not hasattr(value, f"{hookspecs.GROUP}_impl"):
            raise PluginFault(f"{name} precisa de @hookimpl {_place(value)}")
        if inspect.iscoroutinefunction(value):
            raise PluginFault(f"{name} é uma função async; um gancho só declara valores {_place(value)}")
        if parameters := list(inspect.signature(value).parameters):
            raise PluginFault(
                f"{name} não recebe argumentos, mas pede {', '.join(parameters)} {_place(value)}"
            )


def _answer(module: Any, name: str) -> Any:
    hook: Callable[[], Any] = getattr(module, name)
    about, answer = hookspecs.ABOUT[name], hook()
    if about.many:
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            raise PluginFault(f"{name} deve devolver uma lista, não {_kind(answer)} {_place(hook)}")
        for value in answer:
            _check(value, about.of, hook)
        return tuple(answer)
    _check(answer, about.of, hook)
    if name == "wabot_config":
        return _config(answer, hook)
    if name == "wabot_tables":
        _check_app(answer, hook)
    return answer


def _check(value: Any, kinds: tuple[type, ...], hook: Callable[..., Any]) -> None:
    if isawaitable(value):
        raise PluginFault(f"{hook.__name__} devolveu algo que se espera com await {_place(hook)}")
    if kinds and not isinstance(value, kinds):
        wanted = " ou ".join(kind.__name__ for kind in kinds)
        raise PluginFault(f"{hook.__name__} devolveu {_kind(value)}; esperava {wanted} {_place(hook)}")


def _check_app(answer: Any, hook: Callable[..., Any]) -> None:
    # here, as it brings the formatter of the code that Piccolo writes
    from piccolo.conf.apps import AppConfig

    if not isinstance(answer, AppConfig):
        raise PluginFault(f"{hook.__name__} devolveu {_kind(answer)}; esperava AppConfig {_place(hook)}")


def _config(answer: Any, hook: Callable[..., Any]) -> Versioned[Any]:
    """A frozen Struct that can be made from nothing."""
    config = answer if isinstance(answer, Versioned) else Versioned(answer)
    _check_shape(config.shape, hook.__name__, hook)
    if buried := buried_secrets(config.shape):
        raise PluginFault(
            f"{hook.__name__}: um Secret só é guardado cifrado como campo da própria configuração, não dentro de "
            f"{', '.join(buried)} {_place(config.shape)}"
        )
    return config


def _check_shape(shape: Any, what: str, where: Any) -> None:
    """It can be made from nothing, and shown as a form."""
    if not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        raise PluginFault(f"{what}: {_kind(shape)} não é um msgspec.Struct {_place(where)}")
    if missing := [field.name for field in msgspec.structs.fields(shape) if field.required]:
        raise PluginFault(
            f"{what}: todo campo precisa de um padrão; falta em {', '.join(missing)} {_place(shape)}"
        )
    msgspec.json.schema(shape)  # a type that has none could not be shown as a form


def _check_arguments(job: Job) -> None:
    shape = job.arguments
    if shape is None:
        return
    _check_shape(shape, f"os argumentos de {job.name}", job.run)
    if secret := [*secrets_of(shape), *buried_secrets(shape)]:
        raise PluginFault(
            f"os argumentos de {job.name} não são cifrados: ponha {', '.join(sorted(secret))} na configuração"
        )


def _check_names(declared: Declared) -> None:
    """Things are found by name: two of one kind with the same one would hide each other."""
    if strange_tables := [part for part in declared.admin if not issubclass(part.table, Table)]:
        raise PluginFault(f"{SELF}admin: {strange_tables[0].table.__name__} não é uma tabela do Piccolo")
    for kind, values in (
        ("flows", [flow.id for flow in declared.flows]),
        ("overrides", [override.etapa for override in declared.overrides]),
        ("filters", [part.name for part in declared.filters]),
        ("jobs", [part.name for part in declared.jobs]),
        ("sinks", [part.name for part in declared.sinks]),
        ("campaigns", [part.name for part in declared.campaigns]),
        ("pages", [page.path or "(sem path)" for page in declared.pages]),
        ("admin", [part.table._meta.tablename for part in declared.admin]),
    ):
        if twice := {value for value in values if values.count(value) > 1}:
            raise PluginFault(f"{SELF}{kind}: dois se chamam {', '.join(sorted(twice))}")
    timed: list[Job | Campaign] = [*declared.jobs, *declared.campaigns]
    for part in timed:
        try:
            check(part.cron)
        except BadCron as error:
            raise PluginFault(f"{part.name}: {error}") from error
    for job in declared.jobs:
        _check_arguments(job)
    for flow in declared.flows:
        if not flow.etapas:
            raise PluginFault(f"{SELF}flows: o fluxo {flow.id} não tem nenhuma etapa")
    for shown in declared.admin:
        columns = {column._meta.name for column in shown.table._meta.columns if not column._meta.secret}
        if strange := set(shown.changes) - columns:
            raise PluginFault(f"{SELF}admin: {shown.table.__name__} não mostra {', '.join(sorted(strange))}")


def _kind(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _place(thing: Any) -> str:
    """Where it is written, at the end of a sentence."""
    place = place_of(thing)
    return f"({place})" if place else ""


def _about(module: Any, fallback: str) -> tuple[str, str]:
    """The title and what the plugin does, from the first paragraph of its docstring: `Title: what it does.`"""
    first, _, more = (module.__doc__ or "").strip().partition("\n\n")[0].partition("\n")
    title, _, summary = first.partition(":")
    summary = " ".join(f"{summary} {more}".split())
    return title.rstrip(".") or fallback, summary[:1].upper() + summary[1:]
