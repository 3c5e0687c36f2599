"""What the doctor reads: an app's settings, and what the Azure CLI prints about its surroundings."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalr_local.host.cors import Cors
from signalr_local.host.functions import Function
from signalr_local.host.json_files import read_object
from signalr_local.host.settings import LOCAL_SETTINGS, LocalSettings

__all__ = ["AppSettings", "Papers", "Role", "ServiceDescription", "parse_functions"]

_SECTIONS = ("isencrypted", "values", "connectionstrings", "host")


@dataclass(frozen=True, slots=True)
class AppSettings:
    """An app's settings; ``is_deployed`` tells whether they are those of an app in Azure.

    ``values`` are what the app sees, ``own`` those of them that are its own rather than the machine's.
    ``cors`` is None if it is not known. ``beside`` names what stands outside Values, ``problem`` says why
    the file was not read, ``example`` names a file to start from; ``is_flex`` is None if the plan is not
    known.
    """

    values: Mapping[str, str]
    own: Mapping[str, str]
    is_deployed: bool
    cors: Cors | None = None
    beside: tuple[str, ...] = ()
    problem: str = ""
    has_file: bool = True
    example: str = ""
    is_flex: bool | None = None

    @property
    def is_missing(self) -> bool:
        """Whether there are no settings at all, so that everything that needs one is bound to fail."""
        return not self.own

    @classmethod
    def of_folder(cls, app: Path) -> "AppSettings":
        """Read local.settings.json of an app's folder; a faulty file becomes the ``problem``."""
        path = app / LOCAL_SETTINGS
        content = _content(path)
        cors = _local_cors(content)
        try:
            local = LocalSettings.read(app)
        except ValueError as error:
            if not cors.credentials or "*" not in cors.origins:
                return cls(os.environ, {}, False, problem=_without_path(str(error), path))
            # The runtime refuses these origins; the rest of the file is looked at all the same.
            values = content.get("Values")
            own = {str(name): str(value) for name, value in dict(values or {}).items()}
            return cls({**os.environ, **own}, own, False, cors)
        beside = tuple(
            name
            for name, value in content.items()
            if name.lower() not in _SECTIONS and isinstance(value, str | int | float | bool)
        )
        values = {**os.environ, **local.effective()}
        # Without the file, settings may come from the environment, as they do in a container.
        own = local.values or {name: value for name, value in os.environ.items() if "signalr" in name.lower()}
        example = f"{LOCAL_SETTINGS}.example"
        return cls(
            values,
            own,
            False,
            cors,
            beside,
            has_file=path.exists(),
            example=example if (app / example).is_file() else "",
        )

    @classmethod
    def of_files(cls, path: Path, cors: Path | None = None) -> "AppSettings":
        """Read ``az functionapp config appsettings list``, or an object of names and values.

        ``cors`` is what ``az functionapp cors show`` printed.
        """
        return cls.parse(_read(path), None if cors is None else _read(cors), str(path), str(cors))

    @classmethod
    def parse(
        cls,
        content: Any,
        cors: Any,
        source: str = "az functionapp config appsettings list",
        cors_source: str = "az functionapp cors show",
        *,
        is_flex: bool | None = None,
    ) -> "AppSettings":
        """Read what az printed. Raise ValueError, which names the source, for anything else."""
        try:
            if isinstance(content, list):
                content = {item["name"]: item["value"] for item in content}
        except (TypeError, KeyError):
            content = None
        if not isinstance(content, dict) or "Values" in content:
            raise ValueError(f"{source} holds neither a list of settings nor an object of names and values")
        values = {str(name): "" if value is None else str(value) for name, value in content.items()}
        allowed = None if cors is None else _cors(cors, cors_source)
        return cls(values, values, True, allowed, is_flex=is_flex)


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """What ``az signalr show`` says: the mode, the upstream rules in their order, and CORS."""

    mode: str | None
    rules: list[Mapping[str, Any]] = field(default_factory=list)
    cors_origins: tuple[str, ...] = ()
    name: str = ""
    group: str = ""

    @classmethod
    def of_file(cls, path: Path) -> "ServiceDescription":
        """Read what ``az signalr show`` printed. Raise ValueError for anything else."""
        return cls.parse(_read(path), str(path))

    @classmethod
    def parse(cls, content: Any, source: str = "az signalr show") -> "ServiceDescription":
        """Read what ``az signalr show`` printed. Raise ValueError, which names the source, otherwise."""
        try:
            features = {item["flag"]: item["value"] for item in content["features"] or ()}
            templates: list[Mapping[str, Any]] = [
                dict(item) for item in (content.get("upstream") or {}).get("templates") or ()
            ]
            origins = tuple(map(str, (content.get("cors") or {}).get("allowedOrigins") or ()))
            name, group = (str(content.get(member) or "") for member in ("name", "resourceGroup"))
        except (TypeError, KeyError, ValueError, AttributeError):
            raise ValueError(f"{source} is not what az signalr show prints") from None
        return cls(features.get("ServiceMode"), templates, origins, name, group)


