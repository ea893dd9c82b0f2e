"""After a full run, with everything that can fail having failed: no secret anywhere it could be read, and no words and
no phone of a customer in the logs."""

import logging

import msgspec
from tests.document import operations
from tests.good_config import CONFIGURAVEL
from tests.live import platform, switch_on, until
from tests.person import everything
from tests.visitor import Visitor, add_person

from wabot import chatbots, tokens
from wabot.db.engine import DB
from wabot.logs import _Json
from wabot.vault import Vault

SECRETS = {
    "access_token": "EAAsegredodoacesso",
    "app_secret": "segredo-do-aplicativo",
    "verify_token": "segredo-da-verificacao",
    "chave": "segredo-da-vitrine",
    "senha": "segredo da dona",
}
WORDS = "palavras que só a Ana escreveu"
NUMBER = "5531980012345"


class Said(logging.Handler):
    """Every line of every logger, as it would be written."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []
        self.setFormatter(_Json())

    def emit(self, record):
        self.lines.append(self.format(record))


async def test_a_full_run_leaves_no_secret_to_be_read_and_no_customer_in_the_logs(
    kit, database_uri, tmp_path, monkeypatch
):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", ())
    kit.install("vitrine", CONFIGURAVEL)
    kit.install("quebrado", QUEBRADO)
    said = Said()
    logging.getLogger().addHandler(said)
    monkeypatch.setattr(logging.getLogger("wabot"), "level", logging.DEBUG)
    try:
        async with platform(database_uri, tmp_path, plugin="quebrado") as live:
            token = await full_run(live)
            answers = await everything_there_is_to_read(live)
        rows = b"\n".join(
            b"%s %s" % (where.encode(), what) for where, what in await dumped(database_uri, tmp_path)
        )
    finally:
        logging.getLogger().removeHandler(said)
    logged = "\n".join(said.lines)
    assert "quebrado" in logged  # the failure was logged: there was something to leak
    for name, secret in {**SECRETS, "token": token}.items():
        assert secret not in answers, name
        assert secret not in logged, name
        assert secret.encode() not in rows, name
    for personal in (WORDS, NUMBER, NUMBER[2:], NUMBER[:4] + NUMBER[5:]):
        assert personal not in logged


async def full_run(live):
    """A bot with secrets of its own, a plugin that keeps one, a person, a token; a customer is answered and is not."""
    settings = live.process.settings
    given = {name: SECRETS[name] for name in ("access_token", "verify_token")}
    await chatbots.change(live.bot.id, given, Vault(settings.secret_keys))
    await switch_on(live.bot, settings, "vitrine", chave=SECRETS["chave"])
    await live.process.runtimes.load()
    await add_person("dona@loja.com.br", dono=live.bot.id)
    ana = live.simulator.customer("Ana", NUMBER)
    await ana.says("oi")
    await ana.sees("Como posso ajudar?")
    await ana.taps("Quebrado")
    await ana.sees("Diga.")
    await ana.says(WORDS)
    await ana.sees("Tivemos um problema")
    ana.cannot_receive(131047)
    await ana.says(WORDS)
    await live.deliver(b'{"entry": 1, "de": "' + NUMBER.encode() + b'", "texto": "' + WORDS.encode() + b'"}')
    await live.deliver({"entry": []}, secret="outro segredo")
    await until(lambda: failed())
    return (await tokens.create("erp", [live.bot.id], writes=True)).token


async def failed():
    return await DB.fetchval("SELECT count(*) FROM outbox WHERE state = 'falhou'") > 0


async def everything_there_is_to_read(live):
    """What every GET of the API answers, every table of the admin, and the pages of the panel."""
    api = await live.api()
    found = [
        (await api.get(path.replace("{id}", "1").replace("{plugin}", "vitrine"))).text
        for method, path in operations()
        if method == "get"
    ]
    root = Visitor(live.url)
    await add_person("raiz@wabot.com.br", superuser=True)
    await root.signs_in("raiz@wabot.com.br")
    panel, admin = f"/painel/{live.bot.id}/", "/admin/api/tables/"
    pages = [panel, f"{panel}plugins/", f"{panel}plugins/vitrine/", f"{panel}paradas/", "/admin/", admin]
    for table in msgspec.json.decode((await root.get(admin)).content):
        pages += [f"{admin}{table}/", f"{admin}{table}/schema/", f"{admin}{table}/1/"]
    found += [(await root.get(page)).text for page in pages]
    assert any("Chave do mapa" in text for text in found)  # the form was there, and its secret was not
    await root.close()
    return "\n".join(found)


async def dumped(database_uri, folder):
    await DB.open(database_uri)
    try:
        return list(await everything(folder / "media"))
    finally:
        await DB.close()


QUEBRADO = '''
"""Quebrado: falha com o que ouviu."""
import msgspec
from wabot import Ask, End, Flow, hookimpl

class Nada(msgspec.Struct):
    pass

quebrado = Flow("quebrado", data=Nada)

@quebrado.etapa
async def ouvir(ctx):
    def then(words):
        raise ValueError(f"não sei o que é {words}, de {ctx.cliente}")
    return Ask("Diga.", check=str, then=then)

@hookimpl
def wabot_flows():
    return [quebrado]
'''
