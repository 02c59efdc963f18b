"""Whether what an optional extra brings is installed."""

from __future__ import annotations

import importlib.util

from .errors import AdvsepError


def require_extra(what: str, extra: str, *needed: str) -> None:
    """Return if an extra is installed.

    Args:
        what: needs it, as the message begins: "this needs the training extra".
        extra: name, as pip takes it.
        needed: modules.

    Raises:
        AdvsepError: it is not; the message says how to install it.
    """
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise AdvsepError(f"{what} (missing: {', '.join(missing)}): pip install 'advsep[{extra}]'")
