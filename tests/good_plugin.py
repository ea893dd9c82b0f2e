"""A small plugin with nothing wrong, written into a folder, for tests that break one thing in it."""

import re
import shutil
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version

WABOT = Version(version("wabot"))

FILES = {
    "README.md": "# wabot-exemplo\n",
    "pyproject.toml": f"""\
[project]
name = "wabot-exemplo"
version = "1.0.0"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["wabot>={WABOT.major}.{WABOT.minor},<{WABOT.major + 1}"]

[project.entry-points.wabot]
exemplo = "wabot_exemplo"
""",
    "src/wabot_exemplo/__init__.py": '''\
"""Um exemplo: pergunta o nome e anota."""

from wabot import Privacy, hookimpl
from wabot_exemplo.config import Config
from wabot_exemplo.flow import exemplo


@hookimpl
def wabot_config():
    return Config


@hookimpl
def wabot_flows():
    return [exemplo]


@hookimpl
def wabot_tables():
    from wabot_exemplo.tables import APP_CONFIG

    return APP_CONFIG


async def exportar(chatbot, cliente):
    return {}


async def apagar(chatbot, cliente):
    return 0


@hookimpl
def wabot_privacy():
    return Privacy(exportar, apagar)
''',
    "src/wabot_exemplo/config.py": """\
from typing import Annotated

import msgspec
from msgspec import Meta

from wabot import Secret


class Config(msgspec.Struct, frozen=True):
    saudacao: Annotated[str, Meta(max_length=20, title="Saudação")] = ""
    token: Annotated[Secret, Meta(title="Token")] = ""
    chave_pix: Annotated[str, Meta(title="Chave Pix")] = ""
""",
    "src/wabot_exemplo/texts.py": """\
OI = "Olá{nome}! Vamos começar?"
SIM = "Sim"
NAO = "Não"
QUAL_NOME = "Qual é o seu nome?"
ANOTEI = (
    "Anotei. "
    "Até logo!"
)
PALAVRAS = ["opcao", "nao"]
""",
    "src/wabot_exemplo/flow.py": """\
import msgspec

from wabot import Ask, Choose, End, Flow, Go, Option
from wabot_exemplo import texts


class Item(msgspec.Struct):
    nome: str
    preco: int = 0


class Dados(msgspec.Struct):
    nome: str = ""
    itens: list[Item] = []


exemplo = Flow("exemplo", data=Dados, version=1, keywords=["cardapio"])

SIM, NAO = Option("sim", texts.SIM), Option("nao", texts.NAO, "Fica para depois")


@exemplo.etapa
async def inicio(ctx):
    def then(escolha):
        return Go(perguntar_nome) if escolha is SIM else End(texts.ANOTEI)

    return Choose(texts.OI.format(nome=""), among=[SIM, NAO], then=then)


@exemplo.etapa
async def perguntar_nome(ctx):
    def then(nome):
        ctx.data.nome = nome
        return End(texts.ANOTEI)

    return Ask(texts.QUAL_NOME, check=str, then=then)
""",
    "src/wabot_exemplo/tables.py": """\
from pathlib import Path

from piccolo.columns import BigInt, BigSerial, ForeignKey, Integer
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from wabot import DB


class Visita(Table, db=DB, schema="exemplo", tablename="visita"):
    id = BigSerial(primary_key=True)
    chatbot = Integer()
    cliente = BigInt()


class Linha(Table, db=DB, schema="exemplo", tablename="linha"):
    id = BigSerial(primary_key=True)
    visita = ForeignKey(Visita)


APP_CONFIG = AppConfig(
    app_name="wabot_exemplo",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[Visita, Linha],
)
""",
    "src/wabot_exemplo/migrations/__init__.py": "",
    "src/wabot_exemplo/migrations/first.py": '''\
SQL = """
CREATE SCHEMA exemplo;
CREATE TABLE exemplo.visita (
    id bigint PRIMARY KEY,
    chatbot integer NOT NULL REFERENCES public.chatbot, -- whose it is
    cliente bigint NOT NULL
);
CREATE TABLE exemplo.linha (
    id bigint PRIMARY KEY,
    visita bigint NOT NULL REFERENCES exemplo.visita (id)
);
"""
''',
    "tests/test_exemplo.py": "def test_it():\n    assert 1 + 1 == 2\n",
}


class Folder:
    """The plugin's project folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def write(cls, root: Path) -> "Folder":
        for name, text in FILES.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return cls(root)

    def copy(self, to: Path) -> "Folder":
        shutil.copytree(self.root, to)
        return Folder(to)

    def file(self, name: str) -> Path:
        """A file of the project, or of its package by its short name."""
        path = self.root / name
        return path if name in FILES and path.exists() else self.root / "src" / "wabot_exemplo" / name

    def breaks(self, name: str, old: str, new: str) -> None:
        """Write one thing differently; it must be there."""
        text = self.file(name).read_text(encoding="utf-8")
        assert old in text
        self.file(name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def place(self, name: str, words: str) -> str:
        """file:line of the first line that matches the words."""
        lines = self.file(name).read_text(encoding="utf-8").splitlines()
        return f"{self.file(name)}:{next(n for n, line in enumerate(lines, 1) if re.search(words, line))}"
