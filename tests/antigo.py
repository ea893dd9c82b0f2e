"""The old system's database, as its own migrations would have made it, with a small shop in it.

One text for PostgreSQL and SQLite: types whose names both take. `{utc}` is what PostgreSQL writes behind a time.
"""

import sqlite3
from pathlib import Path

import asyncpg

TABLES = """
CREATE TABLE chatbots_chatbot (id bigint PRIMARY KEY, nome varchar(100), numero varchar(20),
    phone_number_id varchar(50) UNIQUE, business_account_id varchar(50), access_token text, app_secret varchar(100),
    verify_token varchar(100), ativo boolean);
CREATE TABLE chatbots_etapa (id bigint PRIMARY KEY, chatbot_id bigint, codigo varchar(50), handler_path varchar(200),
    ordem smallint);
CREATE TABLE clientes_cliente (id bigint PRIMARY KEY, telefone varchar(20) UNIQUE, nome varchar(100),
    email varchar(254), ativo boolean, aceita_marketing boolean, observacoes text, criado_em timestamp with time zone);
CREATE TABLE chatbots_conversa (id bigint PRIMARY KEY, chatbot_id bigint, cliente_id bigint, etapa_id bigint,
    estado jsonb, atualizada_em timestamp with time zone);
CREATE TABLE chatbots_mensagem (id bigint PRIMARY KEY, chatbot_id bigint, conversa_id bigint, direcao varchar(1),
    wamid varchar(200) UNIQUE, telefone varchar(20), tipo varchar(20), conteudo jsonb, status varchar(10),
    criada_em timestamp with time zone);
CREATE TABLE chatbots_metrica (id bigint PRIMARY KEY, chatbot_id bigint, conversa_id bigint, etapa varchar(50),
    duracao_ms integer, criada_em timestamp with time zone);
CREATE TABLE pedidos_categoria (id bigint PRIMARY KEY, nome varchar(50), ordem smallint, ativa boolean);
CREATE TABLE pedidos_produto (id bigint PRIMARY KEY, categoria_id bigint, nome varchar(50), preco numeric(10, 2),
    ativo boolean);
CREATE TABLE pedidos_pedido (id bigint PRIMARY KEY, chatbot_id bigint, cliente_id bigint, status varchar(20),
    total numeric(10, 2), criado_em timestamp with time zone);
CREATE TABLE pedidos_itempedido (id bigint PRIMARY KEY, pedido_id bigint, produto_id bigint, quantidade integer,
    preco_unitario numeric(10, 2));
"""

SHOP = """
INSERT INTO chatbots_chatbot VALUES (7, 'Cantina', '5511900000000', '200000000000001', '300000000000001', 'tok',
    'segredo-do-aplicativo', 'token-de-verificacao', true);
INSERT INTO chatbots_etapa VALUES (1, 7, 'inicio', 'chatbots.handlers.pedidos.InicioHandlerPedidos', 1),
    (2, 7, 'confirmar_pedido', 'chatbots.handlers.pedidos.ConfirmarPedidoHandler', 6),
    (3, 7, 'pesquisa', 'chatbots.handlers.pesquisa.PesquisaHandler', 7);
INSERT INTO clientes_cliente VALUES
    (1, '5531980000001', 'Ana', 'ana@example.com', true, true, '', '2025-03-01 15:00:00{utc}'),
    (2, '(31) 3222-0001', 'Bia', '', true, false, 'portão azul', '2025-03-02 15:00:00{utc}'),
    (3, '12', 'Sem número', '', true, false, '', '2025-03-03 15:00:00{utc}'),
    (4, '553180000001', 'Ana outra vez', '', true, false, '', '2025-03-04 15:00:00{utc}');
INSERT INTO chatbots_conversa VALUES (1, 7, 1, 1, '{{"itens": []}}', '2025-04-01 15:00:00{utc}');
INSERT INTO chatbots_mensagem VALUES
    (1, 7, 1, 'E', 'wamid.1', '553180000001', 'text', '{{"id": "wamid.1", "type": "text", "text": {{"body": "oi"}}}}',
        'processada', '2025-04-01 15:00:00{utc}'),
    (2, 7, 1, 'S', 'wamid.2', '553180000001', 'interactive',
        '{{"type": "interactive", "interactive": {{"body": {{"text": "O que vai ser?"}}}}}}', 'enviada',
        '2025-04-01 15:00:01{utc}'),
    (3, 7, 1, 'S', NULL, '553180000001', 'text', '{{"type": "text", "text": {{"body": "ainda aí?"}}}}', 'falhou',
        '2025-04-01 15:00:02{utc}'),
    (4, 7, 1, 'E', 'wamid.4', '553180000001', 'text', '{{"id": "wamid.4", "type": "text", "text": {{"body": "alô"}}}}',
        'recebida', '2025-04-01 15:05:00{utc}');
INSERT INTO pedidos_categoria VALUES (1, 'Marmitas', 0, true);
INSERT INTO pedidos_produto VALUES (1, 1, 'Feijoada', 29.90, true), (2, 1, 'Erro', -1, true);
INSERT INTO pedidos_pedido VALUES (41, 7, 1, 'confirmado', 59.80, '2025-04-01 15:04:00{utc}'),
    (42, 7, 1, 'perdido', 1.00, '2025-04-01 15:05:00{utc}'), (43, 7, 1, 'entregue', 1.00, '2025-04-01 15:06:00{utc}');
INSERT INTO pedidos_itempedido VALUES (1, 41, 1, 2, 29.90), (2, 43, 2, 1, 1.00);
"""


async def in_postgres(uri: str) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute(TABLES + SHOP.format(utc="+00"))
    finally:
        await connection.close()


def in_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES + SHOP.format(utc=""))
    connection.close()
