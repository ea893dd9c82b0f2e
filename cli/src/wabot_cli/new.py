"""`wabot plugins new`: a plugin to start from, whose tests pass at once."""

import keyword
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

import click

from wabot.errors import WabotError
from wabot.hookspecs import GROUP
from wabot.plugins.check.run import examine
from wabot.text import fold

KINDS = {
    "flow": "A conversation: customers choose a service and a day",
    "sink": "A sink: counts what happens, day by day",
    "campaign": "A campaign: writes to customers who have been silent",
}


# A plugin's name is also that of its schema in PostgreSQL, which keeps these words for itself.
_RESERVED = """
all analyse analyze any array asc asymmetric authorization between bigint binary both case cast check collate
collation column concurrently constraint create cross current_catalog current_date current_role current_schema
current_time current_timestamp current_user default deferrable desc distinct do end except exists fetch foreign
freeze full grant group having ilike information_schema initially inner intersect into isnull join lateral leading
left like limit localtime localtimestamp natural notnull null offset on only order outer overlaps placing primary
public references returning right select session_user similar some symmetric system_user table tablesample then to
trailing true false union unique user using variadic verbose wabot when where window
"""
RESERVED = frozenset(_RESERVED.split())


class BadName(WabotError):
    """A plugin cannot be called that, or it would be written over something."""


@click.command()
@click.argument("name", metavar="NOME")
@click.option(
    "--kind", type=click.Choice(list(KINDS)), default="flow", show_default=True, help="O que o plugin faz."
)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Onde criar a pasta."
)
def new(name: str, kind: str, folder: Path) -> None:
    """Cria um plugin: pacote, configuração, conversa, textos e testes que já passam."""
    _check(name)
    target = folder / f"wabot-{name.replace('_', '-')}"
    if target.exists():
        raise BadName(f"A pasta {target} já existe; escolha outro nome ou outra pasta (--folder).")
    scaffold = files("wabot_cli") / "scaffold"
    for part in ("common", kind):
        _write(scaffold / part, target, name, KINDS[kind])
    examine(str(target), update=True)  # remembers the shape of the data from the first release on
    _announce(name, target)


def _check(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        hint = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")
        better = f" Por exemplo: {hint}." if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", hint) else ""
        raise BadName(
            f"{name!r}: use letras minúsculas sem acento, dígitos e _, começando com letra.{better}"
        )
    if keyword.iskeyword(name):
        raise BadName(f"{name!r} é uma palavra do Python; escolha outra.")
    if name in RESERVED or name.startswith("pg_"):
        raise BadName(f"{name!r} é um nome reservado do PostgreSQL ou do wabot; escolha outro.")
    if name in {entry.name for entry in entry_points(group=GROUP)} or find_spec(f"wabot_{name}"):
        raise BadName(f"Já há um plugin instalado que se chama {name}; escolha outro nome.")


def _write(source: Traversable, target: Path, name: str, description: str) -> None:
    for item in source.iterdir():
        path = target / _named(item.name, name)
        if item.is_dir():
            _write(item, path, name, description)
        elif item.name.endswith(".in"):
            path.parent.mkdir(parents=True, exist_ok=True)
            text = _named(item.read_text(encoding="utf-8"), name).replace("@DESCRIPTION@", description)
            path.with_name(path.name.removesuffix(".in")).write_text(text, encoding="utf-8")


def _named(text: str, name: str) -> str:
    """The scaffold is written for a plugin called `modelo`, a word that also means a template: those stay."""
    kept = text.replace("modelo_de_mensagem", "\0").replace("um modelo de mensagem", "\1")
    title = name.replace("_", " ").capitalize()
    named = (
        kept.replace("MODELO", name.replace("_", "-")).replace("modelo", name).replace("Modelo:", f"{title}:")
    )
    return named.replace("\0", "modelo_de_mensagem").replace("\1", "um modelo de mensagem")


def _announce(name: str, target: Path) -> None:
    """What to type next, from the folder where this was typed."""
    python, folder = sys.executable, str(target.resolve())
    test = _line(python, "-m", "pytest", folder)
    if missing := [tool for tool in ("pytest", "pytest_asyncio") if not find_spec(tool)]:
        test = f"{_install(python, *(tool.replace('_', '-') for tool in missing))} && {test}"
    click.echo(f"Plugin {name} criado em {target}.\n\nAgora, testar, instalar e ligar para o chatbot 1:")
    click.echo(f"  {test}")
    click.echo(f"  {_install(python, '-e', folder)}")
    click.echo(f"  {_wabot()} plugins enable {name} --bot 1")


def _install(python: str, *what: str) -> str:
    """With pip, where this environment has it; uv makes environments without."""
    if shutil.which("uv") or not find_spec("pip"):
        return _line("uv", "pip", "install", "--python", python, *what)
    return _line(python, "-m", "pip", "install", *what)


def _wabot() -> str:
    """The command that is running, by its name alone if the shell finds it so."""
    beside = shutil.which("wabot", path=str(Path(sys.executable).parent))
    if not beside:
        return _line(sys.executable, "-m", "wabot_cli.main")
    return "wabot" if shutil.which("wabot") == beside else _line(beside)


def _line(*words: str) -> str:
    """Words as this system's shell wants them."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
