"""A business and its plugins in the panel, over HTTP: cards, switches, the form, and who may do what."""

import contextlib
import html
import re

import msgspec
import pytest
import pytest_asyncio
from tests.good_config import CONFIGURAVEL
from tests.kit import ECO
from tests.live import add_bot, platform, switch_on
from tests.visitor import Visitor, add_person

from wabot import audit
from wabot.db.engine import DB

SEGREDO = "chave-que-ninguem-ve"
RIVAL = ECO.format(id="rival").replace("data=Nada)", 'data=Nada, keywords=["vitrine"])')


@pytest_asyncio.fixture
async def office(kit, database_uri, tmp_path):
    """Two businesses; Bia is dona of the first."""
    kit.install("vitrine", CONFIGURAVEL)
    kit.install("rival", RIVAL)
    kit.install("quebrado", "raise RuntimeError('falta a biblioteca')")
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(platform(database_uri, tmp_path, worker=False, plugin=None))
        running.other = await add_bot(running.process.settings, "Padaria", phone_number_id="2")

        async def signed_in(papel: str) -> Visitor:
            await add_person(f"{papel}@loja.com.br", **{papel: running.bot.id})
            visitor = Visitor(running.url)
            stack.push_async_callback(visitor.close)
            await visitor.signs_in(f"{papel}@loja.com.br")
            return visitor

        running.signed_in, running.bia = signed_in, await signed_in("dono")
        running.plugins = f"/painel/{running.bot.id}/plugins/"
        yield running


def form_in(page) -> dict[str, list[str]]:
    """What a browser would send of the configuration's form, without its buttons."""
    [form] = re.findall(r'<form class="card".*?</form>', page, re.S)
    sent: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]+>", form):
        about = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in about and (about.get("type") != "checkbox" or re.search(r"\schecked\b", tag)):
            sent.setdefault(about["name"], []).append(html.unescape(about.get("value", "")))
    for name, words in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.S):
        sent[name] = [html.unescape(words)]
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', form, re.S):
        sent[name] = re.findall(r'value="([^"]*)" selected', options)
    return sent


async def save(visitor, address, **changes):
    """Send the form as it stands, with something typed. Names of the plugin's own fields, with _ for a dot."""
    sent = form_in((await visitor.get(address)).text)
    for name, value in changes.items():
        sent[name if name in ("ordem", "acao") else f"config.{name}"] = (
            value if isinstance(value, list) else [value]
        )
    return await visitor.http.post(address, data=sent)


def error_at(page, field):
    found = re.search(rf'id="config-{field.replace(".", "-")}-erro">([^<]+)<', page)
    return html.unescape(found[1]) if found else None


async def binding(office, plugin="vitrine"):
    return await DB.fetchrow(
        "SELECT * FROM plugin_binding WHERE chatbot = $1 AND plugin = $2", office.bot.id, plugin
    )


def card(page, plugin):
    [found] = re.findall(rf'<div class="[^"]*" id="{plugin}">.*?</article>', page, re.S)
    return html.unescape(found)


# -- cards ---------------------------------------------------------------------------------------------------


async def test_a_card_says_what_a_plugin_does_and_offers_to_switch_it_on(office):
    shown = card((await office.bia.get(office.plugins)).text, "vitrine")
    assert "Vitrine" in shown
    assert "Mostra um campo de cada tipo. Serve para testes." in shown
    assert "conversa com clientes" in shown
    assert "versão 1.0.0" in shown
    assert 'role="switch" aria-checked="false"' in shown


async def test_what_stands_in_the_way_is_told_before_anybody_tries(office):
    await switch_on(office.bot, office.process.settings, "vitrine")
    shown = card((await office.bia.get(office.plugins)).text, "rival")
    assert "A palavra “vitrine” já começa um fluxo do plugin Vitrine; desligue antes esse plugin" in shown
    assert "role=switch" not in shown.replace('"', "")


async def test_a_conflict_that_came_up_meanwhile_is_told_and_nothing_is_switched_on(office):
    shown = office.plugins
    token = form_in((await office.bia.get(f"{shown}rival/")).text)["_csrf_token"]
    await switch_on(office.bot, office.process.settings, "vitrine")
    answer = await office.bia.http.post(f"{shown}rival/ligar/", data={"_csrf_token": token})
    assert answer.status_code == 409
    assert "não foi ligado" in answer.text
    assert "já começa um fluxo do plugin vitrine" in answer.text
    assert await binding(office, "rival") is None


