"""The check with Microsoft's compiler: any word of it fails, and so does a snapshot that differs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAPSHOTS = ROOT / "infra" / "snapshots"
REFUSED = sorted((SNAPSHOTS / "refused").glob("*.bicepparam"))

COMPILER = """#!/bin/sh
echo "$*" >> "{folder}/calls"
case "$*" in
  lint*) cat "{folder}/lint" ;;
  *refused*) [ -e "{folder}/accepts" ] || {{ sed -n '1s|^// ||p' "$2"; exit 1; }} ;;
  *overwrite*) ;;
  *snapshot*) [ ! -e "{folder}/differs" ] || {{ echo "~ properties.x"; exit 1; }} ;;
esac
exit 0
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with nothing but the script, the snapshots and a stand-in for the compiler."""
    project = tmp_path / "project"
    (project / "infra" / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "infra" / "scripts" / "check-bicep.sh", project / "infra" / "scripts")
    shutil.copytree(SNAPSHOTS, project / "infra" / "snapshots")
    compiler = project / "compiler"
    compiler.write_text(COMPILER.format(folder=project))
    compiler.chmod(0o755)
    (project / "lint").write_text("")
    (project / "calls").write_text("")
    return project


def check(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = project / "infra" / "scripts" / "check-bicep.sh"
    given = {"PATH": "/usr/bin:/bin", "BICEP": str(project / "compiler"), "HOME": str(project)}
    return subprocess.run(
        [str(script), *arguments], env=given | environment, capture_output=True, text=True, check=False
    )


def test_a_template_without_a_fault_passes_without_a_word(project: Path) -> None:
    done = check(project)
    assert (done.returncode, done.stdout) == (0, "")
    lint, *snapshots = (project / "calls").read_text().splitlines()
    assert lint == "lint infra/main.bicep"
    assert len(snapshots) == len([*SNAPSHOTS.rglob("*.bicepparam")])
    assert all("--mode validate" in call for call in snapshots)


def test_the_template_of_new_apps_is_linted_too(project: Path) -> None:
    template = "signalr_local/new/template/azure/infra/main.bicep"
    (project / template).parent.mkdir(parents=True)
    shutil.copy(ROOT / template, project / template)
    assert check(project).returncode == 0
    calls = (project / "calls").read_text().splitlines()
    assert calls[:2] == ["lint infra/main.bicep", f"lint {template}"]


def test_a_warning_fails_although_the_compiler_does_not(project: Path) -> None:
    (project / "lint").write_text("main.bicep(1,1) : Warning BCP037")
    done = check(project)
    assert done.returncode == 1
    assert "BCP037" in done.stdout


def test_a_snapshot_that_differs_fails_and_says_how_to_update_it(project: Path) -> None:
    (project / "differs").touch()
    done = check(project)
    assert done.returncode == 1
    assert "infra/snapshots/defaults.bicepparam no longer deploys what its snapshot says" in done.stdout
    assert "check-bicep.sh --update" in done.stdout
    assert "~ properties.x" in done.stdout


def test_a_combination_that_is_no_longer_refused_fails(project: Path) -> None:
    (project / "accepts").touch()
    done = check(project)
    assert done.returncode == 1
    assert "free-and-network.bicepparam is not refused with: Free_F1 has no private endpoint" in done.stdout


def test_update_writes_the_snapshots_that_differ_anew_but_not_those_that_are_refused(project: Path) -> None:
    (project / "differs").touch()
    done = check(project, "--update")
    calls = (project / "calls").read_text().splitlines()
    written = [call for call in calls if "--mode overwrite" in call]
    assert done.returncode == 0
    assert len(written) == 5
    assert not [call for call in written if "refused" in call]


def test_update_leaves_snapshots_that_are_right_as_they_are(project: Path) -> None:
    check(project, "--update")
    assert "overwrite" not in (project / "calls").read_text()


def test_without_a_compiler_it_says_so_and_passes(project: Path) -> None:
    done = check(project, BICEP="")
    if shutil.which("bicep", path="/usr/bin:/bin") is None:
        assert done.returncode == 0
        assert "az bicep install" in done.stdout


def test_another_argument_is_a_wrong_use(project: Path) -> None:
    assert check(project, "--help").returncode == 2


def test_every_set_of_parameters_has_its_snapshot() -> None:
    names = {path.stem for path in SNAPSHOTS.glob("*.bicepparam")}
    assert names == {path.name.removesuffix(".snapshot.json") for path in SNAPSHOTS.glob("*.snapshot.json")}
    assert len(names) == 5


@pytest.mark.parametrize("file", REFUSED, ids=lambda path: path.stem)
def test_what_is_refused_is_said_in_the_template(file: Path) -> None:
    words = file.read_text().splitlines()[0].removeprefix("// ")
    assert words in (ROOT / "infra" / "main.bicep").read_text()


def test_the_public_workflow_compiles_with_a_compiler_of_its_own() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "az bicep install" in text
    assert "infra/scripts/check-bicep.sh" in text
    assert os.access(ROOT / "infra" / "scripts" / "check-bicep.sh", os.X_OK)
