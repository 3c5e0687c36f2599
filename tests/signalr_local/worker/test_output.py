"""Standard output: a text stream like any other, whose lines are records of the log."""

import io
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from azure_functions_runtime import invocation_id_cv

from signalr_local.worker.output import Output

type Said = list[tuple[int, str, str | None]]


@pytest.fixture
def said() -> Said:
    return []


@pytest.fixture
def output(said: Said) -> Output:
    return Output(lambda level, text, invocation: said.append((level, text, invocation)))


@pytest.fixture
def invocation() -> Iterator[str]:
    """Run the test as an invocation."""
    token = invocation_id_cv.set("i1")
    yield "i1"
    invocation_id_cv.reset(token)


def texts(said: Said) -> list[str]:
    return [text for _, text, _ in said]


def test_each_line_is_a_record_of_its_invocation(output: Output, said: Said, invocation: str) -> None:
    for text in ("a", "b\nc", "\n", "\n", "rest"):
        assert output.write(text) == len(text)
    output.flush()
    assert said == [(logging.INFO, text, invocation) for text in ("ab", "c", "")]


def test_the_last_line_needs_no_line_break(output: Output, said: Said, invocation: str) -> None:
    print("the end", end="", file=output)
    output.end_of("another")
    assert said == []
    output.end_of(invocation)
    output.end_of(invocation)
    assert said == [(logging.INFO, "the end", invocation)]


def test_bytes_may_be_written(output: Output, said: Said) -> None:
    output.buffer.write("café\n".encode())
    output.buffer.flush()
    assert texts(said) == ["café"]


def test_bytes_that_are_no_text_are_shown_all_the_same(output: Output, said: Said) -> None:
    output.buffer.write(b"\xff\n")
    assert texts(said) == ["\N{REPLACEMENT CHARACTER}"]


def test_a_half_of_a_surrogate_pair_is_passed_on(output: Output, said: Said) -> None:
    print("half \ud83d", file=output)
    assert texts(said) == ["half \ud83d"]


def test_it_may_be_reconfigured(output: Output, said: Said) -> None:
    output.reconfigure(encoding="latin-1", errors="replace", line_buffering=True)
    print("café €", file=output)
    assert (output.encoding, output.errors) == ("latin-1", "replace")
    assert texts(said) == ["café ?"]


def test_it_is_a_text_stream_with_a_file_descriptor(output: Output) -> None:
    assert isinstance(output, io.TextIOWrapper)
    assert (output.encoding, output.fileno(), output.name) == ("utf-8", 1, "<stdout>")
    assert output.writable()
    assert not output.isatty()
    assert not output.readable()


def test_parts_of_a_line_make_one(output: Output, said: Said) -> None:
    print("a", end="", file=output)
    print("b", end="", file=output, flush=True)
    print("c", 1, file=output)
    assert texts(said) == ["abc 1"]


def test_lines_of_threads_do_not_mix(output: Output, said: Said) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    barrier = threading.Barrier(8)

    def write(name: str) -> None:
        barrier.wait()
        for number in range(100):
            print(name, number, "end", file=output)

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert sorted(texts(said)) == sorted(f"{name} {number} end" for name in range(8) for number in range(100))


def test_lines_of_invocations_do_not_mix(output: Output, said: Said) -> None:
    for part, newline in (("a", ""), ("b", "\n")):
        for invocation in ("i1", "i2"):
            token = invocation_id_cv.set(invocation)
            print(part, end=newline, file=output)
            invocation_id_cv.reset(token)
    assert said == [(logging.INFO, "ab", "i1"), (logging.INFO, "ab", "i2")]
