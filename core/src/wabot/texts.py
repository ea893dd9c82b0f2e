"""What the engine itself says to customers, and the words it knows everywhere. In Portuguese, in one place."""

from collections.abc import Sequence
from typing import Literal

Word = Literal["menu", "cancelar", "sair", "atendente"]

WORDS: dict[str, Word] = {
    "menu": "menu",
    "inicio": "menu",
    "comecar": "menu",
    "recomecar": "menu",
    "voltar ao menu": "menu",
    "cancelar": "cancelar",
    "cancela": "cancelar",
    "cancelar pedido": "cancelar",
    "desistir": "cancelar",
    "sair": "sair",
    "parar": "sair",
    "pare": "sair",
    "stop": "sair",
    "descadastrar": "sair",
    "parar promocoes": "sair",
    "interromper promocoes": "sair",
    "nao quero receber": "sair",
    "atendente": "atendente",
    "falar com atendente": "atendente",
    "falar com uma pessoa": "atendente",
    "pessoa": "atendente",
    "humano": "atendente",
}
"""Folded words that work in every flow. The stop words are those WhatsApp's policy names, and what the
buttons of marketing templates say."""

THANKS = frozenset(
    {"obrigado", "obrigada", "muito obrigado", "muito obrigada", "brigado", "brigada", "valeu", "vlw"}
    | {"ok", "okay", "beleza", "blz", "show", "tchau", "ate mais", "ate logo"}
)
"""Folded words that close a conversation politely: they must not start a new one."""

POR_NADA = "Por nada! Quando precisar, é só mandar um *oi*. 😊"
NAO_ENTENDI_OPCAO = "Não entendi. Toque em uma das opções, por favor."
NAO_ENTENDI_NUMERO = "Não há opção com esse número. Toque em uma das opções, por favor."
PRECISO_DE_TEXTO = "Consigo ler só texto por aqui. Pode escrever a resposta, por favor?"
DE_QUE = {
    "text": "um texto",
    "image": "uma foto",
    "video": "um vídeo",
    "audio": "um áudio",
    "document": "um documento",
    "sticker": "uma figurinha",
    "location": "uma localização",
    "contacts": "um contato",
    "order": "um carrinho do catálogo",
    "form": "o formulário preenchido",
}
SO_OPCOES = "Ainda não consigo abrir isso por aqui. Toque em uma das opções, por favor."
PERGUNTA_ANTERIOR = "Essa opção é de uma pergunta anterior."
INDISPONIVEL = "Essa opção não está mais disponível."
CONVERSA_ANTERIOR = "Essa opção é de uma conversa que já terminou. Vamos começar de novo?"
ATUALIZAMOS = "Atualizamos o nosso atendimento, então vamos recomeçar do início."
ATUALIZAMOS_PESSOA = (
    "Atualizamos o nosso atendimento enquanto você conversava com a gente. Para não perder nada, vou chamar uma pessoa "
    "para continuar com você por aqui. Para voltar ao atendimento automático, escreva *menu*."
)
FORA_DO_AR = (
    "Este atendimento está com um problema agora. Já avisamos a equipe; o que você já escolheu está guardado. "
    "Tente de novo daqui a alguns minutos ou, se preferir falar com uma pessoa, escreva *atendente*."
)
OFERECER_PESSOA = "Se preferir falar com uma pessoa, escreva *atendente*."
CANCELADO = "Tudo bem, cancelei por aqui. Quando quiser recomeçar, escreva *menu*."
NADA_A_CANCELAR = "Não há nada em andamento para cancelar. Para começar, escreva *menu*."
SAIU = (
    "Pronto: você não vai mais receber nossas mensagens de novidades e promoções. "
    "Se precisar de nós, é só escrever aqui."
)
ATENDENTE = (
    "Certo! Vou chamar uma pessoa para falar com você por aqui. "
    "Para voltar ao atendimento automático, escreva *menu*."
)
QUAL_ASSUNTO = "Como posso ajudar?"
ESCOLHA = "Escolha uma opção:"
VER_MAIS = "Ver mais"
VER_ANTERIORES = "Voltar"
FALHA_NOSSA = (
    "Tivemos um problema por aqui e não consegui responder. "
    "Já avisamos a equipe; tente de novo daqui a pouco."
)


def preciso_de(kinds: Sequence[str]) -> str:
    """What to send, of several kinds of message."""
    return f"Aqui preciso de {' ou '.join(DE_QUE[kind] for kind in kinds if kind in DE_QUE)}. Pode enviar, por favor?"
