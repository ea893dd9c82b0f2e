"""Each check by itself: the plugin has one thing wrong, and the finding names it and the place."""

import pytest
from tests.good_plugin import Folder

from wabot.hookspecs import About
from wabot.plugins.check import hooks, metadata, shapes, wording
from wabot.plugins.check.project import BadProject, NoPlugin, find
from wabot.plugins.check.spelling import WORDS, misspelt
from wabot.text import fold


@pytest.fixture
def folder(tmp_path):
    return Folder.write(tmp_path / "wabot-exemplo")


def of_metadata(folder):
    return [(finding.code, finding.place) for finding in metadata.check(find(str(folder.root)))]


def of_wording(folder):
    return [(finding.code, finding.place) for finding in wording.check(find(str(folder.root)).package)]


def test_a_good_plugin_has_good_metadata_and_says_things_right(folder):
    assert of_metadata(folder) == []
    assert of_wording(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ('exemplo = "wabot_exemplo"', "", "entry-point", "entry-points"),
        (
            'exemplo = "wabot_exemplo"',
            'exemplo = "wabot_exemplo"\noutro = "wabot_exemplo"',
            "entry-point",
            "entry-points",
        ),
        ('name = "wabot-exemplo"', 'name = "exemplo"', "distribution-name", "^name"),
        ('version = "1.0.0"', 'version = "um"', "version", "^version"),
        ('version = "1.0.0"', "", "version", "project"),
        ('readme = "README.md"', "", "readme", "project"),
        ('readme = "README.md"', 'readme = "LEIAME.md"', "readme", "project"),
        ('requires-python = ">=3.11"', "", "requires-python", "project"),
    ],
    ids=[
        "no entry point",
        "two entry points",
        "name",
        "bad version",
        "no version",
        "no readme",
        "lost readme",
        "python",
    ],
)
def test_wrong_metadata_is_told_with_its_line(folder, old, new, code, line):
    folder.breaks("pyproject.toml", old, new)
    assert of_metadata(folder) == [(code, folder.place("pyproject.toml", line))]


@pytest.mark.parametrize(
    "requires",
    ["", '"outra>=1"', '"wabot"', '"wabot>=1"', '"wabot<2"', '"wabot>=98,<99"', '"wabot>=0.1,<0.2"'],
    ids=["nothing", "another", "no bounds", "no upper", "no lower", "newer", "older"],
)
def test_a_plugin_says_which_wabot_it_needs_from_and_up_to(folder, requires):
    text = folder.file("pyproject.toml").read_text()
    wanted = next(line for line in text.splitlines() if line.startswith("dependencies"))
    folder.breaks("pyproject.toml", wanted, f"dependencies = [{requires}]")
    assert [code for code, _ in of_metadata(folder)] == ["requires-wabot"]


@pytest.mark.parametrize("requires", ['"wabot~=1.0"', '"wabot==1.*"', '"WABOT>=1,<2"'])
def test_other_ways_of_writing_both_bounds_are_as_good(folder, requires):
    text = folder.file("pyproject.toml").read_text()
    wanted = next(line for line in text.splitlines() if line.startswith("dependencies"))
    folder.breaks("pyproject.toml", wanted, f"dependencies = [{requires}]")
    assert of_metadata(folder) == []


def test_a_module_named_differently_from_the_plugin_is_told(folder):
    folder.file("pyproject.toml").parent.joinpath("src/wabot_exemplo").rename(folder.root / "src" / "coisa")
    folder.breaks("pyproject.toml", '"wabot_exemplo"', '"coisa"')
    assert of_metadata(folder) == [("module-name", folder.place("pyproject.toml", "^exemplo"))]


def test_a_module_that_is_not_there_is_told(folder):
    (folder.root / "src" / "wabot_exemplo").rename(folder.root / "src" / "coisa")
    assert of_metadata(folder) == [("module-missing", folder.place("pyproject.toml", "^exemplo"))]


