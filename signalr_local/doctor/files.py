"""What the doctor reads: an app's settings, and what the Azure CLI prints of what lies around it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalr_local.host.cors import Cors
from signalr_local.host.settings import LocalSettings

__all__ = ["AppSettings", "Papers", "Role", "ServiceDescription"]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """Hold an app's settings; ``is_deployed`` tells that they are those of an app in Azure.

    ``values`` are what the app sees, ``own`` those among them that were given for it. ``cors`` is None where
    nothing is known of it.
    """

    values: Mapping[str, str]
    own: Mapping[str, str]
    is_deployed: bool
    cors: Cors | None = None

    @classmethod
    def of_folder(cls, app: Path) -> "AppSettings":
        """Read local.settings.json of an app's folder. Raise ValueError for a file that is wrong."""
        local = LocalSettings.read(app)
        cors = Cors(local.cors_origins, local.cors_credentials)
        return cls({**os.environ, **local.effective()}, local.values, False, cors)

    @classmethod
    def of_files(cls, path: Path, cors: Path | None = None) -> "AppSettings":
        """Read ``az functionapp config appsettings list``, or an object of names and values.

        ``cors`` is what ``az functionapp cors show`` printed.
        """
        content = _read(path)
        try:
            if isinstance(content, list):
                content = {item["name"]: item["value"] for item in content}
        except (TypeError, KeyError):
            content = None
        if not isinstance(content, dict) or "Values" in content:
            raise ValueError(f"{path} holds neither a list of settings nor an object of names and values")
        values = {str(name): "" if value is None else str(value) for name, value in content.items()}
        return cls(values, values, True, None if cors is None else _cors(cors))


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """Hold what ``az signalr show`` says: the mode, the upstream rules in their order, and CORS."""

    mode: str | None
    rules: list[Mapping[str, str]] = field(default_factory=list)
    cors_origins: tuple[str, ...] = ()

    @classmethod
    def of_file(cls, path: Path) -> "ServiceDescription":
        """Read what ``az signalr show`` printed. Raise ValueError for anything else."""
        content = _read(path)
        try:
            features = {item["flag"]: item["value"] for item in content["features"] or ()}
            templates: list[Mapping[str, str]] = [
                dict(item) for item in (content.get("upstream") or {}).get("templates") or ()
            ]
            origins = tuple(map(str, (content.get("cors") or {}).get("allowedOrigins") or ()))
        except (TypeError, KeyError, ValueError, AttributeError):
            raise ValueError(f"{path} is not what az signalr show prints") from None
        return cls(features.get("ServiceMode"), templates, origins)


@dataclass(frozen=True, slots=True)
class Role:
    """Name a role, by its id too, and the resource, group or subscription on which it is held."""

    id: str
    name: str
    scope: str

    @classmethod
    def of_file(cls, path: Path) -> "list[Role]":
        """Read what ``az role assignment list`` printed. Raise ValueError for anything else."""
        content = _read(path)
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
            raise ValueError(f"{path} is not what az role assignment list prints") from None


@dataclass(frozen=True, slots=True)
class Papers:
    """Hold all that was handed in; what is None was not."""

    app: AppSettings
    service: ServiceDescription | None = None
    roles: list[Role] | None = None

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


def _cors(path: Path) -> Cors:
    content = _read(path)
    if not isinstance(content, dict) or not {"allowedOrigins", "supportCredentials"} & content.keys():
        raise ValueError(f"{path} is not what az functionapp cors show prints")
    return Cors(tuple(content.get("allowedOrigins") or ()), bool(content.get("supportCredentials")))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
