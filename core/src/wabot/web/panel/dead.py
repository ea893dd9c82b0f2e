"""`/painel/{chatbot}/paradas/`: messages that nobody could answer or send, and one click that tries them again."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from wabot import audit, dead
from wabot.chatbots import ChatbotOut
from wabot.db.engine import DB
from wabot.people import Person
from wabot.web.panel import navigation
from wabot.web.panel.frame import page
from wabot.web.panel.guards import needs
from wabot.web.panel.navigation import PanelPage

PER_PAGE = 50
DONE = {
    "tentada": "A mensagem voltou para a fila: o cliente recebe a resposta em alguns segundos.",
    "todas": "As mensagens voltaram para a fila: os clientes recebem as respostas em alguns segundos.",
    "nada": "Nada a tentar de novo: outra pessoa já tentou, ou o prazo da Meta passou.",
}

navigation.add(PanelPage("paradas/", "Mensagens paradas", "operador"))


@get("/paradas/", guards=[needs("operador")])
async def letters(
    request: Request[Person, Any, Any],
    chatbot: NamedDependency[ChatbotOut],
    pagina: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1,
    feito: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Template:
    """The latest first. What anybody wrote is not shown."""
    scope = [chatbot.id]
    shown = await dead.page(scope, limit=PER_PAGE, offset=(pagina - 1) * PER_PAGE)
    total = await dead.count(scope)
    last = max(1, -(-total // PER_PAGE))
    done = DONE.get(feito, "")
    return page(request, "paradas.html", letters=shown, total=total, pagina=pagina, last=last, done=done)


@post("/paradas/{letter:str}/tentar/", guards=[needs("operador")])
async def retry(chatbot: NamedDependency[ChatbotOut], letter: FromPath[str]) -> Redirect:
    """Raises NotFoundException for one that is not there, or another business's."""
    try:
        async with DB.transaction():
            done = await dead.retry(letter, [chatbot.id])
            if done:
                await audit.record("tentar de novo", "mensagem", letter, chatbot=chatbot.id)
    except dead.NoSuchLetter:
        raise NotFoundException from None
    return _back(chatbot, "tentada" if done else "nada")


@post("/paradas/tentar/", guards=[needs("operador")])
async def retry_all(chatbot: NamedDependency[ChatbotOut]) -> Redirect:
    async with DB.transaction():
        done = await dead.retry_all([chatbot.id])
        if done:
            await audit.record(
                "tentar de novo", "mensagem", "todas", chatbot=chatbot.id, campos={"quantas": done}
            )
    return _back(chatbot, "todas" if done else "nada")


def _back(chatbot: ChatbotOut, done: str) -> Redirect:
    return Redirect(f"/painel/{chatbot.id}/paradas/?feito={done}", status_code=303)


handlers = [letters, retry, retry_all]