def test_a_module_without_a_docstring_has_no_title(folder):
    folder.breaks("__init__.py", '"""Um exemplo: pergunta o nome e anota."""\n', "")
    assert of_metadata(folder) == [("no-title", f"{folder.file('__init__.py')}:1")]


def test_a_folder_without_a_project_and_an_unknown_id_are_no_plugin(folder):
    for target in (str(folder.root / "src"), "nao_existe"):
        with pytest.raises(NoPlugin):
            find(target)


def test_a_pyproject_that_cannot_be_read_is_told(folder):
    folder.breaks("pyproject.toml", "[project]", "[project")
    with pytest.raises(BadProject):
        find(str(folder.root))


def test_an_installed_plugin_is_found_by_its_id_where_its_source_is():
    found = find("pedidos")
    assert (found.id, found.module, found.distribution) == ("pedidos", "wabot_pedidos", "wabot-pedidos")
    assert found.init.endswith("wabot_pedidos/__init__.py")


INSTALLED = """\
Metadata-Version: 2.1
Name: wabot-exemplo
Version: 1.0
Requires-Dist: wabot>=1,<2
Requires-Python: >=3.11

# wabot-exemplo
"""


@pytest.mark.parametrize(
    ("left_out", "codes"),
    [("nothing", []), ("# wabot-exemplo", ["readme"]), ("Requires-Python: >=3.11\n", ["requires-python"])],
)
def test_an_installed_wheel_is_checked_by_what_its_metadata_say(folder, monkeypatch, left_out, codes):
    site = folder.root / "src"
    info = site / "wabot_exemplo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(INSTALLED.replace(left_out, ""))
    (info / "entry_points.txt").write_text("[wabot]\nexemplo = wabot_exemplo\n")
    monkeypatch.syspath_prepend(site)
    assert [finding.code for finding in metadata.check(find("exemplo"))] == codes


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "line"),
    [
        ("texts.py", 'SIM = "Sim"', 'SIM = "Sim, quero que me mostrem tudo"', "too-long", "^SIM"),
        ("flow.py", '"Fica para depois"', f'"{"x" * 73}"', "too-long", "xxx"),
        ("flow.py", "then=then)", f'then=then, button="{"x" * 21}")', "too-long", "xxx"),
        ("flow.py", "among=[SIM, NAO]", f'among=["{"x" * 25}", NAO]', "too-long", "xxx"),
        ("texts.py", 'OI = "Olá', f'OI = "Olá {"x " * 600}', "too-long", "^OI"),
        ("texts.py", 'QUAL_NOME = "Qual', f'QUAL_NOME = "{"x " * 2100}Qual', "too-long", "^QUAL"),
        ("texts.py", "Vamos começar?", "Voce comeca?", "spelling", "^OI"),
        ("texts.py", '"Até logo!"', '"Ate logo!"', "spelling", "Ate logo"),
        ("flow.py", '"Fica para depois"', '"Nao agora"', "spelling", "Nao agora"),
        ("flow.py", "End(texts.ANOTEI)", 'End("Ate logo" + "!")', "spelling", "Ate logo"),
        ("flow.py", "texts.OI.format", '"Olá, voce{nome}".format', "spelling", "voce"),
        ("flow.py", 'texts.OI.format(nome="")', 'f"Olá, voce {ctx.cliente.nome}"', "spelling", "voce"),
        ("config.py", '"Saudação"', '"Saudacao, nao?"', "spelling", "Saudacao"),
    ],
)
def test_words_that_are_too_long_or_lack_their_accents_are_told_with_their_line(
    folder, file, old, new, code, line
):
    folder.breaks(file, old, new)
    assert of_wording(folder) == [(code, folder.place(file, line))]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("flow.py", '["cardapio"]', '["cardapio", "nao", "opcao"]'),
        ("flow.py", 'Option("nao"', 'Option("voce_nao"'),
        ("texts.py", "Olá{nome}!", "Olá{voce}!"),
        ("texts.py", "Até logo!", "https://loja.example/opcao/numero"),
        ("flow.py", "import msgspec\n", 'import msgspec\n\nSQL = "SELECT numero FROM endereco"\n'),
        ("texts.py", "PALAVRAS", "PALAVRAS_DE_AJUDA"),
        ("texts.py", "OI = ", 'OI = OI or "" or '),
    ],
    ids=["keywords", "keys", "placeholders", "links", "SQL", "words to compare", "a name of itself"],
)
def test_what_no_customer_reads_needs_no_accents(folder, file, old, new):
    folder.breaks(file, old, new)
    assert of_wording(folder) == []


