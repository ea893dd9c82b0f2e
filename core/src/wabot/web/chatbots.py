"""`/api/chatbots/`: the numbers of businesses. Credentials go in and never come out."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, get, patch, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from wabot import chatbots
from wabot.chatbots import ChatbotIn, ChatbotOut, ChatbotTaken
from wabot.db.engine import DB
from wabot.db.tables import Chatbot
from wabot.phone import digits
from wabot.process import Process
from wabot.text import clean
from wabot.verification import Verification
from wabot.web.rest import Access, Created, Invalid, Listing, Page, sorted_by

Nome = Annotated[
    str, Meta(min_length=1, max_length=100, description="Como o chatbot é chamado.", examples=["Loja"])
]
Numero = Annotated[
    str,
    Meta(
        max_length=40,
        description="O número no WhatsApp, com código do país. De 8 a 15 algarismos.",
        examples=["5511999990001"],
    ),
]
MetaId = Annotated[
    str, Meta(pattern=r"^[0-9]{1,32}$", description="Um id da Meta.", examples=["200000000000001"])
]
Zone = Annotated[str, Meta(max_length=64, description="Fuso horário.", examples=["America/Sao_Paulo"])]
Secret = Annotated[
    str,
    Meta(
        max_length=4096,
        pattern="^[!-~]*$",
        description="Guardado cifrado e nunca mostrado. Vazio: vale o do ambiente, se houver.",
        extra_json_schema={"format": "password", "writeOnly": True},
    ),
]
Throughput = Annotated[
    int,
    Meta(
        ge=5,
        le=1000,
        description="Mensagens por segundo que a Meta aceita: 80, 1000 ou, com o app no celular, 20.",
    ),
]
Ativo = Annotated[bool, Meta(description="Falso: nada é respondido, e nada é apagado.")]

AT_META = ("numero", "phone_number_id", "business_account_id")
"""What says whose messages a chatbot gets: not for the business to change by itself."""


ORDERS = {"id": Chatbot.id, "nome": Chatbot.nome, "criado_em": Chatbot.criado_em}


class ChatbotNew(msgspec.Struct, forbid_unknown_fields=True):
    """A chatbot as it is given. Of a credential that is left out, what is stored stays."""

    nome: Nome
    numero: Numero
    phone_number_id: MetaId
    business_account_id: MetaId
    timezone: Zone | UnsetType = UNSET
    throughput: Throughput = 80
    ativo: Ativo = True
    access_token: Secret | UnsetType = UNSET
    app_secret: Secret | UnsetType = UNSET
    verify_token: Secret | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"ChatbotNew({self.phone_number_id})"  # secrets never reach a log


class ChatbotChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes."""

    nome: Nome | UnsetType = UNSET
    numero: Numero | UnsetType = UNSET
    phone_number_id: MetaId | UnsetType = UNSET
    business_account_id: MetaId | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET
    throughput: Throughput | UnsetType = UNSET
    ativo: Ativo | UnsetType = UNSET
    access_token: Secret | UnsetType = UNSET
    app_secret: Secret | UnsetType = UNSET
    verify_token: Secret | UnsetType = UNSET

    def __repr__(self) -> str:
        return "ChatbotChange(…)"


class ChatbotController(Controller):
    path = "/chatbots"
    tags = ("chatbots",)

    @get(summary="Lista chatbots; busca em nome e número", operation_class=sorted_by(ORDERS))
    async def list(
        self, access: NamedDependency[Access], listing: NamedDependency[Listing]
    ) -> Page[ChatbotOut]:
        search = [Chatbot.nome, Chatbot.numero]
        return await listing.page(
            Chatbot, access, chatbots.shown, search=search, orders=ORDERS, owner=Chatbot.id
        )

    @post(summary="Cadastra um chatbot")
    async def create(
        self, process: NamedDependency[Process], access: NamedDependency[Access], data: JSONBody[ChatbotNew]
    ) -> Created[ChatbotOut]:
        if access.bots is not None:
            raise PermissionDeniedException(detail="Só um token de todos os chatbots cadastra um chatbot.")
        fields = {"timezone": process.settings.timezone} | _given(data)
        try:
            bot = await chatbots.add(ChatbotIn(**fields), process.vault)
        except ChatbotTaken as error:
            raise ClientException(detail=str(error), status_code=409) from None
        return Created(bot, f"/api/chatbots/{bot.id}/")

    @get("/{id:int}", summary="Mostra um chatbot, sem as credenciais")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> ChatbotOut:
        return await mine(access, id)

    @put("/{id:int}", summary="Substitui um chatbot; credenciais que faltam ficam como estão")
    async def replace(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        data: JSONBody[ChatbotNew],
    ) -> ChatbotOut:
        fields = {"timezone": process.settings.timezone} | _given(data)
        return await _changed(process, access, await mine(access, id), fields)

    @patch("/{id:int}", summary="Muda campos de um chatbot; ativo: false o desliga")
    async def change(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        data: JSONBody[ChatbotChange],
    ) -> ChatbotOut:
        return await _changed(process, access, await mine(access, id), _given(data))

    @post("/{id:int}/verificar", status_code=200, summary="Pergunta à Meta se tudo está certo, item por item")
    async def check(
        self, process: NamedDependency[Process], access: NamedDependency[Access], id: FromPath[int]
    ) -> Verification:
        from wabot.verify import verify  # here, with the HTTP client: all else a web process does without
        from wabot.whatsapp.client import Graph

        await mine(access, id)
        await process.directory.load()
        graph = Graph(process.settings.graph_api_url, process.settings.graph_api_version)
        try:
            return await verify(process.directory.by_id.get(id), graph)
        finally:
            await graph.close()


async def mine(access: Access, id: int) -> ChatbotOut:
    """The chatbot. Somebody else's looks as if it did not exist."""
    row = await DB.fetchrow("SELECT * FROM chatbot WHERE id = $1", id) if 0 < id < 2**31 else None
    if row is None or not access.sees(id):
        raise NotFoundException(detail="Chatbot não encontrado.")
    return chatbots.shown(row)


async def _changed(process: Process, access: Access, bot: ChatbotOut, fields: dict[str, Any]) -> ChatbotOut:
    if access.bots is not None:
        moved = [name for name in AT_META if fields.get(name, getattr(bot, name)) != getattr(bot, name)]
        if moved:
            raise Invalid(**dict.fromkeys(moved, "Só um token de todos os chatbots muda este campo."))
    try:
        return await chatbots.change(bot.id, fields, process.vault)
    except ChatbotTaken as error:
        raise ClientException(detail=str(error), status_code=409) from None


def _given(data: ChatbotNew | ChatbotChange) -> dict[str, Any]:
    """The fields that were sent, as they are stored. Raises Invalid."""
    sent = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    fields = {name: clean(value).strip() if isinstance(value, str) else value for name, value in sent.items()}
    wrong = {}
    if fields.get("nome") == "":
        wrong["nome"] = "Informe um nome."
    if "numero" in fields:
        fields["numero"] = digits(fields["numero"])
        if not 8 <= len(fields["numero"]) <= 15:
            wrong["numero"] = "Informe o número com código do país e DDD, por exemplo 5511999990001."
    if "timezone" in fields and not _is_zone(fields["timezone"]):
        wrong["timezone"] = "Não é um fuso; use, por exemplo, America/Sao_Paulo."
    if wrong:
        raise Invalid(**wrong)
    return fields


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
