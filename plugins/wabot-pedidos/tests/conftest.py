"""A shop in memory and customers who talk to it; every message they get must be one that WhatsApp accepts."""

import pytest

from wabot.message import words_of
from wabot.testing.chat import Chat
from wabot.whatsapp.render import render
from wabot_pedidos import pedidos as fluxo
from wabot_pedidos.cardapio import Cardapio
from wabot_pedidos.config import Config
from wabot_pedidos.pedidos import Pedidos
from wabot_pedidos.testing import CardapioFixo, PedidosAnotados


class Conversa(Chat):
    """A chat whose every reply is held against Meta's limits as it comes in."""

    async def _send(self, *args, **kwargs):
        await super()._send(*args, **kwargs)
        for reply in self._unread:
            render(reply, to="5511900000001")

    def read_all(self):
        """Read whatever is unread; the words of each message."""
        seen = [words_of(reply) for reply in self._unread]
        self._unread.clear()
        return seen


@pytest.fixture
def loja():
    return CardapioFixo({"Marmitas": {"Feijoada": 2990, "Moqueca": 3490}, "Bebidas": {"Guaraná": 790}})


@pytest.fixture
def pedidos(loja):
    return PedidosAnotados(loja)


@pytest.fixture
def conversa(loja, pedidos):
    """Makes a chat with the shop of the test; `config` and `nome` may be given."""

    def start(nome="Ana Souza", **config):
        doubles = {Cardapio: loja, Pedidos: pedidos}
        return Conversa(fluxo, nome=nome, config=Config(**config), doubles=doubles)

    return start


@pytest.fixture
def ana(conversa):
    return conversa()
