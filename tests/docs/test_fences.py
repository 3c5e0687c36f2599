"""Every block of every page is run by a test, or held by the strongest check that there is.

Command lines have a table of their own, in test_commands.py. ``HOLDERS`` counts the other blocks: a new one
fails here until a test runs it and the table knows that.
"""

import ast
from collections import Counter

import pytest

from tests.docs.lines import SCRIPTS, in_blocks
from tests.docs.pages import ROOT, pages
from tests.docs.test_commands import holder

HOLDERS: dict[tuple[str, str], tuple[int, list[str]]] = {
    ("README.md", "python"): (
        3,
        ["test_readme.py::test_schedule_is_fired_by_hand", "test_readme.py::test_hub_class_checks_roles"],
    ),
    ("docs/answers.md", "python"): (1, ["test_answers.py::test_app_streams_its_answer"]),
    ("docs/answers.md", "ts"): (1, ["test_samples.py::test_readers_of_answers_are_of_the_right_types"]),
    ("docs/connections.md", "json"): (
        1,
        ["../serverless_signalr/test_health.py::test_report_of_the_documentation_is_the_one_that_is_given"],
    ),
    ("docs/connections.md", "python"): (
        2,
        [
            "test_connections.py::test_connection_is_opened_under_its_name",
            "test_connections.py::test_router_of_the_page_chooses_the_near_endpoint",
        ],
    ),
    ("docs/debugging.md", "json"): (
        1,
        ["test_debugging.py::test_editor_has_the_configuration_that_the_page_shows"],
    ),
    ("docs/debugging.md", "text"): (1, ["test_debugging.py::test_skipped_breakpoint_is_quoted_as_it_is"]),
    ("docs/deployment-reference.md", "text"): (1, ["test_operations.py::test_json_that_is_shown_is_json"]),
    # A picture of what is deployed.
    ("docs/deployment.md", "text"): (1, []),
    ("docs/doctor.md", "text"): (
        2,
        [
            "test_operations.py::test_report_of_the_doctor_is_the_one_that_the_page_shows",
            "../signalr_local/doctor/test_round_trip.py::test_page_shows_the_steps_as_they_are_printed",
        ],
    ),
    ("docs/emulator.md", "json"): (1, ["test_emulator.py::test_the_file_is_the_one_that_init_writes"]),
    ("docs/emulator.md", "python"): (1, ["test_emulator.py::test_the_python_example_sends_a_message"]),
    ("docs/emulator.md", "text"): (
        1,
        ["test_emulator.py::test_the_connection_string_is_that_of_the_emulator"],
    ),
    ("docs/emulator.md", "yaml"): (
        1,
        ["test_emulator.py::test_the_compose_file_starts_the_image_with_options_that_are_understood"],
    ),
    ("docs/existing-app.md", "json"): (1, ["test_existing_app.py::test_settings_name_the_emulator"]),
    ("docs/existing-app.md", "python"): (
        3,
        [
            "test_existing_app.py::test_hub_and_blueprint_run_on_a_plain_app",
            "test_pages.py::test_python_parses_and_imports_what_the_library_has",
        ],
    ),
    ("docs/existing-app.md", "text"): (
        1,
        ["test_existing_app.py::test_wheel_of_the_requirements_is_the_one_that_is_built"],
    ),
    ("docs/guide.md", "js"): (1, ["test_samples.py::test_client_of_the_guide_is_told_of_its_order"]),
    # conftest.py cuts the guide into apps, refuses a block without a file, and runs each app.
    ("docs/guide.md", "json"): (1, ["test_guide.py::test_every_function_of_a_section_can_run"]),
    ("docs/guide.md", "diff"): (3, ["test_guide.py::test_every_function_of_a_section_can_run"]),
    ("docs/guide.md", "python"): (15, ["test_guide.py::test_every_function_of_a_section_can_run"]),
    ("docs/guide.md", "text"): (4, ["test_guide.py::test_call_that_does_not_fit_is_answered_with_what_does"]),
    ("docs/inspector.md", "text"): (1, ["test_commands.py::test_events_are_followed_with_curl"]),
    ("docs/make-it-yours.md", "diff"): (3, ["test_make_it_yours.py::test_rest_is_well_without_a_part"]),
    ("docs/make-it-yours.md", "python"): (1, ["test_make_it_yours.py::test_new_event_works_and_is_tested"]),
    ("docs/new-app.md", "text"): (1, ["test_new_app.py::test_wheels_are_those_that_are_built"]),
    # There is no engine for these queries here: the workbook has the same ones, and a rule is checked.
    ("docs/observability.md", "kusto"): (
        3,
        ["../infra/test_monitoring.py::test_the_workbook_has_the_queries_of_the_documentation"],
    ),
    ("docs/operate.md", "kusto"): (
        8,
        ["../infra/test_monitoring.py::test_the_workbook_has_the_queries_of_the_documentation"],
    ),
    ("docs/observability.md", "python"): (
        1,
        ["test_observability.py::test_one_trace_leads_from_the_event_over_the_method_to_what_it_sends"],
    ),
    ("docs/refresh.md", "python"): (3, ["test_refresh.py::test_every_file_of_the_page_is_tried"]),
    ("docs/testing.md", "js"): (
        2,
        ["test_testing.py::test_environment_for_cypress_is_served_and_its_request_drops_the_client"],
    ),
    ("docs/testing.md", "python"): (13, ["test_testing.py::test_example_runs"]),
    ("docs/testing.md", "text"): (
        1,
        ["test_testing.py::test_message_of_a_failed_expectation_is_quoted_as_it_is"],
    ),
    ("docs/testing.md", "toml"): (1, ["test_testing.py::test_example_runs"]),
    ("docs/troubleshooting.md", "js"): (
        1,
        ["test_samples.py::test_page_of_a_dev_server_connects_past_its_proxy"],
    ),
    ("docs/troubleshooting.md", "text"): (11, ["test_troubleshooting.py::test_every_quote_is_provoked_here"]),
    ("docs/tutorial.md", "html"): (5, ["test_tutorial.py::test_schedule_is_run_by_hand"]),
    ("docs/tutorial.md", "json"): (2, ["test_tutorial.py::test_schedule_is_run_by_hand"]),
    ("docs/tutorial.md", "python"): (7, ["test_tutorial.py::test_tests_pass"]),
    ("docs/tutorial.md", "text"): (
        4,
        ["test_tutorial.py::test_wheel_of_the_requirements_is_the_one_that_is_built"],
    ),
    ("examples/README.md", "js"): (
        1,
        ["test_samples.py::test_page_of_the_reference_desk_asks_and_is_answered"],
    ),
    ("serverless_signalr/README.md", "python"): (
        1,
        ["test_samples.py::test_hub_of_the_librarys_readme_keeps_roles_and_groups"],
    ),
}
"""How many blocks of a language a page has, and the tests in tests/docs that run them."""

# The reference shows signatures; tests/docs/test_api.py compares them with the code.
OTHERS = Counter(
    (page.path, block.language)
    for page in pages()
    if page.path != "docs/api.md"
    for block in page.blocks
    if not block.is_shell
)


def test_every_block_has_a_test() -> None:
    known = {place: count for place, (count, _) in HOLDERS.items()}
    assert dict(OTHERS) == known, "a block that no test runs: write the test, then count the block in HOLDERS"


def test_every_command_of_a_block_has_a_test() -> None:
    assert [
        str(line)
        for page in pages()
        if page.path not in SCRIPTS
        for line in in_blocks(page)
        if holder(line) is None
    ] == []


@pytest.mark.parametrize("test", sorted({test for _, tests in HOLDERS.values() for test in tests}))
def test_test_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / "docs" / path).read_text(encoding="utf-8"))
    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
