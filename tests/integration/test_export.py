"""One person's data as one archive: everything of theirs, nothing of anybody else's."""

import zipfile

import msgspec
import pytest
import pytest_asyncio
from tests.bots import add_bot, add_cliente, conversa_of
from tests.integration.test_erase import ANA, BIA, OTHER, WORD
from tests.person import plant

from wabot.db.engine import DB
from wabot.merges import join
from wabot.plugins.registry import load_registry
from wabot.privacy import export as module
from wabot.privacy.export import export
from wabot.privacy.subject import NoSuchCliente
from wabot.storage import STORAGE


@pytest_asyncio.fixture
async def bot(database, tmp_path):
    STORAGE.open(tmp_path)
    yield await add_bot()
    STORAGE.close()


@pytest_asyncio.fixture
async def exported(bot, tmp_path):
    """What the archive of a cliente holds, by name."""
    registry = await load_registry()

    async def made(cliente):
        path = tmp_path / "dados.zip"
        await export(registry, bot.id, cliente, path)
        assert [found.name for found in tmp_path.glob("dados*")] == ["dados.zip"]
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}

    return made


async def test_the_archive_has_all_that_is_known_of_the_person(bot, exported):
    ana, _ = await plant(bot, WORD, ANA), await plant(bot, OTHER, BIA)
    archive = await exported(ana.cliente)
    data = msgspec.json.decode(archive["dados.json"])
    assert (
        data["cadastro"][0] | {"nome": f"Nome {WORD}", "telefone": ANA, "bsuid": ana.bsuid}
        == data["cadastro"][0]
    )
    assert data["conversas"][0]["dados"] == {"nota": WORD}
    assert [each["palavras"] for each in data["consentimentos"]] == [f"sair {WORD}"]
    assert len(data["mensagens_recebidas"]) == 11
    assert data["mensagens_recebidas"][0]["texto"] == WORD
    assert len(data["mensagens_enviadas"]) == 4
    assert data["acontecimentos"][0]["campos"] == {"nota": WORD}
    assert {each["tipo"] for each in data["identificadores"]} == {"bsuid", "wa_id"}
    assert data["plugins"]["pedidos"][0]["pedidos"][0]["total"] == 4200
    assert (len(data["recibos"]), len(data["avisos"]), len(data["quarentena"])) == (2, 1, 2)
    assert not any(OTHER.encode() in content or BIA.encode() in content for content in archive.values())
    assert "LGPD" in archive["LEIA-ME.txt"].decode()


async def test_every_file_is_in_it_under_the_name_that_the_data_tells(bot, exported):
    ana = await plant(bot, WORD, ANA)
    archive = await exported(ana.cliente)
    told = msgspec.json.decode(archive["dados.json"])["arquivos"]
    assert [archive[each["arquivo"]] for each in told] == [f"arquivo de {WORD}".encode()] * 2
    assert told[0]["nome"] == f"{WORD}.png"


async def test_clientes_that_were_merged_are_handed_over_together(bot, exported):
    ana, again = await plant(bot, WORD, ANA), await plant(bot, OTHER, BIA)
    await join(bot.id, ana.cliente, again.cliente, "mesma pessoa", "teste")
    data = msgspec.json.decode((await exported(again.cliente))["dados.json"])
    assert len(data["cadastro"]) == len(data["conversas"]) == 2
    assert len(data["mensagens_recebidas"]) == 22


async def test_what_nobody_can_read_does_not_stop_an_export(bot, exported):
    cliente = await add_cliente(bot)
    for number, raw in enumerate((b'{"text": {"body": "\\ud800"}, "id": "1"}', b"\xff nem json", b"[1e999]")):
        await DB.execute(
            """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state)
               VALUES ($1, $2, $3, 'text', now(), $4, 'atendida')""",
            bot.id, await conversa_of(cliente), f"w{number}", raw,
        )  # fmt: skip
    data = msgspec.json.decode((await exported(cliente))["dados.json"])
    assert len(data["mensagens_recebidas"]) == 3


async def test_a_long_history_comes_page_by_page(bot, exported, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 2)
    cliente = await add_cliente(bot)
    await DB.execute(
        """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state)
           SELECT $1, $2, n::text, 'text', now(), '{}', 'atendida' FROM generate_series(1, 7) AS n""",
        bot.id, await conversa_of(cliente),
    )  # fmt: skip
    data = msgspec.json.decode((await exported(cliente))["dados.json"])
    assert [each["wamid"] for each in data["mensagens_recebidas"]] == list("1234567")


async def test_an_export_that_fails_leaves_no_half_an_archive(bot, tmp_path, monkeypatch):
    cliente = (await plant(bot, WORD, ANA)).cliente

    async def broken(*_):
        raise OSError

    monkeypatch.setattr(STORAGE, "read", broken)
    with pytest.raises(OSError):  # noqa: PT011
        await export(await load_registry(), bot.id, cliente, tmp_path / "dados.zip")
    assert list(tmp_path.glob("dados*")) == []


async def test_another_chatbots_cliente_is_not_handed_over(bot, tmp_path):
    cliente, other = await add_cliente(bot), await add_bot(2)
    with pytest.raises(NoSuchCliente):
        await export(await load_registry(), other.id, cliente, tmp_path / "dados.zip")
