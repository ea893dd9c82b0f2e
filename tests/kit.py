"""Plugins written by a test: a module and the metadata that installing it would give it."""

from pathlib import Path
from textwrap import dedent


class Kit:
    """A folder on the path of this process and of those it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        id: str,
        source: str,
        *,
        version: str = "1.0.0",
        requires: str = "wabot>=1,<2",
        distribution: str = "",
    ) -> None:
        """As `pip install` would leave it."""
        distribution = distribution or f"wabot-{id}"
        (self.folder / f"wabot_{id}.py").write_text(dedent(source), encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}"
        )
        (info / "entry_points.txt").write_text(f"[wabot]\n{id} = wabot_{id}\n")

    def uninstall(self, id: str) -> None:
        for path in self.folder.glob(f"wabot_{id}-*.dist-info"):
            for file in path.iterdir():
                file.unlink()
            path.rmdir()


ECO = '''
"""Eco: repete o que ouve."""
import msgspec
from wabot import Ask, End, Flow, hookimpl

class Nada(msgspec.Struct):
    pass

eco = Flow("{id}", data=Nada)

@eco.etapa
async def ouvir(ctx):
    return Ask("Diga.", check=str, then=lambda words: End(f"eco: {{words}}"))

@hookimpl
def wabot_flows():
    return [eco]
'''
"""A well-behaved plugin, for `.format(id=…)`."""
