"""Where the app's modules are found."""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["find_modules_of", "lend_worker_packages", "packages_of"]

_LENT = frozenset({"azure_functions_runtime", "azurefunctions", "debugpy"})
"""What the worker needs and an app does not: all that an environment of the app's may get from elsewhere."""


def packages_of(folder: str) -> str:
    """Return where an app's own packages are, if it has any."""
    return os.path.join(folder, ".python_packages", "lib", "site-packages")


def find_modules_of(folder: str, script: str) -> None:
    """Make the app's folder the current one and its modules importable; ``script`` is its main module.

    As in Azure, the app's own packages come first, installed ones next, the app's folder last. Azure has no
    PYTHONPATH and no editable installations: here what is in the app's folder comes before what only these
    add, or they could serve another app in its place.
    """
    sys.meta_path.insert(0, _AppFinder(folder, script, _added(sys.path)))
    sys.path.insert(0, packages_of(folder))
    sys.path.append(folder)
    os.chdir(folder)


def lend_worker_packages(*folders: str) -> None:
    """Find the worker's packages, and no others, in folders if the environment does not have them."""
    if folders:
        sys.meta_path.append(_Lender(list(folders)))


class _Lender:
    """Find packages of the worker in folders; asked last, for what is found nowhere else."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - the import system gives it
    ) -> ModuleSpec | None:
        """Return the spec of a package of the worker, None for everything else."""
        if path is not None or name not in _LENT:
            return None
        return PathFinder.find_spec(name, self._folders)


def _added(path: Sequence[str]) -> list[str]:
    """Return the entries that are neither the standard library's nor those of installed packages."""
    homes = tuple(os.path.join(prefix, "") for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix})
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    parts = {"site-packages", "dist-packages"}
    return named + [
        entry
        for entry in path
        if entry not in named and not entry.startswith(homes) and not parts & set(entry.split(os.sep))
    ]


class _AppFinder:
    """Find the app's main module in its folder, and its other modules there before PYTHONPATH."""

    def __init__(self, folder: str, script: str, added: list[str]) -> None:
        self._folder = [folder]
        self._script = script
        self._added = added

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - the import system gives it
    ) -> ModuleSpec | None:
        """Return the spec of a top-level module of the app, None for what Python finds by itself."""
        if path is not None:
            return None
        if name == self._script:
            return PathFinder.find_spec(name, self._folder)
        if not self._added or (other := PathFinder.find_spec(name, self._added)) is None:
            return None
        own = PathFinder.find_spec(name, self._folder)
        # A mere folder, without __init__.py, never comes before a package.
        is_folder = own is not None and own.loader is None and other.loader is not None
        return None if is_folder else own
