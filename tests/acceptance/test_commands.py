"""The commands as an administrator types them: what they print, what they refuse, and how."""

import json
import textwrap
import zipfile

import pytest
import pytest_asyncio

from tests.acceptance.commands import Shell, until_ready
from tests.conftest import free_port
from wabot.db.engine import DB
from wabot.testing.simulator import Simulator

ADD = (
    "bots", "add", "--nome", "Loja", "--numero", "+55 11 90000-0000", "--phone-number-id", "200000000000001",
    "--business-account-id", "300000000000001", "--app-secret", "segredo-do-app",
)  # fmt: skip
COMMANDS = (
    "up demo web worker scheduler simulator migrate bots plugins agenda chat clientes keys users tokens audit"
)
COMMANDS += " dead logs doctor backup restore"
KEY = "uma-chave-bem-comprida-para-o-teste"


@pytest_asyncio.fixture
async def shell(database_uri, tmp_path):
    return Shell(tmp_path, DATABASE_URL=database_uri, SECRET_KEY=KEY)


async def test_help_names_every_command(tmp_path):
    said = await Shell(tmp_path).run("--help")
    for command in (
        "up",
        "demo",
        "web",
        "worker",
        "scheduler",
        "migrate",
        "bots",
        "plugins",
        "chat",
        "users",
        "tokens",
        "dead",
        "audit",
        "logs",
        "doctor",
        "backup",
        "restore",
    ):
        assert f"\n  {command} " in said
        await Shell(tmp_path).run(command, "--help")


async def test_a_chatbot_is_added_found_and_switched_off_without_showing_its_secrets(shell):
    added = await shell.run(
        *ADD, "--access-token", "-", "--app-secret", "segredo-do-app", "--json", stdin="segredo-da-meta\n"
    )
    bot = json.loads(added)
    assert bot["numero"] == "5511900000000"
    for reference in (str(bot["id"]), "loja", "+55 (11) 90000-0000"):
        assert await shell.json("bots", "show", reference) == bot
    listed = await shell.run("bots", "list")
    assert "Loja" in listed
    assert "segredo" not in added + listed
    assert (await shell.json("bots", "disable", "Loja"))["ativo"] is False


async def test_a_chatbot_is_verified_at_meta(shell):
    async with Simulator(app_secret="segredo-do-app").serve(port=0) as meta:
        meta.bot("200000000000001")
        meta.webhook_url = "https://loja.example/api/chatbots/webhook/"
        shell.environment["GRAPH_API_URL"] = meta.url
        await shell.run(*ADD, "--access-token", "EAA", "--verify-token", "verifique")
        told = await shell.json("bots", "verify", "Loja")
        assert told["ok"], told
        assert "✓ assinatura: O aplicativo assina os eventos desta conta." in await shell.run(
            "bots", "verify", "1"
        )
        meta.says["300000000000001/subscribed_apps"] = {"data": []}
        said = await shell.run("bots", "verify", "Loja", status=1)
        assert said == "wabot: Precisa de conserto: assinatura.\n"


async def test_an_old_secret_key_is_retired(shell):
    await shell.run(*ADD, "--access-token", "EAA")
    shell.environment["SECRET_KEY"] = f"uma-chave-nova-e-comprida,{KEY}"
    assert await shell.json("keys", "rotate") == {"rewritten": 2, "current": 0, "lost": []}
    shell.environment["SECRET_KEY"] = "uma-chave-nova-e-comprida"
    assert "podem sair" in await shell.run("keys", "rotate")
    shell.environment["SECRET_KEY"] = KEY
    assert "chatbot 1: access_token" in await shell.run("keys", "rotate", status=1)


async def test_new_credentials_replace_the_old_ones_and_nothing_else(shell):
    await shell.run(*ADD, "--access-token", "velho")
    said = await shell.run(
        "bots", "update", "Loja", "--access-token", "-", "--throughput", "1000", "--json", stdin="novo\n"
    )
    assert json.loads(said)["throughput"] == 1000
    assert "novo" not in said
    kept = json.loads(
        await shell.run("bots", "update", "Loja", "--app-secret", "-", "--json", stdin="outro\n")
    )
    assert kept["throughput"] == 1000
    await shell.run("bots", "update", "Loja", "--throughput", "0", status=2)


