"""What `wabot.verify` has to tell of a chatbot, for a person."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Item(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    codigo: Annotated[str, Meta(description="O que foi examinado.", examples=["token"])]
    ok: Annotated[bool, Meta(description="Se está certo.")]
    mensagem: Annotated[str, Meta(description="O que se viu.")]
    conserto: Annotated[str, Meta(description="O que fazer; vazio se nada.")] = ""


class Verification(msgspec.Struct, frozen=True):
    """Everything that was looked at. `ok`: nothing has to be mended."""

    ok: Annotated[bool, Meta(description="Nada precisa de conserto.")]
    itens: Annotated[list[Item], Meta(description="Tudo o que foi examinado.")]
