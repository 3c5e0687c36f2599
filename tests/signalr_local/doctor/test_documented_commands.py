"""The command lines of the pages that examine a deployed app do so, round trip included."""

import json
import re

import pytest

from tests.docs.lines import Line, all_lines
from tests.signalr_local.doctor.deployment import Azure

LINES = [line for line in all_lines() if re.match(r"signalr-local doctor .*--azure ", line.text)]


@pytest.mark.parametrize("line", LINES, ids=str)
async def test_deployed_app_is_examined_as_the_page_says(
    azure: Azure, capsys: pytest.CaptureFixture[str], line: Line
) -> None:
    words = line.words[1:]
    if ">" in words:
        words = words[: words.index(">")]
    code, printed = await azure.run(capsys, words)
    assert code == 0, printed
    shown = [call for call in azure.calls if call.startswith("functionapp show ")]
    assert [f"--name {words[words.index('--azure') + 1]} " in call for call in shown] == [True]
    if "json" in words:
        findings = json.loads(printed)["findings"]
        assert {item["state"] for item in findings} == {"ok"}
        assert "Round trip" in {item["section"] for item in findings}
    else:
        assert re.search(r"\[ok\] call: \d+ ms", printed)
        assert printed.endswith("\nNo problems found.\n")
