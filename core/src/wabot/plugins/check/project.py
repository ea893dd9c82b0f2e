"""The plugin to check: a project folder, or an installed plugin by its id. Nothing of it is imported."""

from importlib.metadata import Distribution, entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from wabot.errors import WabotError
from wabot.hookspecs import GROUP
from wabot.plugins.installed import folder_of


class NoPlugin(WabotError):
    """There is neither a project folder nor an installed plugin of that name."""


class BadProject(WabotError):
    """The project folder has a pyproject.toml that cannot be read."""

    def __init__(self, why: str, file: str) -> None:
        super().__init__(why)
        self.file = file


class Project(msgspec.Struct, frozen=True):
    """What the metadata of a plugin says, and where its source lies."""

    entry_points: tuple[tuple[str, str], ...]
    """Names and modules in the group `wabot`."""
    distribution: str
    version: str
    requires: tuple[str, ...]
    requires_python: str
    readme: bool
    dynamic: tuple[str, ...] = ()
    """What the build finds out, and pyproject.toml does not say."""
    file: str = ""
    """Where the metadata stands."""
    root: str = ""
    """The project's folder; empty for a plugin installed from a wheel."""
    path: str = ""
    """What has to be in `sys.path`; empty where it is already."""
    package: str = ""
    """The folder of the plugin's module, or its only file; empty if there is none."""
    target: str = ""
    """What a person calls it on the command line."""

    @property
    def id(self) -> str:
        return self.entry_points[0][0] if self.entry_points else ""

    @property
    def module(self) -> str:
        return self.entry_points[0][1] if self.entry_points else ""

    @property
    def name(self) -> str:
        """What to call it, even if it has no id."""
        return self.id or self.distribution or self.root

    @property
    def init(self) -> str:
        """The file that holds the plugin's hooks."""
        package = Path(self.package)
        return str(package / "__init__.py") if package.is_dir() else self.package


def find(target: str) -> Project:
    """The project in the folder `target`, or the installed plugin of that id. Raises NoPlugin or BadProject."""
    return msgspec.structs.replace(_find(target), target=target)


def _find(target: str) -> Project:
    folder = Path(target)
    if (folder / "pyproject.toml").is_file():
        return in_folder(folder.resolve())
    found = list(entry_points(group=GROUP, name=target))
    if not found:
        if folder.is_dir():
            raise NoPlugin(f"Não há pyproject.toml em {target}.")
        known = sorted(entry.name for entry in entry_points(group=GROUP))
        raise NoPlugin(
            f"Não há plugin {target!r} instalado, nem uma pasta com esse nome. "
            f"Instalados: {', '.join(known) or 'nenhum'}."
        )
    entry = next(iter(found))
    if entry.dist is None:
        raise NoPlugin(f"O plugin {target} está instalado sem metadados; instale de novo.")
    source = _editable(entry.dist)
    if source and (source / "pyproject.toml").is_file():
        return in_folder(source)
    return _installed(entry.dist)


class _Table(msgspec.Struct, rename="kebab"):
    name: str = ""
    version: str = ""
    readme: str | dict[str, Any] = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    entry_points: dict[str, dict[str, str]] = {}


class _Pyproject(msgspec.Struct):
    project: _Table = msgspec.field(default_factory=_Table)


def in_folder(root: Path) -> Project:
    """The project whose pyproject.toml lies here. It need not be installed."""
    file = root / "pyproject.toml"
    try:
        table = msgspec.toml.decode(file.read_bytes(), type=_Pyproject).project
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadProject(str(error), str(file)) from None
    entries = tuple(table.entry_points.get(GROUP, {}).items())
    path = root / "src" if (root / "src").is_dir() else root
    return Project(
        entries,
        table.name,
        table.version,
        table.dependencies,
        table.requires_python,
        _has_readme(root, table.readme) or "readme" in table.dynamic,
        table.dynamic,
        str(file),
        str(root),
        str(path),
        _package(path, entries[0][1] if entries else ""),
    )


def _has_readme(root: Path, readme: str | dict[str, Any]) -> bool:
    if isinstance(readme, str):
        return bool(readme) and (root / readme).is_file()
    return "text" in readme or (root / str(readme.get("file"))).is_file()


def _package(path: Path, module: str) -> str:
    top = module.partition(":")[0].partition(".")[0]
    for found in (path / top, path / f"{top}.py"):
        if top and found.exists():
            return str(found)
    return ""


def _editable(dist: Distribution) -> Path | None:
    """The project folder of an editable installation (PEP 660)."""
    about: Any = msgspec.json.decode(dist.read_text("direct_url.json") or "{}")
    if not about.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(about["url"]).path))


def _installed(dist: Distribution) -> Project:
    entries = tuple((entry.name, entry.value) for entry in dist.entry_points if entry.group == GROUP)
    files = [file for file in dist.files or () if file.name == "METADATA"]
    package = folder_of(entries[0][1])
    about: Any = dist.metadata.json
    return Project(
        entries,
        about.get("name", ""),
        about.get("version", ""),
        tuple(dist.requires or ()),
        about.get("requires_python", ""),
        bool(about.get("description", "").strip()),
        file=str(files[0].locate()) if files else "",
        package=str(package) if package else "",
    )
