"""What two plugins of one bot cannot both have: found when one is switched on, not when a customer writes."""

from collections.abc import Iterator, Mapping

from wabot.plugins.descriptor import Descriptor

INSTEAD = "desligue antes esse plugin, ou fique só com ele"


def conflicts(plugin: str, new: Descriptor, others: Mapping[str, Descriptor]) -> list[str]:
    """Why `plugin` cannot be switched on beside `others`, by name: sentences for whoever does it, with what to do."""
    found = [why for name, other in others.items() for why in _between(new, name, other)]
    return [*found, *_nowhere(plugin, new, others)]


def _between(new: Descriptor, id: str, other: Descriptor) -> Iterator[str]:
    for flow in sorted({flow.id for flow in new.flows} & {flow.id for flow in other.flows}):
        yield f"o plugin {id} também tem um fluxo chamado {flow}; {INSTEAD}"
    for word in sorted(_words(new) & _words(other)):
        yield f"a palavra “{word}” já começa um fluxo do plugin {id}; {INSTEAD}"
    for etapa in sorted(set(new.overrides) & set(other.overrides)):
        yield f"o plugin {id} também muda a etapa {etapa}; {INSTEAD}"


def _nowhere(plugin: str, new: Descriptor, others: Mapping[str, Descriptor]) -> Iterator[str]:
    """An override of something this bot does not have would silently do nothing."""
    there = {
        f"{flow.id}.{step.codigo}"
        for descriptor in (new, *others.values())
        for flow in descriptor.flows
        for step in flow.graph.steps
    }
    for etapa in new.overrides:
        if etapa not in there:
            yield (
                f"{plugin} muda a etapa {etapa}, que nenhum plugin ligado neste chatbot tem; "
                f"ligue antes o plugin que a tem"
            )


def _words(descriptor: Descriptor) -> set[str]:
    return {word for flow in descriptor.flows for word in flow.keywords}
