"""What the doctor reads: an app's settings, and a service's description as the Azure CLI prints it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.host.settings import LocalSettings

__all__ = ["AppSettings", "ServiceDescription"]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """Hold an app's settings; ``is_deployed`` tells that they are those of an app in Azure."""

    values: Mapping[str, str]
    is_deployed: bool
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False

    @classmethod
    def of_folder(cls, app: Path) -> "AppSettings":
        """Read local.settings.json of an app's folder. Raise ValueError for a file that is wrong."""
        local = LocalSettings.read(app)
        return cls(local.values, False, local.cors_origins, local.cors_credentials)

    @classmethod
    def of_file(cls, path: Path) -> "AppSettings":
        """Read what ``az functionapp config appsettings list`` printed, or an object of names and values."""
        content = _read(path)
        if isinstance(content, list):
            content = {item["name"]: item["value"] for item in content if isinstance(item, dict)}
        if not isinstance(content, dict) or "Values" in content:
            raise ValueError(f"{path} holds neither a list of settings nor an object of names and values")
        values = {str(name): "" if value is None else str(value) for name, value in content.items()}
        return cls(values, True)


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
        if not isinstance(content, dict) or "features" not in content:
            raise ValueError(f"{path} is not what az signalr show prints: it has no features")
        modes = [item.get("value") for item in content["features"] or () if item.get("flag") == "ServiceMode"]
        templates = (content.get("upstream") or {}).get("templates") or []
        origins = (content.get("cors") or {}).get("allowedOrigins") or []
        return cls(modes[0] if modes else None, list(templates), tuple(origins))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