async def test_a_number_registered_twice_and_a_chatbot_nobody_knows_are_said_in_one_line(shell):
    await shell.run(*ADD)
    assert "Já existe um chatbot" in await shell.run(*ADD, status=1)
    said = await shell.run("bots", "show", "Padaria", status=1)
    assert said == "wabot: Não há chatbot 'Padaria'. Chatbots: 1 (Loja).\n"


async def test_templates_are_taken_over_from_meta_and_listed(shell):
    await shell.run(*ADD, "--access-token", "-", stdin="segredo-da-meta\n")
    assert "wabot templates sync --bot Loja" in await shell.run("templates", "list", "--bot", "Loja")
    async with Simulator(app_secret="segredo-do-app").serve() as meta:
        body = {"type": "BODY", "text": "Que saudade, {{1}}!"}
        about = {"name": "saudade", "language": "pt_BR", "category": "MARKETING", "components": [body]}
        meta.templates.add("300000000000001", about)
        shell.environment["GRAPH_API_URL"] = meta.url
        meta.bot("200000000000001")
        said = await shell.run("templates", "sync", "--bot", "Loja")
        assert said.startswith("Modelos na Meta: 1. Qualidade do número: GREEN.\n")
    [known] = await shell.json("templates", "list", "--bot", "Loja")
    assert (known["name"], known["status"], known["parameters"]) == ("saudade", "APPROVED", 1)
    shown = (await shell.run("templates", "list", "--bot", "Loja")).splitlines()
    assert shown[1].split() == ["saudade", "pt_BR", "MARKETING", "APPROVED", "?", "1"]
    said = await shell.run("templates", "sync", "--bot", "Loja", status=1)
    assert said == "wabot: A Meta não respondeu; os modelos não foram atualizados. Tente de novo.\n"


async def test_a_plugin_is_switched_on_configured_and_off(shell):
    await shell.run(*ADD)
    await shell.run(
        "plugins", "enable", "pedidos", "--bot", "Loja", "--set", "maximo_por_item=5", "--set", "saudacao=Oi!"
    )
    listed = {plugin["id"]: plugin for plugin in await shell.json("plugins", "list")}
    assert listed["pedidos"]["bots"] == [1]
    assert listed["pedidos"]["kinds"] == ["flow", "job", "tables", "pages", "routes"]
    assert {plugin["status"] for plugin in listed.values()} == {"ok"}
    assert "campaign" in listed["reativacao"]["kinds"]
    assert "sink" in listed["metricas"]["kinds"]
    await shell.run("plugins", "disable", "pedidos", "--bot", "Loja")
    assert {plugin["id"]: plugin["bots"] for plugin in await shell.json("plugins", "list")}["pedidos"] == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("maximo_por_item=muitos",), "maximo_por_item"),
        (("maximo_por_item=0",), "maximo_por_item"),
        (("cor=azul",), "cor: não existe"),
        (("cor=azul", "maximo_por_item=x"), "maximo_por_item"),
    ],
    ids=["not a number", "below the limit", "no such field", "two at once"],
)
async def test_a_wrong_configuration_names_the_field_and_changes_nothing(shell, values, said):
    await shell.run(*ADD)
    options = [part for value in values for part in ("--set", value)]
    assert said in await shell.run("plugins", "enable", "pedidos", "--bot", "Loja", *options, status=1)
    assert {plugin["id"]: plugin["bots"] for plugin in await shell.json("plugins", "list")}["pedidos"] == []


async def test_wrong_usage_is_status_2(shell):
    await shell.run("bots", "add", status=2)
    await shell.run("plugins", "enable", "pedidos", "--bot", "x", "--set", "semigual", status=2)
    await shell.run("nada", status=2)


async def test_a_token_is_shown_once_and_can_be_revoked(shell):
    token = await shell.json("tokens", "create", "--nome", "painel", "--escrita")
    assert set(token) == {"id", "nome", "token"}
    assert "revogado" in await shell.run("tokens", "revoke", str(token["id"]))
    assert "já foi revogado" in await shell.run("tokens", "revoke", str(token["id"]), status=1)


async def test_a_token_can_be_for_several_chatbots_and_is_listed_without_itself(shell):
    await shell.run(*ADD)
    token = await shell.json("tokens", "create", "--nome", "relatórios", "--bot", "Loja", "--bot", "1")
    [listed] = await shell.json("tokens", "list")
    assert (listed["chatbots"], listed["escrita"], listed["usado_em"]) == ([1], False, None)
    said = await shell.run("tokens", "list")
    assert "relatórios" in said
    assert token["token"] not in said


