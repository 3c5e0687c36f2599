"""host.json: can the host read it, and does it load the SignalR bindings?

Source: https://learn.microsoft.com/azure/azure-functions/extension-bundles and
https://learn.microsoft.com/azure/azure-functions/functions-host-json.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.host.configuration import HOST_JSON, HostConfiguration
from signalr_local.host.json_files import read_object

__all__ = ["check_host_json"]

_BUNDLE = "Microsoft.Azure.Functions.ExtensionBundle"
_CURRENT = {"id": _BUNDLE, "version": "[4.*, 5.0.0)"}
_BUNDLES = {_BUNDLE.lower(), f"{_BUNDLE}.Preview".lower(), f"{_BUNDLE}.Experimental".lower()}
_BUNDLE_FIX = f'set "extensionBundle": {json.dumps(_CURRENT)}'
_WHOLE = json.dumps({"version": "2.0", "extensionBundle": _CURRENT})

_RANGE = re.compile(
    r"\s*(?:([\[(])\s*(\d[\d.*]*)?\s*(?:(,)\s*(\d[\d.]*)?)?\s*([\])])|(\d[\d.*]*))\s*", re.ASCII
)
"""A range of versions as NuGet writes it: between brackets, or a lowest version."""

_SUPPORTED = 4


def check_host_json(app: Path) -> Iterator[Finding]:
    """Check what the SignalR bindings need of host.json."""
    try:
        content = read_object(app / HOST_JSON)
    except ValueError as error:
        problem = str(error).replace(f"{app / HOST_JSON} ", "it ", 1)
        yield wrong("host-json.syntax", HOST_JSON, problem, _file_fix(problem))
        return
    if content is None:
        yield wrong(
            "host-json.missing",
            HOST_JSON,
            "the file does not exist; without it a deployed app has no SignalR bindings",
            f"create it with this content: {_WHOLE}",
        )
        return
    if content.get("version") != "2.0":
        seen = repr(content["version"]) if "version" in content else "missing"
        yield wrong(
            "host-json.version",
            HOST_JSON,
            f'its version is {seen}, and the host starts only with "2.0"',
            'set "version": "2.0"',
        )
        return
    # Of all keys, the host looks at the case of "version" alone.
    content = _in_lower_case(content)
    yield _check_bundle(content.get("extensionbundle"))
    yield from _check_prefix(content)
    try:
        HostConfiguration.read(app)
    except ValueError as error:
        problem = str(error).replace(f"{app / HOST_JSON}: ", "", 1).rstrip(".")
        yield wrong("host-json.value", HOST_JSON, problem, "correct the value")


def _file_fix(problem: str) -> str:
    if "cannot be read" in problem:
        return "make it a file that may be read"
    return "save it as UTF-8" if "text:" in problem else "correct the syntax"


def _in_lower_case(value: Any) -> Any:
    """Return an object with its keys in lower case, however deep."""
    if isinstance(value, dict):
        return {name.lower(): _in_lower_case(item) for name, item in value.items()}
    return value


def _check_bundle(bundle: Any) -> Finding:
    if not isinstance(bundle, dict) or str(bundle.get("id", "")).lower() not in _BUNDLES:
        return wrong(
            "host-json.bundle",
            HOST_JSON,
            "it names no extension bundle, so the host does not know the SignalR bindings",
            _BUNDLE_FIX,
        )
    version = str(bundle.get("version", ""))
    newest = _newest_major(version)
    if newest is None:
        return wrong(
            "host-json.bundle-version",
            HOST_JSON,
            f"the version {version!r} of the extension bundle is not a range of versions",
            _BUNDLE_FIX,
        )
    if newest < _SUPPORTED:
        return warning(
            "host-json.bundle-old",
            HOST_JSON,
            f"the extension bundle {version} is no longer supported",
            _BUNDLE_FIX,
        )
    return fine("host-json.bundle", HOST_JSON, f"extension bundle {version}")


def _check_prefix(content: dict[str, Any]) -> Iterator[Finding]:
    """Look for a route prefix where version 1 of the host had it; the host says nothing about it."""
    http = content.get("http")
    if not isinstance(http, dict) or "routeprefix" not in http:
        return
    extensions = content.get("extensions")
    current = extensions.get("http") if isinstance(extensions, dict) else None
    used = current.get("routeprefix", "api") if isinstance(current, dict) else "api"
    wanted = json.dumps({"http": {"routePrefix": http["routeprefix"]}})
    yield warning(
        "host-json.route-prefix",
        HOST_JSON,
        f"http.routePrefix is ignored outside of extensions: functions are at /{str(used).strip('/')}",
        f'replace "http" by "extensions": {wanted}',
    )


def _newest_major(version: str) -> int | None:
    """Return the highest major version in a range, None if it is not a range."""
    match = _RANGE.fullmatch(version)
    if match is None:
        return None
    _, lowest, comma, highest, closing, only = match.groups()
    if only or (comma and highest is None):
        return _SUPPORTED
    if not comma:
        return int(lowest.partition(".")[0]) if lowest else None
    major, _, rest = highest.partition(".")
    is_excluded = closing == ")" and not rest.replace(".", "").strip("0")
    return int(major) - 1 if is_excluded else int(major)