@dataclass(frozen=True, slots=True)
class Role:
    """A role, with its id, and the resource, group or subscription on which it is held."""

    id: str
    name: str
    scope: str

    @classmethod
    def of_file(cls, path: Path) -> "list[Role]":
        """Read what ``az role assignment list`` printed. Raise ValueError for anything else."""
        return cls.parse(_read(path), str(path))

    @classmethod
    def parse(cls, content: Any, source: str = "az role assignment list") -> "list[Role]":
        """Read what ``az role assignment list`` printed. Raise ValueError, which names the source."""
        try:
            return [
                cls(
                    str(item["roleDefinitionId"]).rpartition("/")[2].lower(),
                    str(item.get("roleDefinitionName") or ""),
                    str(item["scope"]),
                )
                for item in content
            ]
        except (TypeError, KeyError, AttributeError):
            raise ValueError(f"{source} is not what az role assignment list prints") from None


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything that is known before the examination; None is not known.

    ``functions`` are those that Azure lists; without them the app in the folder is loaded. ``host_names`` are
    the deployed app's, the default one first, and ``function_key`` is its default key.
    """

    app: AppSettings
    service: ServiceDescription | None = None
    roles: list[Role] | None = None
    functions: list[Function] | None = None
    route_prefix: str | None = None
    host_names: tuple[str, ...] = ()
    function_key: str | None = field(default=None, repr=False)

    @classmethod
    def read(
        cls,
        app: Path,
        *,
        settings: Path | None = None,
        cors: Path | None = None,
        service: Path | None = None,
        roles: Path | None = None,
    ) -> "Papers":
        """Read files; without ``settings`` those of the app's folder. Raise ValueError for a wrong one."""
        if cors is not None and settings is None:
            raise ValueError(f"{cors} is CORS of a deployed app, whose settings are missing: give both")
        return cls(
            AppSettings.of_folder(app) if settings is None else AppSettings.of_files(settings, cors),
            None if service is None else ServiceDescription.of_file(service),
            None if roles is None else Role.of_file(roles),
        )


def parse_functions(content: Any) -> list[Function]:
    """Read what ``az functionapp function list`` printed. Raise ValueError for anything else."""
    try:
        return [
            Function.from_metadata(
                {
                    "id": item["name"],
                    "name": str(item["name"]).rpartition("/")[2],
                    "bindings": [{"direction": "in", **binding} for binding in item["config"]["bindings"]],
                }
            )
            for item in content
        ]
    except (TypeError, KeyError, AttributeError):
        raise ValueError("az functionapp function list printed something unexpected") from None


def _content(path: Path) -> dict[str, Any]:
    """Return local.settings.json as it is, empty if the host's reader will say what is wrong."""
    try:
        return read_object(path) or {}
    except (OSError, ValueError):
        return {}


def _local_cors(content: Mapping[str, Any]) -> Cors:
    host = content.get("Host")
    if not isinstance(host, dict):
        return Cors()
    # A list in JSON is not what Core Tools reads; commas in a text are.
    origins = tuple(item.strip() for item in str(host.get("CORS") or "").split(",") if item.strip())
    return Cors(origins, str(host.get("CORSCredentials", False)).lower() == "true")


def _without_path(text: str, path: Path) -> str:
    return text.replace(f"{path} ", "it ", 1).rstrip(".")


def _cors(content: Any, source: str) -> Cors:
    if not isinstance(content, dict) or not {"allowedOrigins", "supportCredentials"} & content.keys():
        raise ValueError(f"{source} is not what az functionapp cors show prints")
    return Cors(tuple(content.get("allowedOrigins") or ()), bool(content.get("supportCredentials")))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
