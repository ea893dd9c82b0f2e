"""Portuguese words as they look when somebody leaves out the accents, none of which is a word without them."""

import re
from collections.abc import Iterator

WORDS = {
    "acai": "açaí", "acao": "ação", "acoes": "ações", "agencia": "agência", "agua": "água", "alem": "além",
    "alguem": "alguém", "amanha": "amanhã", "aniversario": "aniversário", "aplicacao": "aplicação",
    "aprovacao": "aprovação", "ate": "até", "atencao": "atenção", "atras": "atrás",
    "automatico": "automático", "avaliacao": "avaliação", "basico": "básico", "bonus": "bônus",
    "botao": "botão", "botoes": "botões", "cafe": "café", "cardapio": "cardápio", "cardapios": "cardápios",
    "cartao": "cartão", "cartoes": "cartões", "catalogo": "catálogo", "codigo": "código",
    "codigos": "códigos", "comentario": "comentário", "condicoes": "condições", "confirmacao": "confirmação",
    "contem": "contém", "credito": "crédito", "debito": "débito", "descricao": "descrição",
    "disponiveis": "disponíveis", "disponivel": "disponível", "duvidas": "dúvidas", "endereco": "endereço",
    "enderecos": "endereços", "estao": "estão", "excecao": "exceção", "facil": "fácil",
    "farmacia": "farmácia", "feijao": "feijão", "funcionario": "funcionário", "gratis": "grátis",
    "historico": "histórico", "horario": "horário", "horarios": "horários", "imovel": "imóvel",
    "indisponivel": "indisponível", "informacao": "informação", "informacoes": "informações",
    "inicio": "início", "invalida": "inválida", "invalido": "inválido", "ja": "já", "ligacao": "ligação",
    "localizacao": "localização", "mamao": "mamão", "manha": "manhã", "maximo": "máximo", "mes": "mês",
    "minimo": "mínimo", "musica": "música", "nao": "não", "necessario": "necessário", "ninguem": "ninguém",
    "niveis": "níveis", "nivel": "nível", "notificacao": "notificação", "notificacoes": "notificações",
    "numero": "número", "numeros": "números", "obrigacao": "obrigação", "observacao": "observação",
    "observacoes": "observações", "onibus": "ônibus", "opcao": "opção", "opcoes": "opções",
    "orcamento": "orçamento", "paes": "pães", "pagina": "página", "pao": "pão", "periodo": "período",
    "porcao": "porção", "porcoes": "porções", "possivel": "possível", "preco": "preço", "precos": "preços",
    "preferencia": "preferência", "promocao": "promoção", "promocoes": "promoções", "proxima": "próxima",
    "proximo": "próximo", "rapida": "rápida", "rapido": "rápido", "recepcao": "recepção",
    "reclamacao": "reclamação", "refeicao": "refeição", "refeicoes": "refeições", "relatorio": "relatório",
    "reuniao": "reunião", "sabado": "sábado", "sabados": "sábados", "salao": "salão", "sao": "são",
    "saude": "saúde", "seguranca": "segurança", "selecao": "seleção", "serao": "serão", "servico": "serviço",
    "servicos": "serviços", "situacao": "situação", "so": "só", "solicitacao": "solicitação",
    "tambem": "também", "terca": "terça", "tres": "três", "ultima": "última", "ultimo": "último",
    "unico": "único", "usuario": "usuário", "valido": "válido", "video": "vídeo", "voce": "você",
    "voces": "vocês",
}  # fmt: skip

_NO_WORDS = re.compile(r"\{[^{}]*\}|https?://\S+|\S+@\S+|[\w./-]*[/_]\w+|&\w+;")
"""Placeholders, addresses, paths and names with an underscore."""
_WORD = re.compile(r"[^\W\d_]+")


def misspelt(text: str) -> Iterator[tuple[str, str]]:
    """Each word that lacks its accents, as written and as it should be."""
    for match in _WORD.finditer(_NO_WORDS.sub(" ", text)):
        written = match[0]
        if right := WORDS.get(written.lower()):
            yield written, _cased(right, written)


def _cased(right: str, written: str) -> str:
    if written.isupper() and len(written) > 1:
        return right.upper()
    return right.capitalize() if written[0].isupper() else right
