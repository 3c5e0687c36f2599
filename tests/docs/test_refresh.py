"""What docs/refresh.md shows runs."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "refresh.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", TEXT, re.DOTALL))


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what imports a file of the page, as on a developer's machine."""
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    monkeypatch.setenv("WEBSITE_HOSTNAME", "localhost:7071")
    loaded: dict[str, ModuleType | None] = {}

    def load_one(name: str) -> ModuleType:
        loaded.setdefault(name, sys.modules.get(name))
        (tmp_path / f"{name}.py").write_text(FILES[name], encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load_one
    for name, before in loaded.items():
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before


async def test_test_of_the_page_passes_with_the_app_of_the_page(load: Any) -> None:
    load("function_app")
    await load("test_refresh").test_ann_stays_connected()


def test_hub_of_the_page_has_both_functions(load: Any) -> None:
    found = {each.get_trigger().route for each in load("hub_app").app.get_functions()}
    assert found == {"negotiate", "refresh"}


def test_every_file_of_the_page_is_tried() -> None:
    assert set(FILES) == {"hub_app", "function_app", "test_refresh"}
