"""The folder of an app: what is said where there is no app that can run."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from signalr_local.host.app_folder import check_app_folder, script_name
from signalr_local.host.failures import AppError


def refusal(app: Path, settings: Mapping[str, str] | None = None) -> str:
    with pytest.raises(AppError) as raised:
        check_app_folder(app, settings or {})
    return str(raised.value)


def test_an_app_is_taken(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").touch()
    check_app_folder(tmp_path, {})


def test_its_main_module_may_have_another_name(tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()
    check_app_folder(tmp_path, {"PYTHON_SCRIPT_FILE_NAME": "main.py"})
    assert script_name({"PYTHON_SCRIPT_FILE_NAME": ""}) == "function_app.py"


def test_a_main_module_that_is_missing_is_named_with_its_setting(tmp_path: Path) -> None:
    text = refusal(tmp_path, {"PYTHON_SCRIPT_FILE_NAME": "main.py"})
    assert text == f"There is no main.py in {tmp_path}, which the app setting PYTHON_SCRIPT_FILE_NAME names."


@pytest.mark.parametrize("name", ["../main.py", "main", "ma in.py", "main.pyc"])
def test_a_name_that_the_worker_library_refuses_is_refused(tmp_path: Path, name: str) -> None:
    assert "PYTHON_SCRIPT_FILE_NAME" in refusal(tmp_path, {"PYTHON_SCRIPT_FILE_NAME": name})


def test_an_empty_folder_is_told_where_to_start(tmp_path: Path) -> None:
    text = refusal(tmp_path)
    assert text == (
        f"There is no function_app.py in {tmp_path}. Start in the folder of a function app, or name it with "
        "--app."
    )


def test_an_app_in_a_folder_below_is_named(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "function_app.py").touch()
    assert refusal(tmp_path).endswith(f"There is one in {tmp_path / 'chat'}.")


def test_an_app_of_the_first_programming_model_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "negotiate").mkdir()
    (tmp_path / "negotiate" / "function.json").write_text('{"scriptFile": "__init__.py", "bindings": []}')
    text = refusal(tmp_path)
    assert "v1 programming model (negotiate/function.json)" in text
    assert "https://" in text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"There is no folder {tmp_path / 'none'}."
