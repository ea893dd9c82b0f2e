"""The `wabot` command: which subcommands there are, and how failures are told."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from wabot.errors import WabotError
from wabot.settings import YES

# Loaded when used, so that `wabot --help` does not wait for the database and web libraries.
COMMANDS = {
    "up": ("run", "Tudo em um processo: migrações, web, worker e agenda"),
    "demo": ("demo", "Uma loja de demonstração com o simulador do WhatsApp"),
    "web": ("run", "Só o processo web: webhook e API"),
    "worker": ("run", "Só o worker: responde e envia"),
    "scheduler": ("run", "Só a agenda: toca a campainha para o que está na hora"),
    "simulator": ("simulator", "Um substituto da Meta para testes, com página de conversa"),
    "migrate": ("run", "Atualiza o banco de dados, do núcleo e dos plugins"),
    "bots": ("bots", "Chatbots: add, list, show, update, verify, disable, retention"),
    "plugins": ("plugins", "Plugins: list, show, enable, disable, new, check, upgrade-plan"),
    "agenda": ("agenda", "Tarefas com hora marcada: list, show, run, set"),
    "chat": ("chat", "Conversa com um chatbot no terminal"),
    "clientes": ("clientes", "As pessoas que escrevem: export, erase, consent; merges, merge, unmerge"),
    "templates": ("templates", "Modelos de mensagem: sync, list"),
    "keys": ("keys", "A chave que cifra as credenciais: rotate"),
    "users": ("users", "Pessoas que entram no painel: add, list, show, role, password, disable"),
    "tokens": ("tokens", "Tokens da API: create, list, revoke"),
    "audit": ("audit", "Quem mudou o quê: list"),
    "dead": ("dead", "Mensagens paradas: list, show, retry, drop"),
    "logs": ("logs", "A história de uma mensagem: show"),
    "import-legacy": ("legacy", "Traz os dados do sistema antigo, em Django"),
    "doctor": ("doctor", "Diz o que está errado e como consertar"),
    "backup": ("backup", "Guarda o banco e os arquivos em um arquivo só"),
    "restore": ("backup", "Traz de volta o que um backup guardou; nada é enviado de novo"),
}


class LazyGroup(click.Group):
    """click's documented way to load a subcommand's module only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"wabot_cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Comandos"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="wabot", prog_name="wabot")
def cli() -> None:
    """wabot: chatbots de WhatsApp, cada conversa um plugin."""


def main() -> Any:
    """Run a command. A failure is one line on stderr and status 1; a traceback only with DEBUG."""
    _read_env_file()
    try:
        return cli()
    except Exception as error:
        if os.environ.get("DEBUG", "").lower() in YES:
            raise
        click.echo(f"wabot: {_reason(error)}", err=True)
        sys.exit(1)


def _reason(error: Exception) -> str:
    """Our own errors are sentences; anything else says at least what kind it is."""
    if type(error).__name__ in ("UndefinedTableError", "UndefinedColumnError"):
        return "O banco de dados não está em dia; rode: wabot migrate"
    return str(error) if isinstance(error, WabotError) else f"{type(error).__name__}: {error}".rstrip(": ")


def _read_env_file() -> None:
    if (path := Path.cwd() / ".env").is_file():
        from dotenv import load_dotenv

        load_dotenv(path)


if __name__ == "__main__":
    main()