async def test_a_person_is_added_given_a_role_and_kept_out(shell):
    await shell.run(*ADD)
    add = (
        "users",
        "add",
        "--email",
        "Ana@Loja.com.br",
        "--senha",
        "-",
        "--bot",
        "Loja",
        "--papel",
        "operador",
    )
    ana = json.loads(await shell.run(*add, "--json", stdin="uma senha de teste\n"))
    assert (ana["email"], ana["papeis"], ana["ativo"]) == ("ana@loja.com.br", {"1": "operador"}, True)
    assert await shell.json("users", "show", "ana@loja.com.br") == ana
    assert (await shell.json("users", "role", "1", "--bot", "1", "--papel", "dono"))["papeis"] == {
        "1": "dono"
    }
    assert (await shell.json("users", "role", "1", "--bot", "1", "--retirar"))["papeis"] == {}
    await shell.run("users", "password", "1", "--senha", "-", stdin="outra senha boa\n")
    assert (await shell.json("users", "disable", "1"))["ativo"] is False
    assert (await shell.json("users", "enable", "1"))["ativo"] is True
    assert "ana@loja.com.br" in await shell.run("users", "list")
    trail = await shell.json("audit", "list", "--limit", "2")
    assert [(entry["quem_tipo"], entry["campos"]) for entry in trail] == [
        ("terminal", {"ativo": True}),
        ("terminal", {"ativo": False}),
    ]
    assert "senha" not in str(trail)
    assert {entry["chatbot"] for entry in await shell.json("audit", "list", "--bot", "Loja")} == {1}


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--email", "ana", "--senha", "uma senha boa"), 1, "não parece um e-mail"),
        (("--email", "a@b.com", "--senha", "curta"), 1, "pelo menos 10 caracteres"),
        (("--email", "a@b.com", "--senha", "uma senha boa", "--bot", "Loja"), 2, "--papel"),
        (("--email", "a@b.com", "--senha", "uma senha boa", "--papel", "dono"), 2, "--bot"),
        (
            ("--email", "a@b.com", "--senha", "uma senha boa", "--bot", "Nada", "--papel", "dono"),
            1,
            "Não há chatbot",
        ),
    ],
)
async def test_a_person_that_cannot_be_added_is_said_in_words_and_nobody_is(shell, options, status, said):
    assert said in await shell.run("users", "add", *options, status=status)
    assert await shell.json("users", "list") == []


async def test_the_doctor_names_what_is_wrong_and_the_command_that_mends_it(shell):
    async with Simulator(app_secret="segredo-do-app").serve(port=0) as meta:
        shell.environment["GRAPH_API_URL"] = meta.url
        report = await shell.json("doctor")
        assert report["ok"]
        assert set(report["counts"]) == {
            "received", "processed", "waiting", "dead", "to_send", "sent", "failed",
        }  # fmt: skip
        assert [finding["code"] for finding in report["findings"]] == ["no-bots"]
        await shell.run(*ADD)
        said = await shell.run("doctor", status=1, shown="stdout")
    assert "wabot plugins enable pedidos --bot 1" in said
    assert "wabot up, ou wabot worker" in said


async def test_the_doctor_says_which_setting_cannot_be_read(shell):
    shell.environment["SECRET_KEY"] = "curta"
    said = await shell.run("doctor", status=1, shown="stdout")
    assert "SECRET_KEY" in said
    assert "16 caracteres" in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "oitenta"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", "http://x"),
        ("GRAPH_API_URL", "graph.facebook.com"),
        ("TIMEZONE", "America/Cidade"),
        ("LOG_LEVEL", "alto"),
        ("DEBUG", "talvez"),
        ("SECRET_KEY", "curta"),
        ("SECRET_KEY", ""),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(shell, variable, value):
    said = await Shell(shell.folder, **shell.environment | {variable: value}).run("bots", "list", status=1)
    assert said.startswith(f"wabot: {variable}: ")
    assert said.count("\n") == 1


async def test_a_database_that_is_away_is_said_in_one_line(tmp_path):
    shell = Shell(tmp_path, DATABASE_URL="postgresql://127.0.0.1:1/nada", SECRET_KEY=KEY)
    assert (await shell.run("bots", "list", status=1)).count("\n") == 1
    assert await shell.run("doctor", status=1) == ""  # what is wrong is the answer, not an error


