"""Which plugins are installed, as their metadata tells. Nothing of them is imported."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, entry_points, version
from importlib.util import find_spec
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wabot.hookspecs import GROUP


class Installed(msgspec.Struct, frozen=True):
    """A plugin's entry point and the distribution it comes from."""

    id: str
    module: str
    distribution: str = ""
    version: str = ""
    release: str = ""
    """A fingerprint of its files: what was found out about one release says nothing about the next."""
    requires: tuple[str, ...] = ()
    clash: str = ""
    """The other distribution that has a plugin of this id."""

    @property
    def incompatible(self) -> str:
        """Why this release cannot work with this wabot; empty if it can."""
        for requirement in _requirements(self.requires):
            if requirement.name == "wabot" and not requirement.specifier.contains(
                version("wabot"), prereleases=True
            ):
                return f"precisa de {requirement}, e este é o wabot {version('wabot')}"
        return ""

    def needs(self, *names: str) -> bool:
        """Whether it requires one of these distributions."""
        return any(canonicalize_name(found.name) in names for found in _requirements(self.requires))


def installed() -> list[Installed]:
    """All of them, by id. Of two with the same id, both are told in one."""
    found: dict[str, Installed] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        about = _about(entry)
        first = found.setdefault(entry.name, about)
        if first is not about and first.distribution != about.distribution:
            found[entry.name] = msgspec.structs.replace(first, clash=about.distribution)
    return list(found.values())


def folder_of(module: str) -> Path | None:
    """Where the source of a plugin lies; None if it cannot be found without importing something."""
    top = module.partition(":")[0].partition(".")[0]
    try:
        spec = find_spec(top)  # of a top-level name: imports nothing
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin)
    return path.parent if spec.submodule_search_locations else path


def _about(entry: EntryPoint) -> Installed:
    dist = entry.dist
    if dist is None:
        return Installed(entry.name, entry.value)
    return Installed(
        entry.name,
        entry.value,
        dist.name,
        dist.version,
        _fingerprint(dist, entry.value),
        tuple(dist.requires or ()),
    )


def _requirements(texts: tuple[str, ...]) -> Iterator[Requirement]:
    for text in texts:
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def _fingerprint(dist: Distribution, module: str) -> str:
    """RECORD holds a hash of every file; of an editable installation it does not, so there the files' times count."""
    record = dist.read_text("RECORD") or ""
    digest = hashlib.sha256(f"{dist.name} {dist.version} {module} {version('wabot')}\n{record}".encode())
    top = module.partition(":")[0].partition(".")[0]
    if f"{top}/" not in record and f"{top}.py," not in record:
        for path in _sources(folder_of(module)):
            about = path.stat()
            digest.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _sources(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]