async def test_a_broken_plugin_says_whom_to_ask_and_keeps_the_reason_for_them(office):
    shown = card((await office.bia.get(office.plugins)).text, "quebrado")
    assert "Está com defeito nesta instalação. Avise quem cuida dela" in shown
    assert "falta a biblioteca" in shown[shown.index("<details>") :]
    assert 'role="switch"' not in shown
    page = await office.bia.get(f"{office.plugins}quebrado/")
    assert page.status_code == 200
    assert "Salvar" not in page.text


async def test_a_paused_plugin_says_since_when_and_what_customers_read(office):
    await switch_on(office.bot, office.process.settings, "vitrine")
    await DB.execute(
        """INSERT INTO plugin_health (chatbot, plugin, ok, error, since)
           VALUES ($1, 'vitrine', false, 'KeyError: <b>preco</b>', '2026-01-02T12:34:00Z')""",
        office.bot.id,
    )
    shown = card((await office.bia.get(office.plugins)).text, "vitrine")
    assert re.search(r"Pausado por falhas</strong> desde 02/01(/2026)? às 09:34", shown)
    assert "Este atendimento está com um problema agora" in shown
    raw = (await office.bia.get(office.plugins)).text
    assert "<b>preco</b>" not in raw


async def test_a_plugin_that_is_gone_concerns_only_the_chatbot_that_has_it_on(office):
    for bot, plugin in ((office.bot.id, "sumido"), (office.other.id, "alheio")):
        await DB.execute("INSERT INTO plugin_binding (chatbot, plugin) VALUES ($1, $2)", bot, plugin)
    page = (await office.bia.get(office.plugins)).text
    assert "foi desinstalado" in card(page, "sumido")
    assert "alheio" not in page
    assert (await office.bia.get(f"{office.plugins}alheio/")).status_code == 404
    await office.bia.post(f"{office.plugins}sumido/desligar/", page=office.plugins)
    assert not (await binding(office, "sumido"))["enabled"]


async def test_what_is_on_stands_first_in_the_order_in_which_it_is_asked(office):
    await switch_on(office.bot, office.process.settings, "vitrine")
    await switch_on(office.bot, office.process.settings, "pedidos")
    await save(office.bia, f"{office.plugins}vitrine/", ordem="5")
    page = (await office.bia.get(office.plugins)).text
    assert re.findall(r'<div class="[^"]*" id="(\w+)">', page)[:2] == ["vitrine", "pedidos"]


# -- switching -----------------------------------------------------------------------------------------------


async def test_a_switch_changes_it_at_once_and_leaves_a_trail(office):
    answer = await office.bia.post(f"{office.plugins}vitrine/ligar/", page=office.plugins)
    assert answer.headers["location"] == f"{office.plugins}?feito=ligado#vitrine"
    assert office.process.runtimes.get(office.bot.id).plugins == ("vitrine",)
    answer = await office.bia.post(f"{office.plugins}vitrine/desligar/", page=office.plugins)
    assert office.process.runtimes.get(office.bot.id).plugins == ()
    off, on = await audit.entries([office.bot.id], limit=2)
    assert (on.acao, off.acao) == ("ligar", "desligar")
    assert (on.objeto, on.objeto_id, on.quem, on.quem_tipo) == (
        "plugin",
        "vitrine",
        "dono@loja.com.br",
        "pessoa",
    )


@pytest.mark.parametrize("papel", ["leitor", "operador"])
async def test_whoever_is_no_dono_sees_and_cannot_change(office, papel):
    await switch_on(office.bot, office.process.settings, "vitrine")
    visitor = await office.signed_in(papel)
    shown = (await visitor.get(office.plugins)).text
    assert 'role="switch"' not in shown
    assert "com um dono do chatbot" in shown
    page = (await visitor.get(f"{office.plugins}vitrine/")).text
    assert "<fieldset disabled>" in page
    assert "Salvar" not in page
    for path in ("vitrine/", "vitrine/ligar/", "vitrine/desligar/"):
        answer = await visitor.post(
            f"{office.plugins}{path}", page="/painel/senha/", **{"config.nome": "Mau"}
        )
        assert answer.status_code == 403
        assert "é preciso ser dono" in answer.text
    row = await binding(office)
    assert (row["enabled"], row["config"]) == (True, "{}")


