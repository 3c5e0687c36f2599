"""The versions of the REST API."""

import logging

import pytest

from signalr_local.emulator.call import RestError
from signalr_local.emulator.versions import API_VERSIONS, Versions


@pytest.mark.parametrize("version", API_VERSIONS)
def test_a_known_version_is_itself(version: str) -> None:
    assert Versions().check(version) == version


@pytest.mark.parametrize("version", ["2026-07-02", "2027-01-01", "2026-12-01-preview"])
def test_a_newer_version_counts_as_the_newest_known_with_one_warning(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    versions = Versions()
    assert [versions.check(version) for _ in range(3)] == [API_VERSIONS[-1]] * 3
    assert caplog.messages == [
        f"The api-version {version} is newer than the newest that the emulator knows and is treated as "
        "2026-07-01."
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_warnings_of_new_versions_end(caplog: pytest.LogCaptureFixture) -> None:
    versions = Versions()
    for year in range(3000, 3100):
        versions.check(f"{year}-01-01")
    assert len(caplog.messages) == 16


@pytest.mark.parametrize("version", [None, "", "1.0", "2022-06-02", "9", "zzzz-99-99", "2030-01-01x"])
def test_any_other_version_is_refused(version: str | None) -> None:
    with pytest.raises(RestError, match="known are 2022-06-01"):
        Versions().check(version)


@pytest.mark.parametrize("version", [None, "x", "2022-06-02"])
def test_any_version_counts_as_the_newest_where_the_emulator_is_lenient(version: str | None) -> None:
    assert Versions(is_lenient=True).check(version) == API_VERSIONS[-1]