async def test_an_env_file_in_the_folder_is_read(tmp_path, database_uri):
    (tmp_path / ".env").write_text(f"DATABASE_URL={database_uri}\nSECRET_KEY={KEY}\n")
    assert "Ainda não há chatbots" in await Shell(tmp_path).run("bots", "list")


def install(site, name, code, requires="wabot>=1,<2"):
    """A distribution with one plugin, as pip would leave it."""
    info = site / f"wabot_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: wabot-{name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
    )
    (info / "entry_points.txt").write_text(f"[wabot]\n{name} = wabot_{name}\n")
    (site / f"wabot_{name}.py").write_text(textwrap.dedent(code))


async def test_broken_plugins_are_listed_with_their_reason_and_harm_nobody(shell, tmp_path):
    site = tmp_path / "site"
    install(site, "quebrado", "import nao_existe")
    install(site, "saiu", "import sys; sys.exit(3)")
    install(site, "torto", "from wabot import hookimpl\n@hookimpl\ndef wabot_flows(): return 'nada'")
    install(site, "desconhecido", "from wabot import hookimpl\n@hookimpl\ndef wabot_nada(): return []")
    install(site, "assincrono", "from wabot import hookimpl\n@hookimpl\nasync def wabot_config(): return 1")
    install(site, "futuro", "raise SystemError('never imported')", requires="wabot>=99")
    shell.environment["PYTHONPATH"] = str(site)
    await shell.run(*ADD)
    listed = {plugin["id"]: plugin for plugin in await shell.json("plugins", "sync")}
    assert "nao_existe" in listed["quebrado"]["error"]
    assert "sys.exit(3)" in listed["saiu"]["error"]
    assert "deve devolver uma lista" in listed["torto"]["error"]
    assert "wabot_nada" in listed["desconhecido"]["error"]
    assert "async" in listed["assincrono"]["error"]
    assert (listed["futuro"]["status"], listed["pedidos"]["status"]) == ("incompatible", "ok")
    assert "wabot>=99" in listed["futuro"]["error"].replace(" ", "")
    await shell.run("plugins", "enable", "pedidos", "--bot", "Loja")
    assert "não pode ser ligado" in await shell.run(
        "plugins", "enable", "quebrado", "--bot", "Loja", status=1
    )


async def test_a_plugin_that_was_uninstalled_is_orphaned_with_the_way_back(shell, tmp_path):
    site = tmp_path / "site"
    install(site, "sumido", '"""Some coisa."""')
    await shell.run(*ADD)
    with_it = Shell(shell.folder, **shell.environment | {"PYTHONPATH": str(site)})
    await with_it.run("plugins", "enable", "sumido", "--bot", "Loja")
    listed = {plugin["id"]: plugin for plugin in await shell.json("plugins", "list")}
    assert listed["sumido"]["status"] == "orphaned"
    assert "pip install wabot-sumido" in listed["sumido"]["error"]
    assert listed["sumido"]["bots"] == [1]


async def test_up_is_everything_in_one_process_and_ends_well(tmp_path):
    """Nothing configured: the embedded server, the in-process queue, migrations on the way."""
    port = free_port()
    shell = Shell(tmp_path, PORT=str(port))
    async with shell.running("up") as process:
        await until_ready(f"http://127.0.0.1:{port}", process)
        assert "Ainda não há chatbots" in await shell.run("bots", "list")  # beside it, on the same server
    assert not (tmp_path / ".wabot" / "postgres" / "postmaster.pid").exists()


async def test_a_chat_in_the_terminal_leaves_nothing_behind(shell):
    await shell.run(*ADD)
    await shell.run("plugins", "enable", "pedidos", "--bot", "Loja")
    said = await shell.run("chat", "--bot", "Loja", "--nome", "Ana", stdin="oi\n\n")
    assert "No momento não temos nada disponível" in said
    assert "received: 0" in await shell.run("doctor", status=1, shown="stdout")