async def test_another_business_is_not_there(office):
    theirs = f"/painel/{office.other.id}/plugins/"
    for path in (theirs, f"{theirs}vitrine/"):
        assert (await office.bia.get(path)).status_code == 404
    for path in ("vitrine/", "vitrine/ligar/", "vitrine/desligar/"):
        answer = await office.bia.post(f"{theirs}{path}", page="/painel/senha/", **{"config.nome": "Mau"})
        assert answer.status_code == 404
    assert await DB.fetchval("SELECT count(*) FROM plugin_binding") == 0


@pytest.mark.parametrize("path", ["vitrine/", "vitrine/ligar/", "vitrine/desligar/"])
async def test_another_site_cannot_make_her_browser_change_anything(office, path):
    answer = await office.bia.http.post(f"{office.plugins}{path}", data={"config.nome": "Mau"})
    assert answer.status_code == 403
    assert await binding(office) is None


@pytest.mark.parametrize("plugin", ["nada", "%00", "vitrine'--"])
async def test_a_plugin_that_is_not_there_is_a_page_that_says_so(office, plugin):
    assert (await office.bia.get(f"{office.plugins}{plugin}/")).status_code in (404, 400)
    answer = await office.bia.post(f"{office.plugins}{plugin}/ligar/", page=office.plugins)
    assert answer.status_code in (400, 404, 409)


# -- the form ------------------------------------------------------------------------------------------------


async def test_the_form_changes_the_configuration_and_switches_the_plugin_on(office):
    address = f"{office.plugins}vitrine/"
    answer = await save(
        office.bia,
        address,
        nome="Bar da Bia",
        frete="R$ 7,50",
        dias=["", "seg", "qua"],
        corte="23:15",
        aberta=[""],
        ordem="3",
        **{"horario.ate": "02:00", "bairros": ["", "0"], "bairros.0.nome": "Centro", "bairros.0.taxa": "1.5"},
    )
    assert error_at(answer.text, "bairros.0.taxa") == "Escreva um valor em reais, como 12,90."
    answer = await save(
        office.bia,
        address,
        nome="Bar da Bia",
        frete="R$ 7,50",
        dias=["", "seg", "qua"],
        corte="23:15",
        aberta=[""],
        ordem="3",
        **{
            "horario.ate": "02:00",
            "bairros": ["", "0"],
            "bairros.0.nome": "Centro",
            "bairros.0.taxa": "1,50",
        },
    )
    assert answer.headers["location"] == f"{address}?feito=ligado"
    row = await binding(office)
    stored = msgspec.json.decode(row["config"])
    assert row["priority"] == 3
    assert {
        name: stored[name] for name in ("nome", "frete", "dias", "corte", "aberta", "horario", "bairros")
    } == {
        "nome": "Bar da Bia",
        "frete": 750,
        "dias": ["seg", "qua"],
        "corte": "23:15:00",
        "aberta": False,
        "horario": {"das": "08:00:00", "ate": "02:00:00"},
        "bairros": [{"nome": "Centro", "taxa": 150}],
    }
    assert (await office.bia.get(answer.headers["location"])).text.count("Bar da Bia") == 1


async def test_every_error_stands_at_its_field_and_what_was_typed_is_kept(office):
    answer = await save(
        office.bia, f"{office.plugins}vitrine/", nome="x" * 31, pratos="mil", frete="<script>", ordem="muito"
    )
    page = answer.text
    assert answer.status_code == 400
    assert error_at(page, "nome") == "Pode ter no máximo 30 caracteres."
    assert error_at(page, "pratos") == "Escreva um número inteiro, só com algarismos."
    assert error_at(page, "frete") == "Escreva um valor em reais, como 12,90."
    assert "Há 4 campos a corrigir" in page
    assert "Pratos por pedido: Escreva um número inteiro" in page
    kept = form_in(page)
    assert (kept["config.nome"], kept["config.frete"], kept["ordem"]) == (["x" * 31], ["<script>"], ["muito"])
    assert "<script>" not in page
    [focused] = re.findall(r'id="([^"]+)"[^>]*\sautofocus', page)
    assert focused == "config-nome"
    assert await binding(office) is None


