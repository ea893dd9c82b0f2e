"""Everything this plugin says to the people of a business. What stands in {braces} is filled in."""

SEM_NOME = "cliente"
"""In the place of a name that nobody knows."""
SEM_PEDIDO = "há algum tempo"

# What is wrong with a campanha.
SEM_CHATBOT = "Este chatbot não existe."
CHATBOT_NAO_MUDA = "O chatbot de uma campanha não muda."
SEM_CAMPANHA = "Não há campanha com este id."
SEM_MODELO = (
    "Não há modelo “{nome}” ({idioma}) neste chatbot. Confira o nome, ou atualize os modelos: "
    "wabot templates sync."
)
NAO_APROVADO = "A Meta não deixa usar este modelo agora (situação {status}). Use um aprovado (APPROVED)."
NAO_E_MARKETING = (
    "Este modelo é da categoria {categoria}. Convidar clientes a voltar é MARKETING para a Meta: use um modelo dessa "
    "categoria."
)
NAO_PREENCHE = (
    "O wabot ainda não preenche {parte} de modelos. Use um modelo com parâmetros numerados só no corpo."
)
CABECALHO, BOTAO, COM_NOME = (
    "cabeçalhos com mídia ou parâmetros",
    "botões com parâmetros",
    "parâmetros com nome",
)
QUANTOS_PARAMETROS = (
    "O modelo tem {tem} parâmetros, e a campanha dá {da}. Informe um texto para cada {{{{n}}}}."
)
FATO_DESCONHECIDO = "{{{fato}}} não existe. Entre chaves podem vir: {fatos}."
FATO_DE_PEDIDOS = "{{{fato}}} só existe para quem já pediu: ponha minimo_pedidos em 1 ou mais."
JA_COMECOU = "A campanha já começou: este campo não muda mais. Para mudar, crie outra campanha."
NOME_VAZIO = "Informe um nome."
SO_RASCUNHO_SE_APAGA = (
    "Só um rascunho se apaga: o que foi enviado fica, para não escrever duas vezes a ninguém."
)
NAO_PODE = "Uma campanha {estado} não pode ser {acao}."

# Why a campanha was paused.
POR_PESSOA = "Pausada por quem cuida do chatbot."
MODELO_SUMIU = "O modelo “{nome}” não existe mais na Meta."
MODELO_PARADO = {
    "PAUSED": "A Meta pausou o modelo “{nome}” por baixa qualidade. Reveja o texto e o público antes de retomar.",
    "DISABLED": "A Meta desativou o modelo “{nome}” para sempre, por baixa qualidade. Crie outra campanha.",
    "REJECTED": "A Meta recusou o modelo “{nome}”. Corrija-o e peça nova aprovação.",
}
MODELO_INDISPONIVEL = "O modelo “{nome}” não pode ser usado agora (situação {status} na Meta)."
NUMERO_VERMELHO = "A qualidade do número está vermelha na Meta. Espere que se recupere antes de retomar."

# Why somebody is not in the audience, in the order in which it is asked.
FORA = {
    "inativo": "Cadastro desativado",
    "sem_consentimento": "Não aceita mensagens de marketing",
    "sem_endereco": "Sem número nem usuário do WhatsApp",
    "ativo_ha_pouco": "Escreveu, pediu ou foi cadastrado há pouco",
    "poucos_pedidos": "Menos pedidos que o mínimo",
    "sem_a_observacao": "Não tem a observação procurada",
    "avisado_ha_pouco": "Já foi escolhido por uma campanha há pouco",
}

# What the runs report.
VIGIA_PAUSOU = "Campanhas pausadas: {quantas}."
APURADOS = "Resultados atualizados: {quantos}."