def test_a_text_of_which_only_the_placeholders_make_it_long_is_not_too_long(folder):
    folder.breaks("texts.py", 'SIM = "Sim"', 'SIM = "Sim {um_nome_bem_comprido_para_isso}"')
    assert of_wording(folder) == []


def test_templates_are_read_between_their_tags(folder):
    page = folder.file("templates/pagina.html")
    page.parent.mkdir()
    page.write_text('<p class="nao">\n{{ opcao }} Olá\n<b>Voce</b></p>\n<script>nao()</script>\n')
    assert of_wording(folder) == [("spelling", f"{page}:3")]


def test_a_misspelt_word_is_given_back_as_it_was_written():
    assert list(misspelt("Voce NAO tem opcao, voce_nao. {numero}")) == [
        ("Voce", "Você"),
        ("NAO", "NÃO"),
        ("opcao", "opção"),
    ]


def test_every_word_of_the_list_differs_from_the_right_one_only_in_its_accents():
    assert len(WORDS) >= 60
    assert {wrong: right for wrong, right in WORDS.items() if fold(right) != wrong or wrong == right} == {}


@pytest.mark.parametrize(
    ("about", "requires", "codes"),
    [
        (About("flow", (), True, "1.0"), "wabot>=1,<2", []),
        (About("flow", (), True, "1.0", "2.0", "wabot_conversas"), "wabot>=1,<2", ["hook-deprecated"]),
        (About("flow", (), True, "1.0"), "wabot>=0.9,<2", ["hook-too-new"]),
        (About("flow", (), True, "1.0"), "wabot", []),
    ],
    ids=["as it should be", "going", "newer than what is asked for", "nothing asked for"],
)
def test_a_hook_that_is_going_or_too_new_is_a_warning(about, requires, codes):
    found = list(hooks.aged("wabot_flows", about, [requires], "x.py:3"))
    assert [(finding.severity, finding.code, finding.place) for finding in found] == [
        ("warning", code, "x.py:3") for code in codes
    ]


def test_the_warning_of_a_deprecated_hook_says_since_when_until_when_and_what_instead():
    about = About("flow", (), True, "1.0", "2.0", "wabot_conversas")
    (found,) = hooks.aged("wabot_flows", about, [], "")
    assert "1.0" in found.message
    assert "2.0" in found.message
    assert "wabot_conversas" in found.fix


OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"a": {"type": "integer"}, "b": {"type": "string"}}, "entrou b"),
        ({}, "saiu a"),
        ({"a": {"type": "string"}}, "mudou a"),
        ({"a": {"type": "array", "items": {"type": "integer"}}}, "mudou a"),
        ({"b": {"type": "integer"}}, "entrou b; saiu a"),
        ({"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, "mudou a"),
    ],
)
def test_a_difference_names_the_fields(now, said):
    assert shapes.difference(OBJECT, {"type": "object", "properties": now}) == said


def test_a_field_of_a_field_is_named_with_its_path():
    def carrinho(preco):
        item = {"type": "object", "properties": {"preco": {"type": preco}}}
        itens = {"type": "array", "items": {"$ref": "#/$defs/Item"}}
        return {"type": "object", "properties": {"itens": itens}, "$defs": {"Item": item}}

    assert shapes.difference(carrinho("integer"), carrinho("number")) == "mudou itens[].preco"


def test_a_shape_within_itself_ends():
    node = {"type": "object", "properties": {"filho": {"$ref": "#/$defs/N"}}}
    assert shapes.parts({"$ref": "#/$defs/N", "$defs": {"N": node}})["filho"] == {"again": 1}
