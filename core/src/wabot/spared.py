"""Libraries that ours would import only because they are there: kept out, as each process would hold them for ever.

FastAPI is installed for Piccolo Admin and aiohttp for the worker, rich comes with Litestar. taskiq and httpx find them
and import them for what nobody asks of them here: 10 MB of a worker and a quarter of what its imports take, 19 MB of a
web process.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

SPARED = {
    "taskiq_dependencies.graph": "fastapi.params",  # to understand FastAPI's Depends beside its own
    "taskiq.middlewares.taskiq_admin_middleware": "aiohttp",  # to tell a dashboard of taskiq's
    "httpx": "httpx._main",  # to be a command as well, with rich and pygments
    "litestar.openapi.plugins": "yaml",  # to describe the API in YAML, too
    "piccolo.engine": "piccolo.engine.sqlite",  # to have a second dialect
    "redis": "redis.cluster",  # to know clusters, each of these three
    "redis.asyncio": "redis.asyncio.cluster",
    "taskiq_redis.redis_backend": "redis.asyncio.cluster",
    "redis.observability.metrics": "opentelemetry.metrics",  # to be measured
}
"""What a module of a library finds a stand-in for while it is imported. Whoever else imports that gets the real one:
by its own name, since what a package passes on of it (`redis.asyncio.RedisCluster`) stays a stand-in."""


def spare() -> None:
    """From now on. What has been imported already stays."""
    sys.meta_path.insert(0, _Sparing())


class _Sparing:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in SPARED or SPARED[fullname] in sys.modules:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            load = partial(_loaded_without, SPARED[fullname], spec.loader.exec_module)
            spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


def _loaded_without(spared: str, load: Callable[[ModuleType], None], module: ModuleType) -> None:
    stand_in = ModuleType(spared)
    stand_in.__getattr__ = lambda name: type(name, (), {})  # type: ignore[method-assign] # a class of nobody's
    sys.modules[spared] = stand_in
    try:
        load(module)
    finally:
        del sys.modules[spared]
