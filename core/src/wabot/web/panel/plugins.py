"""`/painel/{chatbot}/plugins/`: what a chatbot can do."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from wabot.chatbots import ChatbotOut
from wabot.db.engine import DB
from wabot.people import Person
from wabot.web.panel.frame import page


@get("/plugins/")
async def plugins(request: Request[Person, Any, Any], chatbot: NamedDependency[ChatbotOut]) -> Template:
    """The plugins that somebody has switched on or off here."""
    sql = "SELECT plugin, enabled FROM plugin_binding WHERE chatbot = $1 ORDER BY priority DESC, id"
    return page(request, "plugins.html", bindings=await DB.fetch(sql, chatbot.id))


handlers = [plugins]
