"""A whole plugin, checked in a process of its own: one thing is wrong, and only that is found."""

import json

import pytest
from tests.good_plugin import Folder

from wabot.plugins.check.run import examine


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Written once, with its shapes remembered."""
    folder = Folder.write(tmp_path_factory.mktemp("good") / "wabot-exemplo")
    examine(str(folder.root), update=True)
    return folder


@pytest.fixture
def folder(good, tmp_path):
    return good.copy(tmp_path / "wabot-exemplo")


def check(folder, **options):
    return examine(str(folder.root), **options).findings


def found(folder, **options):
    return [(finding.severity, finding.code, finding.place) for finding in check(folder, **options)]


def test_a_good_plugin_passes_without_a_finding(folder):
    report = examine(str(folder.root), tests=True)
    assert report.findings == []
    assert (report.ok, report.plugin) == (True, "exemplo")


HOOK = "@hookimpl\ndef wabot_flows():"
RETURNS = "return [exemplo]"
THEN = "return Go(perguntar_nome) if escolha is SIM else End(texts.ANOTEI)"


@pytest.mark.parametrize(
    ("file", "old", "new", "severity", "code", "line"),
    [
        ("__init__.py", HOOK, "@hookimpl\ndef wabot_flws():", "error", "hook", None),
        ("__init__.py", HOOK, "@hookimpl\nasync def wabot_flows():", "error", "hook", None),
        ("__init__.py", HOOK, "def wabot_flows():", "error", "hook", None),
        ("__init__.py", HOOK, "@hookimpl\ndef wabot_flows(ctx):", "error", "hook", None),
        ("__init__.py", RETURNS, "return exemplo", "error", "hook", None),
        ("__init__.py", RETURNS, "return [Config]", "error", "hook", None),
        ("__init__.py", "from wabot import Privacy", "import sys; sys.exit(3)\nfrom wabot import Privacy",
         "error", "import", "sys.exit"),
        ("__init__.py", "from wabot import Privacy", "import nao_existe\nfrom wabot import Privacy",
         "error", "import", "nao_existe"),
        ("flow.py", "class Dados", "1 / 0\n\n\nclass Dados", "error", "import", "1 / 0"),
        ("flow.py", "class Dados", "class class Dados", "error", "import", "class class"),
        ("flow.py", "class Dados", "import os; os._exit(0)\n\n\nclass Dados", "error", "ends-process", None),
        ("flow.py", THEN, "return End(texts.ANOTEI)", "warning", "unreachable", None),
        ("flow.py", "version=1", 'version=1, renamed={"velha": "sumida"}', "error", "renamed-nowhere", "Flow.'ex"),
        ("flow.py", "version=1", "version=1, migrations={1: dict}", "warning", "migration-unused", "Flow.'exemplo'"),
        ("config.py", 'title="Token"', "", "warning", "no-label", "token"),
        ("config.py", 'title="Saudação")] = ""', f'title="Saudação")] = "{"x" * 21}"', "error", "default", "saudacao"),
        ("config.py", "token: Annotated[Secret", "token: Annotated[str", "error", "secret", "token"),
        ("migrations/first.py", "exemplo.visita (\n", "publico.visita (\n", "error", "schema-name", "publico.visita"),
        ("migrations/first.py", "SCHEMA exemplo", "SCHEMA outro", "error", "schema-name", "SCHEMA outro"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_at_its_place(folder, file, old, new, severity, code, line):
    folder.breaks(file, old, new)
    findings = [f for f in check(folder) if f.code not in ("shape-changed", "no-chatbot")]
    assert [(finding.severity, finding.code) for finding in findings] == [(severity, code)]
    if line:
        assert findings[0].place == folder.place(file, line.replace("'", '"'))
    elif code == "hook":
        assert findings[0].place.rpartition(":")[0] == str(folder.file(file))


def test_a_wrong_hook_is_told_as_it_should_be_written(folder):
    folder.breaks("__init__.py", HOOK, "@hookimpl\ndef wabot_flws():")
    (finding,) = check(folder)
    assert finding.fix.startswith("troque por wabot_flows;")


def test_a_plugin_that_hangs_is_stopped_and_told_where(folder):
    folder.breaks("flow.py", "class Dados", "import time; time.sleep(60)\n\n\nclass Dados")
    assert found(folder, limit=12) == [("error", "hangs", folder.place("flow.py", "time.sleep"))]


def test_what_was_found_before_a_crash_is_kept(folder):
    folder.breaks("config.py", 'title="Token"', "")
    folder.breaks("flow.py", "async def inicio(ctx):", "async def inicio(ctx):\n    import os; os._exit(7)")
    codes = {code for _, code, _ in found(folder)}
    assert codes >= {"no-label", "ends-process"}


def test_what_a_plugin_prints_does_no_harm(folder):
    folder.breaks("flow.py", "class Dados", 'print("{}[]"); import os; os.write(1, b"x")\n\n\nclass Dados')
    assert found(folder) == []


def test_a_plugin_without_hooks_is_only_warned(folder):
    folder.file("__init__.py").write_text('"""Um exemplo."""\n')
    folder.file("shapes.json").unlink()
    assert found(folder) == [("warning", "declares-nothing", str(folder.file("__init__.py")))]


def test_an_etapa_that_only_leads_to_itself_is_a_dead_end(folder):
    folder.breaks(
        "flow.py", "return End(texts.ANOTEI)\n\n    return Ask", "return Go(perguntar_nome)\n\n    return Ask"
    )
    assert [code for _, code, _ in found(folder)] == ["dead-end"]


@pytest.mark.parametrize(
    ("otherwise", "said"),
    [("restart", "recomeçam do início"), ("hand_over", "vão para uma pessoa")],
)
def test_a_version_without_a_way_from_the_last_one_says_what_becomes_of_conversations(
    folder, otherwise, said
):
    folder.breaks("flow.py", "version=1", f'version=3, migrations={{2: dict}}, otherwise="{otherwise}"')
    (finding,) = [finding for finding in check(folder, update=True) if finding.code == "migration-missing"]
    assert "migrations[1]" in finding.message
    assert said in finding.message
    assert finding.place == folder.place("flow.py", "version=3")


def override(folder, etapa):
    folder.breaks("__init__.py", "import Privacy", "import Override, Privacy")
    hook = f'@hookimpl\ndef wabot_overrides():\n    return [Override("{etapa}", replace=apagar)]\n'
    file = folder.file("__init__.py")
    file.write_text(f"{file.read_text()}\n\n{hook}")
    return folder.place("__init__.py", "Override\\(")


@pytest.mark.parametrize(
    ("etapa", "expected"),
    [
        ("pedidos.confirmar_pedido", []),
        ("pedidos.confirmar_tudo", [("error", "override-nothing")]),
        ("padaria.confirmar", [("warning", "override-unknown")]),
        ("exemplo.inicio", []),
    ],
)
def test_an_override_names_an_etapa_that_exists(folder, etapa, expected):
    place = override(folder, etapa)
    assert found(folder) == [(severity, code, place) for severity, code in expected]


def test_config_versions_without_a_migration_are_told(folder):
    folder.breaks("__init__.py", "return Config", "return Versioned(Config, 2)")
    folder.breaks("__init__.py", "import Privacy", "import Privacy, Versioned")
    assert [code for _, code, _ in found(folder, update=True)] == ["migration-missing"]


# -- shapes ------------------------------------------------------------------------------------------------


def test_a_shape_that_changed_without_its_version_is_an_error_that_names_the_fields(folder):
    folder.breaks("flow.py", "    preco: int = 0", "    preco: float = 0\n    cor: str = ''")
    (finding,) = check(folder)
    assert (finding.severity, finding.code) == ("error", "shape-changed")
    assert finding.place == folder.place("flow.py", "class Dados")
    assert "do fluxo exemplo mudou" in finding.message
    assert "mudou itens[].preco; entrou itens[].cor" in finding.message
    for step in ("version=2", "migrations={1", "--update"):
        assert step in finding.fix


def test_a_shape_that_changed_with_its_version_wants_to_be_remembered_and_then_passes(folder):
    folder.breaks("flow.py", "    nome: str = ", "    cor: str = ''\n    nome: str = ")
    folder.breaks("flow.py", "version=1", "version=2, migrations={1: dict}")
    assert [(severity, code) for severity, code, _ in found(folder)] == [("warning", "shape-raised")]
    assert found(folder, update=True) == []
    assert found(folder) == []


def test_a_shape_that_changed_without_its_version_cannot_be_remembered_away(folder):
    before = folder.file("shapes.json").read_bytes()
    folder.breaks("flow.py", "    nome: str = ", "    cor: str = ''\n    nome: str = ")
    assert [code for _, code, _ in found(folder, update=True)] == ["shape-changed"]
    assert folder.file("shapes.json").read_bytes() == before


def test_a_changed_config_is_a_changed_shape_too(folder):
    folder.breaks(
        "config.py", "    chave_pix", "    cor: Annotated[str, Meta(title='Cor')] = ''\n    chave_pix"
    )
    (finding,) = check(folder)
    assert finding.code == "shape-changed"
    assert "da configuração mudou, e a versão não: entrou cor." in finding.message


def test_titles_defaults_and_names_of_classes_are_not_the_shape(folder):
    folder.breaks("config.py", '"Token"', '"Chave de acesso"')
    folder.breaks(
        "flow.py", "class Dados(msgspec.Struct):", 'class Outros(msgspec.Struct):\n    """Outro."""\n'
    )
    folder.breaks("flow.py", "data=Dados", "data=Outros")
    folder.breaks("flow.py", '    nome: str = ""', '    nome: str = "x"')
    assert found(folder) == []


def test_a_version_that_went_back_is_an_error(folder):
    file = folder.file("shapes.json")
    shapes = json.loads(file.read_text())
    shapes["flows"]["exemplo"]["version"] = 2
    file.write_text(json.dumps(shapes))
    assert [(severity, code) for severity, code, _ in found(folder)] == [("error", "shape-version")]


def test_a_plugin_without_its_shapes_is_told_how_to_write_them(folder):
    folder.file("shapes.json").unlink()
    (finding,) = check(folder)
    assert (finding.severity, finding.code) == ("warning", "shapes-missing")
    assert finding.fix == f"wabot plugins check {folder.root} --update"
    assert found(folder, update=True) == []
    assert set(json.loads(folder.file("shapes.json").read_text())["flows"]) == {"exemplo"}


def test_shapes_that_cannot_be_read_are_an_error(folder):
    folder.file("shapes.json").write_text("<<<<<<< HEAD")
    assert found(folder) == [("error", "shapes", f"{folder.file('shapes.json')}:1")]


# -- data --------------------------------------------------------------------------------------------------


def without_privacy(folder):
    folder.breaks("__init__.py", "@hookimpl\ndef wabot_privacy", "def privacidade")


def test_a_table_of_people_needs_a_way_to_hand_over_and_erase(folder):
    without_privacy(folder)
    assert found(folder) == [
        ("error", "privacy-missing", folder.place("migrations/first.py", "exemplo.visita"))
    ]


@pytest.mark.parametrize("column", ["telefone text", "Telefone text"])
def test_a_column_that_comes_later_counts(folder, column):
    for file in ("migrations/first.py", "tables.py"):
        folder.breaks(file, "    cliente ", "    alguem ")
    folder.breaks(
        "migrations/first.py", "SQL =", f'ADD = "ALTER TABLE exemplo.visita ADD COLUMN {column}"\nSQL ='
    )
    without_privacy(folder)
    assert found(folder) == [("error", "privacy-missing", folder.place("migrations/first.py", "ALTER TABLE"))]


def test_tables_of_nobody_need_no_privacy(folder):
    for file in ("migrations/first.py", "tables.py"):
        folder.breaks(
            file, "    cliente ", "    -- cliente\n    alguem " if file[0] == "m" else "    alguem "
        )
    without_privacy(folder)
    assert found(folder) == []


def test_a_table_of_no_chatbot_is_a_warning_and_so_are_those_that_belong_to_it(folder):
    folder.breaks(
        "migrations/first.py", "    chatbot integer NOT NULL REFERENCES public.chatbot, -- whose it is\n", ""
    )
    folder.breaks("tables.py", "    chatbot = Integer()\n", "")
    assert found(folder) == [
        ("warning", "no-chatbot", folder.place("migrations/first.py", "TABLE exemplo.visita")),
        ("warning", "no-chatbot", folder.place("migrations/first.py", "TABLE exemplo.linha")),
    ]


# -- talking to it -----------------------------------------------------------------------------------------

INICIO = "async def inicio(ctx):\n"


@pytest.mark.parametrize(
    ("code", "body", "said"),
    [
        ("contract-raises", "raise KeyError('x')", "oi"),
        ("contract-raises", "ctx.message.text == 'oi' or [][1]", "uma foto"),
        ("contract-raises", "ctx.message.text == '👍' and [][1]", "um emoji"),
        ("contract-raises", "len(ctx.message.text) > 4999 and [][1]", "5.000 letras"),
        ("contract-raises", "ctx.message.text or ctx.message.kind != 'text' or [][1]", "um texto vazio"),
        ("contract-raises", "import sys; sys.exit(1)", "oi"),
        ("contract-silent", "return End('')", "oi"),
        ("contract-reply", "return Ask('Veja', check=str, then=End, image='foto.png')", "oi"),
        ("contract-reply", "return Choose('  ', among=['a', 'b'], then=End)", "oi"),
    ],
)
def test_a_flow_answers_whatever_a_customer_sends(folder, code, body, said):
    folder.breaks("flow.py", INICIO, f"{INICIO}    {body}\n")
    findings = [finding for finding in check(folder) if finding.code.startswith("contract")]
    assert {finding.code for finding in findings} == {code}
    assert said in findings[0].message
    if code == "contract-raises":
        assert findings[0].place == f"{folder.file('flow.py')}:{_line_after(folder, INICIO)}"


def _line_after(folder, words):
    text = folder.file("flow.py").read_text()
    return text[: text.index(words)].count("\n") + 2


def test_data_that_comes_back_different_is_told(folder):
    folder.breaks("flow.py", "    nome: str = ", "    valor: object = 0\n    nome: str = ")
    folder.breaks("flow.py", INICIO, f"{INICIO}    ctx.data.nome = 5\n")
    findings = [finding for finding in check(folder) if finding.code.startswith("contract")]
    assert [finding.code for finding in findings][:1] == ["contract-state"]


@pytest.mark.parametrize(
    "query", ["DB.fetch('SELECT 1')", "Visita.select()", "DB.transaction().__aenter__()"]
)
def test_a_flow_that_asks_the_database_is_left_alone(folder, query):
    folder.breaks("flow.py", INICIO, f"{INICIO}    await {query}\n")
    folder.breaks("flow.py", "import texts", "import texts\nfrom wabot_exemplo.tables import DB, Visita")
    assert [(severity, code) for severity, code, _ in found(folder)] == [("info", "contract-skipped")]


# -- its own tests -----------------------------------------------------------------------------------------


def test_the_plugin_s_own_tests_that_fail_are_an_error_with_their_summary(folder):
    folder.breaks("tests/test_exemplo.py", "== 2", "== 3")
    assert found(folder) == []
    (finding,) = check(folder, tests=True)
    assert (finding.severity, finding.code) == ("error", "tests")
    assert "1 failed" in finding.message
    assert finding.place == folder.place("tests/test_exemplo.py", "== 3")


def test_a_plugin_without_tests_is_warned(folder):
    folder.file("tests/test_exemplo.py").unlink()
    assert [(severity, code) for severity, code, _ in found(folder, tests=True)] == [("warning", "tests")]


def test_a_pyproject_that_cannot_be_read_is_one_error(folder):
    folder.breaks("pyproject.toml", "[project]", "[project")
    assert [(severity, code) for severity, code, _ in found(folder)] == [("error", "pyproject")]