async def test_a_secret_goes_in_and_never_comes_out(office):
    address = f"{office.plugins}vitrine/"
    await save(office.bia, address, chave=SEGREDO)
    row = await binding(office)
    assert "chave" not in row["config"]
    assert SEGREDO not in row["secrets"]
    pages = [
        (await office.bia.get(address)).text,
        (await office.bia.get(office.plugins)).text,
        (await save(office.bia, address, pratos="x")).text,
        (await save(office.bia, address, pratos="x", chave=SEGREDO + "2")).text,
    ]
    assert all(SEGREDO not in page for page in pages)
    assert "não volta à página. Escreva de novo." in pages[3]
    assert "definido</span>" in pages[0]
    [entry] = await audit.entries([office.bot.id], limit=1)
    assert "chave" in entry.campos
    assert SEGREDO not in str(entry)


async def test_a_secret_left_empty_is_kept_and_one_ticked_is_forgotten(office):
    address = f"{office.plugins}vitrine/"
    await save(office.bia, address, chave=SEGREDO)
    await save(office.bia, address, nome="Bar")
    assert (await binding(office))["secrets"]
    await save(office.bia, address, **{"chave.apagar": "sim"})
    assert not (await binding(office))["secrets"]


async def test_the_trail_has_the_names_of_what_changed_and_nothing_if_nothing_did(office):
    address = f"{office.plugins}vitrine/"
    await save(office.bia, address)
    await save(office.bia, address, nome="Bar", ordem="2")
    before = await audit.entries([office.bot.id])
    await save(office.bia, address)
    assert await audit.entries([office.bot.id]) == before
    assert (before[0].acao, before[0].campos) == ("mudar", {"nome": None, "priority": None})


async def test_rows_come_and_go_without_a_script(office):
    address = f"{office.plugins}vitrine/"
    page = (await save(office.bia, address, nome="Bar", acao="mais:config.bairros")).text
    sent = form_in(page)
    assert sent["config.nome"] == ["Bar"]  # not lost
    assert sent["config.bairros"] == ["", "0"]
    assert sent["config.bairros.0.taxa"] == ["R$ 0,00"]
    assert await binding(office) is None  # and not stored
    sent |= {"config.bairros.0.nome": ["Centro"], "acao": ["menos:config.bairros.0"]}
    page = (await office.bia.http.post(address, data=sent)).text
    assert form_in(page)["config.bairros"] == [""]


@pytest.mark.parametrize(
    "sent",
    [
        {"acao": "mais:config.nada"},
        {"acao": "mais:_csrf_token"},
        {"acao": "menos:ordem"},
        {"config.bairros": "x", "config.bairros.x.nome": "y"},
        {"config.__class__": "x", "config.": "y"},
        {"config.extra": "[" * 5000},
        {"ordem": "9" * 5000},
        {"config.nome": "\x00\ud83d"},
        {"config.horario.das.x": "1"},
    ],
)
async def test_nothing_that_can_be_sent_breaks_the_page(office, sent):
    token = form_in((await office.bia.get(f"{office.plugins}vitrine/")).text)["_csrf_token"]
    body = "&".join(
        f"{name}={''.join(f'%{b:02x}' for b in value.encode('utf-8', 'surrogatepass'))}"
        for name, value in {"ordem": "0", "_csrf_token": token[0], **sent}.items()
    )
    answer = await office.bia.http.post(
        f"{office.plugins}vitrine/",
        content=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code in (200, 303, 400)


async def test_the_page_tells_what_starts_the_conversation_and_where_it_leads(office):
    await switch_on(office.bot, office.process.settings, "pedidos")
    page = (await office.bia.get(f"{office.plugins}pedidos/")).text
    assert "fazer pedido" in page
    assert "<svg" in page
    assert "<style" not in page
    assert re.search(r"<code>selecionar_produto</code> leva a [^<]*informar_quantidade", page)
    assert f'href="{office.simulator.url}/"' in page


async def test_tables_that_are_missing_are_told_before_switching_on(office):
    await DB.execute("DELETE FROM migration WHERE app_name = 'wabot_pedidos'")
    shown = card((await office.bia.get(office.plugins)).text, "pedidos")
    assert "wabot migrate" in shown
    assert 'role="switch"' not in shown
