"""The plugin as a Piccolo app."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from wabot_reativacao import tables

APP_CONFIG = AppConfig(
    app_name="wabot_reativacao",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[tables.Campanha, tables.Envio, tables.Perfil],
)
