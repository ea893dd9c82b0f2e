"""What Litestar brings into the application."""

import pytest
from litestar.plugins.pydantic import PydanticPlugin

from wabot.plugins.installed import Installed
from wabot.web import app


@pytest.mark.parametrize(
    ("requires", "brought"),
    [
        ((), False),
        (("wabot", "httpx>=0.28"), False),
        (("Pydantic[email]>=2 ; python_version >= '3.11'",), True),
        (("attrs",), True),
    ],
)
def test_models_of_pydantic_are_understood_where_a_plugin_requires_it(monkeypatch, requires, brought):
    monkeypatch.setattr(app, "installed", lambda: [Installed("loja", "loja", requires=requires)])
    plugins = app._Application._get_default_plugins([])
    assert any(isinstance(plugin, PydanticPlugin) for plugin in plugins) is brought
