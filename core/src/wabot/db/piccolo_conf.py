"""Where Piccolo finds the core: `PICCOLO_CONF=wabot.db.piccolo_conf`."""

from piccolo.conf.apps import AppRegistry

from wabot.db.engine import DB

APP_REGISTRY = AppRegistry(apps=["wabot.db.piccolo_app"])
__all__ = ["APP_REGISTRY", "DB"]
