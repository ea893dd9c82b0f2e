"""Where a flow's etapas lead, read from their source, and the drawings of it."""

from xml.etree import ElementTree

import msgspec
import pytest

from wabot.flow import Ask, Choose, End, Flow, Go, Handover
from wabot.plugins.drawing import FIM, PESSOA, edges, mermaid, svg
from wabot.plugins.graph import dead_ends, graph_of, unreachable


class Nada(msgspec.Struct):
    pass


viagem = Flow("viagem", data=Nada, title="Viagem <ida> & volta")


@viagem.etapa
async def inicio(ctx):
    """A saudação."""
    return Go(destino if ctx.config else "data", say="Olá!")


@viagem.etapa
async def destino(ctx):
    return Choose("Para onde?", among=["Natal", "Recife"], then=lambda _: Go(to=data))


@viagem.etapa
async def data(ctx):
    def then(words):
        if words == "nunca":
            return desiste()
        return Go(destino)

    return Ask("Quando?", check=str, then=then)


@viagem.etapa
async def esquecida(ctx):
    return Ask("?", check=str, then=lambda _: Go(esquecida))


def desiste():
    return Handover() if viagem.version > 1 else End("Até logo.")


@pytest.fixture
def graph():
    return graph_of(viagem)


def test_the_arrows_are_those_of_the_source(graph):
    assert edges(graph) == [
        ("inicio", "destino"),
        ("inicio", "data"),
        ("destino", "data"),
        ("data", "destino"),
        ("data", FIM),
        ("data", PESSOA),
        ("esquecida", "esquecida"),
    ]


def test_an_etapa_tells_where_it_is_written_and_what_it_asks(graph):
    first, second, third, _ = graph.steps
    assert first.handler.endswith("test_graph:inicio")
    assert (first.title, second.asks, third.asks) == ("A saudação.", "choose", "ask")


def test_what_no_path_leads_to_and_what_leads_nowhere(graph):
    assert unreachable(graph) == ["esquecida"]
    assert unreachable(graph, ["esquecida"]) == []
    assert dead_ends(graph) == ["esquecida"]


def test_an_etapa_that_decides_as_it_runs_is_not_accused():
    flow = Flow("surpresa", data=Nada)

    @flow.etapa
    async def inicio(ctx):
        return Go(ctx.data.proxima)

    @flow.etapa
    async def talvez(ctx):
        return End("")

    assert (dead_ends(graph_of(flow)), unreachable(graph_of(flow))) == ([], [])


TCHAU = End("Tchau.")


def test_what_was_made_elsewhere_counts_and_what_cannot_be_read_accuses_nobody():
    flow = Flow("longe", data=Nada)

    @flow.etapa
    async def inicio(ctx):
        return TCHAU

    @flow.etapa
    async def chama(ctx):
        return await ctx.data.proxima()

    @flow.etapa
    async def passa(ctx):
        return Ask("?", check=str, then=desiste_assim)

    first, second, third = graph_of(flow).steps
    assert (first.ends, second.unsure, third.ends) == (True, True, True)
    assert dead_ends(graph_of(flow)) == []


def desiste_assim(words):
    return End(words)


def test_a_graph_survives_its_row(graph):
    assert msgspec.json.decode(msgspec.json.encode(graph), type=type(graph)) == graph


def test_mermaid_names_every_etapa_and_arrow(graph):
    lines = mermaid(graph).splitlines()
    assert lines[0] == "flowchart TD"
    assert "    e_inicio([inicio])" in lines
    assert "    e_data --> x_pessoa" in lines


def test_the_svg_is_well_formed_and_fetches_nothing(graph):
    drawn = svg(graph)
    root = ElementTree.fromstring(drawn)
    assert root.find("{http://www.w3.org/2000/svg}title").text == "Viagem <ida> & volta"
    labels = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert labels == {"inicio", "destino", "data", "esquecida", "fim", "uma pessoa"}
    assert "href" not in drawn
    assert "<script" not in drawn
