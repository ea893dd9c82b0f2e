"""The core as a Piccolo app: its tables and where their migrations are."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from wabot.db import tables

APP_CONFIG = AppConfig(
    app_name="wabot",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        tables.Chatbot,
        tables.Cliente,
        tables.Conversa,
        tables.PluginBinding,
        tables.Pessoa,
        tables.Papel,
        tables.ApiToken,
        tables.Auditoria,
        tables.Agendamento,
    ],
)
