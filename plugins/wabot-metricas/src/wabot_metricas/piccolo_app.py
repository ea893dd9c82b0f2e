"""The plugin as a Piccolo app."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from wabot_metricas import tables

APP_CONFIG = AppConfig(
    app_name="wabot_metricas",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[tables.Contagem, tables.Presenca, tables.Percurso],
)
