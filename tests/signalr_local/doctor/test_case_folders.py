"""Apps as users wrote them, each in a folder of ``cases`` with what the doctor is to say of it."""

import argparse
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from signalr_local.doctor import command
from signalr_local.doctor.options import add_parser

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDERS = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
async def test_the_doctor_says_of_a_case_what_is_expected(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = tmp_path / "app"
    shutil.copytree(folder, app)
    expected: dict[str, Any] = json.loads((app / "expected.json").read_text())
    if (app / "settings.json").exists():
        (app / "settings.json").rename(app / "local.settings.json")
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    options = [str(app / word) if word.endswith(".json") else word for word in expected.get("options", ())]
    code = await command.run(parser.parse_args(["doctor", "--app", str(app), *options]))
    said = capsys.readouterr().out
    assert code == expected["exit"], said
    for pattern in expected["said"]:
        assert re.search(pattern, said), said
    for state in ("error", "warning"):
        if f"{state}s" in expected:
            assert said.count(f"[{state}]") == expected[f"{state}s"], said
