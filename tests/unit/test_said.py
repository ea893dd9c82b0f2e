"""Messages beside words in what a flow says, and questions answered with something else than words."""

import msgspec
import pytest

from wabot import (
    Ask,
    Choose,
    Context,
    DocumentMessage,
    End,
    Flow,
    Go,
    Handover,
    ImageMessage,
    Location,
    LocationMessage,
    NotUnderstood,
)
from wabot.contents import Order, OrderItem
from wabot.errors import FlowFault
from wabot.message import ButtonsMessage, TextMessage
from wabot.outbox import _DECODER, encode
from wabot.testing.chat import Chat

LOJA = LocationMessage(Location(-23.5, -46.6, "Loja"))


class Nada(msgspec.Struct):
    pass


def flow(etapa):
    made = Flow("teste", data=Nada)
    made.etapa(etapa)
    return Chat(made)


async def test_words_and_messages_are_sent_in_their_order_and_words_join():
    async def inicio(ctx: Context[Nada]):
        return End(["Um.", "Dois.", LOJA, "Três."])

    ana = flow(inicio)
    await ana.says("oi")
    ana.sees("Um.\n\nDois.", kind="text")
    ana.sees("Loja", kind="location")
    ana.sees("Três.")


async def test_what_is_said_last_still_travels_with_the_question():
    made = Flow("teste", data=Nada)

    @made.etapa
    async def inicio(ctx: Context[Nada]):
        return Go(perguntar, say=["Olá!", LOJA, "Chegou?"])

    @made.etapa
    async def perguntar(ctx: Context[Nada]):
        return Choose("Confirma?", among=["Sim", "Não"], then=lambda _: Handover(LOJA))

    ana = Chat(made)
    await ana.says("oi")
    ana.sees("Olá!")
    ana.sees(kind="location")
    ana.sees("Chegou?\n\nConfirma?", options=["Sim", "Não"])
    await ana.taps("Sim")
    ana.sees(kind="location")
    assert ana.state.person


async def test_what_nobody_can_say_is_a_fault_of_the_flow():
    async def inicio(ctx: Context[Nada]):
        return End(["Olá", 5])

    with pytest.raises(FlowFault, match="int cannot be said"):
        await flow(inicio).says("oi")


async def test_messages_flood_nobody():
    async def inicio(ctx: Context[Nada]):
        return End([LOJA] * 11)

    with pytest.raises(FlowFault, match="11 messages in one turn"):
        await flow(inicio).says("oi")


def foto():
    async def inicio(ctx: Context[Nada]):
        async def then(caption: str):
            assert ctx.message.media
            content = await ctx.files.read(ctx.message.media)
            copia = await ctx.files.keep(content, filename="copia.jpg")
            return End(["Recebi: " + caption, ImageMessage(caption=f"{copia.size} bytes", file=copia)])

        return Ask("Mande uma foto.", check=str, then=then, kinds=("image", "document"))

    return flow(inicio)


async def test_a_file_may_be_the_answer_and_is_read_and_sent_back():
    ana = foto()
    await ana.says("oi")
    ana.sees("Mande uma foto.")
    await ana.sends("image", "o motor", content=b"\xff\xd8\xff1234")
    ana.sees("Recebi: o motor")
    ana.sees("7 bytes", kind="image")


async def test_words_where_a_file_is_asked_for_are_explained():
    ana = foto()
    await ana.says("oi")
    ana.sees("Mande uma foto.")
    await ana.says("não tenho")
    ana.sees("Aqui preciso de uma foto ou um documento.", "Mande uma foto.")
    await ana.sends("audio")
    ana.sees("Aqui preciso de uma foto")
    await ana.says("cancelar")
    ana.sees("cancelei")


async def test_a_place_or_a_cart_may_be_the_answer():
    async def inicio(ctx: Context[Nada]):
        def then(_: str):
            match ctx.message.content:
                case Location(name=name):
                    return End(f"Até {name}")
                case Order(items=[OrderItem(quantity=quantas), *_]):
                    return End(f"{quantas} unidades")

        return Ask("Onde?", check=str, then=then, kinds=("location", "order"))

    ana, bia = flow(inicio), flow(inicio)
    await ana.says("oi")
    ana.sees("Onde?")
    await ana.sends("location")
    ana.sees("Até Praça da Sé")
    await bia.says("oi")
    bia.sees("Onde?")
    await bia.sends("order", content=Order("1", (OrderItem("P1", 3),)))
    bia.sees("3 unidades")


async def test_a_caption_may_be_refused_like_any_words():
    async def inicio(ctx: Context[Nada]):
        def check(caption: str):
            if not caption:
                raise NotUnderstood("Escreva o que é.")

        return Ask("A foto?", check=check, then=lambda _: End("ok"), kinds=("image",))

    ana = flow(inicio)
    await ana.says("oi")
    ana.sees("A foto?")
    await ana.sends("image")
    ana.sees("Escreva o que é.")


async def test_what_whatsapp_would_refuse_fails_the_test():
    async def inicio(ctx: Context[Nada]):
        texto = await ctx.files.keep(b"ola", mime_type="text/plain")
        return End(ImageMessage(file=texto))

    ana = flow(inicio)
    await ana.says("oi")
    with pytest.raises(AssertionError, match="WhatsApp would refuse the message: image: text/plain"):
        ana.sees(kind="image")


async def test_a_message_of_another_kind_than_expected_fails_with_the_conversation():
    async def inicio(ctx: Context[Nada]):
        nota = await ctx.files.keep(b"%PDF-", filename="nota.pdf")
        return End(DocumentMessage(file=nota))

    ana = flow(inicio)
    await ana.says("oi")
    with pytest.raises(AssertionError, match=r"(?s)kind 'image', got 'document'.*‹document› nota.pdf"):
        ana.sees(kind="image")


MESSAGES = [
    TextMessage("oi", reply_to="wamid.0"),
    ButtonsMessage("?", ()),
    DocumentMessage("https://a/b", "c", "d"),
    LOJA,
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_stored_and_read_again(message):
    assert _DECODER.decode(encode([message])[0]) == message


def test_a_message_stored_by_an_earlier_release_is_read():
    stored = '{"type":"image","link":"https://a/b","caption":""}'
    assert _DECODER.decode(stored) == ImageMessage("https://a/b")
