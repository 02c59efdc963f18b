"""Which plugin is meant: a registered name, or a class in a module or file that is still being written."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from ..plugin import Plugin
from ..plugin_registry import PluginError, find_plugin


def find_target(text: str) -> str:
    """See that there is such a plugin, as far as that can be seen without importing it.

    Args:
        text: a name, `module:Class` or `path/to/file.py:Class`.

    Returns:
        The same, to be understood in any folder.

    Raises:
        PluginError: there is none.
    """
    where, colon, name = text.rpartition(":")
    if not colon:
        find_plugin(text)
    elif not name.isidentifier():
        raise PluginError(f"{text}: expected the name of a class behind the colon, such as {where or 'module'}:Tremolo")
    elif where.endswith(".py"):
        if not Path(where).is_file():
            raise PluginError(f"{text}: there is no file {where}")
        return f"{Path(where).resolve()}:{name}"
    elif not _is_there(where.partition(".")[0]):
        raise PluginError(f"{text}: there is no module {where}; a file is written {where}.py:{name}")
    return text


def _is_there(package: str) -> bool:
    """Whether it is installed, in whichever way, or lies in this folder."""
    return importlib.util.find_spec(package) is not None or PathFinder.find_spec(package, [str(Path.cwd())]) is not None


def load_target(text: str, folder: str) -> type[Plugin]:
    """Import it.

    Args:
        text: what `find_target` returned.
        folder: where modules are looked for, too.

    Raises:
        PluginError: it is none, or there is none; whatever importing it raises, besides.
    """
    where, colon, name = text.rpartition(":")
    if not colon:
        return find_plugin(text).load()
    found: Any = getattr(_module(where, folder), name, None)
    if not (isinstance(found, type) and issubclass(found, Plugin)):
        what = "nothing of that name" if found is None else repr(found)
        raise PluginError(f"{text}: expected a class derived from advsep's Plugin, found {what}")
    return found


def _module(where: str, folder: str) -> Any:
    if not where.endswith(".py"):
        sys.path.append(folder)
        return importlib.import_module(where)
    path = Path(where)
    sys.path.append(str(path.parent))  # for what it imports from beside it
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{where} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