async def test_clientes_who_are_one_person_are_merged_listed_and_parted(shell, database):
    await shell.run(*ADD)
    assert "Nenhum cliente" in await shell.run("clientes", "merges", "--bot", "Loja")
    await DB.execute("INSERT INTO cliente (chatbot, bsuid) VALUES (1, 'BR.1'), (1, 'BR.2')")
    made = await shell.json("clientes", "merge", "1", "2", "--bot", "Loja", "--motivo", "ligou e disse")
    listed = await shell.json("clientes", "merges", "--bot", "1")
    assert listed == [made]
    assert (made["survivor"], made["absorbed"], made["made_by"], made["why"]) == (
        1,
        2,
        "operador",
        "ligou e disse",
    )
    assert "ligou e disse" in await shell.run("clientes", "merges", "--bot", "Loja")
    said = await shell.run("clientes", "merge", "1", "2", "--bot", "Loja", status=1)
    assert said == "wabot: O cliente 2 já foi mesclado ao cliente 1.\n"
    assert await shell.run("clientes", "unmerge", "1", "--bot", "Loja") == "Mescla 1 desfeita.\n"
    trail = [(entry["acao"], entry["objeto"]) for entry in await shell.json("audit", "list")]
    assert {("mesclar", "cliente"), ("separar", "cliente")} <= set(trail)
    assert "já foi desfeita" in await shell.run("clientes", "unmerge", "1", "--bot", "Loja", status=1)


async def test_a_person_is_handed_over_erased_and_what_they_agreed_to_is_shown(shell, database):
    await shell.run(*ADD)
    await DB.execute("INSERT INTO cliente (chatbot, bsuid, nome) VALUES (1, 'BR.1', 'Ana')")
    assert "nunca aceitou" in await shell.run("clientes", "consent", "1", "--bot", "Loja")
    await DB.execute(
        "INSERT INTO consent (chatbot, cliente, accepts, who, how, at) VALUES (1, 1, true, 'cliente', 'sim', now())"
    )
    [said] = await shell.json("clientes", "consent", "1", "--bot", "Loja")
    assert (said["accepts"], said["who"], said["how"]) == (True, "cliente", "sim")
    await shell.run("clientes", "export", "1", "ana.zip", "--bot", "Loja")
    assert zipfile.is_zipfile(shell.folder / "ana.zip")
    assert "Nada foi apagado" in await shell.run("clientes", "erase", "1", "--bot", "Loja")
    receipt = await shell.json("clientes", "erase", "1", "--bot", "Loja", "--yes")
    assert receipt["contagens"]["clientes"] == 1
    assert "Recibo 1" in await shell.run("clientes", "erase", "1", "--bot", "Loja", "--yes")
    assert "não tem o cliente 1" in await shell.run(
        "clientes", "export", "1", "x.zip", "--bot", "1", status=1
    )


async def test_how_long_a_chatbot_keeps_things_is_said_in_days(shell):
    await shell.run(*ADD)
    assert "avisos     90" in await shell.run("bots", "retention", "Loja")
    changed = await shell.json("bots", "retention", "Loja", "--mensagens", "365", "--avisos", "sempre")
    assert changed == {"mensagens": 365, "arquivos": None, "eventos": None, "avisos": None}
    assert "de 8 a 36500" in await shell.run("bots", "retention", "Loja", "--mensagens", "7", status=2)


async def test_the_agenda_is_seen_changed_and_run_now(shell, database):
    bot = json.loads(await shell.run(*ADD, "--json"))["id"]
    assert "um worker a preenche" in await shell.run("agenda", "list")
    await DB.execute(
        "INSERT INTO agendamento (chatbot, job, titulo, cron) VALUES ($1, 'limpeza', 'Limpeza', '0 2 * * 0')",
        bot,
    )
    [listed] = await shell.json("agenda", "list", "--bot", "Loja")
    assert (listed["job"], listed["cron"], listed["zone"]) == ("limpeza", "0 2 * * 0", "America/Sao_Paulo")
    changed = await shell.json("agenda", "set", "limpeza", "--cron", "30 4 * * *", "--timezone", "UTC")
    assert changed["next_run"].endswith("04:30:00Z")
    assert "desligado" in await shell.run(
        "agenda", "set", str(listed["id"]), "--off", "--timezone", "chatbot"
    )
    wrong = await shell.run("agenda", "set", "limpeza", "--cron", "às dez", status=1)
    assert "Escreva minuto, hora" in wrong
    assert "--cron" in await shell.run("agenda", "set", "limpeza", status=2)
    assert "wabot agenda show" in await shell.run("agenda", "run", "limpeza", "--bot", "Loja")
    shown = await shell.run("agenda", "show", "limpeza")
    assert "próxima     já" in shown
    assert "Não há agendamento" in await shell.run("agenda", "show", "faxina", status=1)
    trail = await shell.json("audit", "list")
    assert [entry["acao"] for entry in trail if entry["objeto"] == "agendamento"] == [
        "rodar",
        "mudar",
        "mudar",
    ]
