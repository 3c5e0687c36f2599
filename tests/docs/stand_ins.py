"""Commands that cannot run here: each stand-in refuses what the real one refuses, and answers by a table.

``command_lines.json`` has the commands and options of the real ones, as they tell them themselves; its
``source`` says which version of what.
"""

import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]

TABLE = Path(__file__).with_name("command_lines.json")

STUB = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.docs.stand_ins import main
main({name!r}, sys.argv[1:], {answers!r})
"""


class RefusedError(Exception):
    """Carry what the real command would complain of."""


@dataclass(frozen=True)
class Call:
    """Hold a command line that was understood: the command, and each option with its values."""

    command: str
    options: Mapping[str, list[str]]
    words: list[str]


@cache
def table() -> Any:
    return json.loads(TABLE.read_text(encoding="utf-8"))


def parse(name: str, words: list[str], *, whole: bool = True) -> Call:
    """Understand a command line as the real command does, or refuse it; one in a text may lack its end."""
    known = table()[name]
    commands = known["commands"]
    # The longest name wins: env set-secret is not env.
    found = [text for text in commands if words[: len(text.split())] == text.split()]
    if not found:
        raise RefusedError(f"{name} has no command {' '.join(words[:3])!r}")
    command = max(found, key=len)
    takes = commands[command]
    options: dict[str, list[str]] = {}
    positional: list[str] = []
    rest = words[len(command.split()) :]
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if word.startswith("-") and option in takes["flags"] + known["flags"]:
            options[option] = []
        elif word.startswith("-"):
            if option not in takes["options"] + known["options"]:
                raise RefusedError(f"{name} {command} has no option {option}")
            values = [value] if equals else _values(rest, many=option in takes.get("lists", []))
            if whole and not values:
                raise RefusedError(f"{name} {command} {option} has no value")
            options[option] = options.get(option, []) + values
        else:
            positional.append(word)
            # What follows the image belongs to the program in it.
            if takes.get("passes on") and len(positional) == takes["positional"]:
                positional += rest
                break
    if not takes.get("passes on") and len(positional) > takes["positional"]:
        raise RefusedError(f"{name} {command} does not take {positional}")
    missing = [one for one in takes.get("required", []) if not {*one.split()} & {*options}]
    if whole and missing:
        raise RefusedError(f"{name} {command} requires {missing}")
    return Call(command, options, positional)


def _values(rest: list[str], *, many: bool) -> list[str]:
    values: list[str] = []
    while rest and not rest[0].startswith("-") and (many or not values):
        values.append(rest.pop(0))
    return values


def main(name: str, words: list[str], answers: Mapping[str, Any]) -> None:
    """Be the command: complain, or print what the table answers."""
    try:
        call = parse(name, words)
    except RefusedError as error:
        sys.exit(str(error))
    answer = answers.get(f"{name} {call.command}")
    if isinstance(answer, dict) and call.command.startswith("env get-value"):
        values = [answer[key] for key in call.words] if call.words else None
        lines = values or [f'{key}="{value}"' for key, value in answer.items()]
        print("\n".join(lines))
        return
    for query in call.options.get("--query", []):
        answer = jmespath.search(query, answer)
        if answer is None:
            sys.exit(f"{query} of {name} {call.command} is nothing")
    if answer is not None:
        print(answer if call.options.get("--output") == ["tsv"] else json.dumps(answer))


def install(folder: Path, answers: Mapping[str, Any]) -> None:
    """Write a stand-in for each command of the table into a folder, for the PATH."""
    folder.mkdir(exist_ok=True)
    for name in table():
        path = folder / name
        root = str(Path(__file__).parents[2])
        path.write_text(STUB.format(python=sys.executable, root=root, name=name, answers=dict(answers)))
        path.chmod(0o755)


def command_lines(code: list[str]) -> list[str]:
    """Return those of some pieces of code that call one of the commands, as pages write them in a text."""
    names = "|".join(table())
    return [line for line in code if re.match(rf"(?:{names}) [a-z]", line)]


def words_of(line: str) -> tuple[str, list[str]]:
    """Split a command line of a page. Words of the shell stay as they are."""
    name, *words = shlex.split(line, comments=True)
    return name, words
