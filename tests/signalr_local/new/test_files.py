"""The files of a new app: what there is, and that nothing of template or project is left in it."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from signalr_local.new.files import NewApp, Style, check_folder, files, write

ROOT = Path(__file__).parents[3]
WHEELS = {
    "serverless_signalr-1-py3-none-any.whl": b"one",
    "serverless_signalr_local-1-py3-none-any.whl": b"two",
}
CLIENT = "page/signalr.min.js"


@pytest.fixture(params=list(Style))
def made(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """Return all files of an app of each style."""
    return files(NewApp("our-app", "our_hub", request.param, azure=True, ci=True), WHEELS)


def texts(made: dict[str, bytes]) -> dict[str, str]:
    return {name: made[name].decode() for name in made if not name.endswith((".whl", ".min.js"))}


def test_app_has_at_most_25_files(made: dict[str, bytes]) -> None:
    assert len(made) <= 25


def test_azure_and_workflow_are_there_only_if_asked_for() -> None:
    plain = set(files(NewApp("our-app", "our_hub"), WHEELS))
    with_azure = set(files(NewApp("our-app", "our_hub", azure=True), WHEELS))
    with_ci = set(files(NewApp("our-app", "our_hub", ci=True), WHEELS))
    assert {name.partition("/")[0] for name in with_azure - plain} == {"azure.yaml", "infra"}
    assert {name.rpartition("/")[0] for name in with_ci - plain} == {".github/workflows"}


def test_no_word_of_the_template_is_left(made: dict[str, bytes]) -> None:
    for name, text in texts(made).items():
        assert not re.search(r"app-name|hub_name|events_file|library\.whl|runtime\.whl", text), name
        assert "dot-" not in name


def test_names_are_those_that_were_chosen(made: dict[str, bytes]) -> None:
    assert "<title>our-app</title>" in made["page/index.html"].decode()
    assert made["README.md"].decode().startswith("# our-app\n")
    mentions = [name for name, text in texts(made).items() if name.endswith(".py") and '"our_hub"' in text]
    assert len(mentions) == 1


def test_hub_may_have_the_name_of_a_word_of_the_template() -> None:
    made = files(NewApp("our-app", "events_file"), WHEELS)
    assert 'HUB = "events_file"' in made["blueprints/__init__.py"].decode()


def test_nothing_of_this_project_is_left(made: dict[str, bytes]) -> None:
    own = {path.name for path in ROOT.iterdir()} - set(made) - {name.partition("/")[0] for name in made}
    # The packages are what the app uses; tools have the same folders everywhere.
    own = {name for name in own if name not in {"serverless_signalr", "signalr_local"} and name[0] != "."}
    words = {f"{name}/" if (ROOT / name).is_dir() else name for name in own}
    words |= {"make ", "scripts/", "serverless-signalr-python", str(ROOT)}
    for name, text in texts(made).items():
        assert not [word for word in words if word in text], name


def test_settings_are_there_and_an_example_of_them_is_what_is_committed(made: dict[str, bytes]) -> None:
    assert made["local.settings.json"] == made["local.settings.json.example"]
    assert "local.settings.json" in made[".gitignore"].decode().splitlines()


def test_requirements_name_the_wheels_that_are_there(made: dict[str, bytes]) -> None:
    named = [
        line.removeprefix("./")
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in made[name].decode().splitlines()
        if line.startswith("./")
    ]
    assert named == [name for name in made if name.startswith("wheels/")]


def test_files_that_tools_read_can_be_read(made: dict[str, bytes]) -> None:
    for name, content in made.items():
        if name.endswith((".json", ".json.example")):
            json.loads(content)
    tomllib.loads(made["pyproject.toml"].decode())


def test_samples_of_the_readme_fit_the_files(made: dict[str, bytes]) -> None:
    readme = made["README.md"].decode()
    table = re.findall(r"^\| `([^`]+)` \|", readme, re.M)
    for path in table:
        assert any(name == path or name.startswith(path) for name in made), path


def test_client_of_the_page_is_the_one_of_this_project_s_page_with_its_licence(
    made: dict[str, bytes],
) -> None:
    package = ROOT / "web" / "node_modules" / "@microsoft" / "signalr"
    if not package.is_dir():
        pytest.skip("the npm packages of the page are not installed")
    licence, end, script = made[CLIENT].decode().partition("*/\n")
    original = (package / "dist" / "browser" / "signalr.min.js").read_text(encoding="utf-8")
    assert script.strip() == re.sub(r"//# sourceMappingURL=.*", "", original).strip()
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    assert licence.startswith(f"/*!\n@microsoft/signalr {version},")
    assert "The MIT License" in licence
    assert end


def test_folder_that_is_new_empty_or_just_a_repository_is_taken(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    for name in (".git", ".venv"):
        (tmp_path / name).mkdir()
    check_folder(tmp_path)


def test_folder_with_files_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    for name in ("d", "c", "b", "a"):
        (tmp_path / name).touch()
    with pytest.raises(
        ValueError, match=r"is not empty \(it has a, b, c and 1 more\), and nothing is overwritten"
    ):
        check_folder(tmp_path)


def test_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        check_folder(tmp_path / "file")


def test_no_file_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(FileExistsError):
        write(tmp_path, {"README.md": b"theirs"})
    assert (tmp_path / "README.md").read_text() == "mine"
