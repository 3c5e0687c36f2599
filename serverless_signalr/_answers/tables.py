"""A store of answers in Azure Table Storage, for apps with any number of instances.

Each answer is a partition. The row ``head`` has the owner and the state, and changes with every write. Each
piece has its own row. A write is one transaction, which fails if the head has changed since it was read.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.stores import (
    AnswerConflictError,
    AnswerExistsError,
    AnswerState,
    StoredAnswer,
)
from serverless_signalr._answers.table_client import check_table_name, open_table, read_storage
from serverless_signalr._answers.table_rows import MAX_OPERATIONS, chunks_of, key_of, piece_of, row_of

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

__all__ = ["TableAnswerStore"]

_HEAD = "head"
_CONFLICTS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
"""The statuses of a transaction whose head is gone or has changed, or whose piece already exists."""


@dataclass(slots=True)
class _Version:
    """The version of a head, and the sizes of the rows that its writer knows."""

    etag: str
    size: int = 0
    rows: deque[tuple[int, int]] = field(default_factory=deque)


class TableAnswerStore:
    """A store in a table of Azure Table Storage, by default in the app's own storage account.

    ``connection`` is the app setting of a storage account, or the prefix of its settings: a connection
    string, or ``<connection>__accountName`` or ``<connection>__tableServiceUri`` for the app's identity,
    which needs the role Storage Table Data Contributor. The table is created when it is first needed. The
    store requires the package azure-data-tables: ``pip install "serverless-signalr[answers]"``.

    The store keeps the last ``max_bytes`` of an answer. An answer expires ``ttl`` after its last piece. Its
    rows are deleted by ``purge``, which the timer of ``add_answers`` calls. Raise ConnectionStringError if
    settings are missing or invalid.
    """

    def __init__(
        self,
        connection: str = "AzureWebJobsStorage",
        *,
        table: str = "answers",
        ttl: timedelta = timedelta(minutes=30),
        max_bytes: int = 256 * 1024,
        clock: Callable[[], float] = time.time,
        settings: Mapping[str, str] = os.environ,
    ) -> None:
        if ttl <= timedelta(0) or max_bytes < 1:
            raise ValueError("ttl and max_bytes must be positive")
        self._table_name = check_table_name(table)
        self._storage = read_storage(connection, settings)
        self._ttl, self._max_bytes, self._clock = ttl.total_seconds(), max_bytes, clock
        self._tables: WeakKeyDictionary[asyncio.AbstractEventLoop, TableClient] = WeakKeyDictionary()

    async def create(self, answer_id: str, owner: str, audience: str | None) -> object:
        """Begin an answer."""
        head = {
            "PartitionKey": answer_id,
            "RowKey": _HEAD,
            "owner": owner,
            "audience": audience or "",
            "state": AnswerState.STREAMING.value,
            "last": 0,
            "changed": self._clock(),
        }
        from azure.core.exceptions import HttpResponseError

        for attempt in range(2):
            try:
                made = await self._table.create_entity(head)
            except HttpResponseError as error:
                if error.status_code == HTTPStatus.NOT_FOUND and not attempt:
                    await self._create_table()
                elif error.status_code == HTTPStatus.CONFLICT:
                    raise AnswerExistsError(f"an answer with the id {answer_id!r} already exists") from None
                else:
                    raise
            else:
                return _Version(made["etag"])
        raise RuntimeError(f"the table {self._table_name} could not be created")

    async def append(
        self, answer_id: str, version: object, pieces: Sequence[AnswerPiece], state: AnswerState
    ) -> object:
        """Add pieces and set the state."""
        from azure.core.exceptions import HttpResponseError

        if not isinstance(version, _Version):
            raise TypeError("the version was not created by this store")
        chunks = chunks_of(pieces, self._max_bytes)
        current = version
        for number, chunk in enumerate(chunks, 1):
            current = _copy(current)
            head: dict[str, Any] = {"PartitionKey": answer_id, "RowKey": _HEAD, "changed": self._clock()}
            # The last transaction sets the state. Otherwise, an answer would end before its last pieces.
            if number == len(chunks):
                head["state"] = state.value
            rows = [row_of(piece) for piece in chunk]
            if rows:
                head["last"] = chunk[-1].seq
                for piece in chunk:
                    current.rows.append((piece.seq, piece.size))
                    current.size += piece.size
            dropped = _trim(current, self._max_bytes, MAX_OPERATIONS - 1 - len(rows))
            operations: list[Any] = [
                (
                    "update",
                    head,
                    {"mode": "merge", "etag": current.etag, "match_condition": _if_unmodified()},
                ),
                *(("create", row) for row in rows),
                *(("delete", {"PartitionKey": answer_id, "RowKey": key_of(seq)}) for seq in dropped),
            ]
            try:
                done = await self._table.submit_transaction(operations)
            except HttpResponseError as error:
                if error.status_code in _CONFLICTS:
                    raise AnswerConflictError(answer_id) from None
                raise
            current.etag = str(done[0]["etag"])
        return current

    async def read(self, answer_id: str, since: int = 0) -> StoredAnswer | None:
        """Return an answer with its pieces after ``since``."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            head = await self._table.get_entity(answer_id, _HEAD)
            if self._clock() - float(head["changed"]) > self._ttl:
                return None
            # All rows, not only those after since, to know whether the text is complete.
            query = "PartitionKey eq @id and RowKey ge @from and RowKey lt @to"
            bounds = {"id": answer_id, "from": "p", "to": key_of(int(head["last"]) + 1)}
            rows: list[AnswerPiece] = []
            if since < int(head["last"]) or since == 0:
                async for row in self._table.query_entities(query, parameters=bounds):
                    rows.append(piece_of(answer_id, row))  # noqa: PERF401 - an async for
        except ResourceNotFoundError:
            return None  # The answer or the table does not exist.
        last = int(head["last"])
        is_whole = [piece.seq for piece in rows] == list(range(1, last + 1))
        texts = (piece.text or "" for piece in rows if piece.kind is PieceKind.TEXT)
        return StoredAnswer(
            answer_id,
            str(head["owner"]),
            str(head["audience"]) or None,
            AnswerState(str(head["state"])),
            last,
            self._clock() - float(head["changed"]),
            _Version(
                str(head.metadata["etag"]),
                sum(piece.size for piece in rows),
                deque((piece.seq, piece.size) for piece in rows),
            ),
            [piece for piece in rows if piece.seq > since],
            "".join(texts) if is_whole else None,
        )

    async def purge(self) -> int:
        """Delete the answers that have expired, and return how many there were."""
        from azure.core.exceptions import ResourceNotFoundError

        horizon = self._clock() - self._ttl
        found = 0
        try:
            heads = self._table.query_entities(
                "RowKey eq @head and changed lt @horizon",
                parameters={"head": _HEAD, "horizon": horizon},
                select=["PartitionKey"],
            )
            async for head in heads:
                await self._delete(str(head["PartitionKey"]))
                found += 1
        except ResourceNotFoundError:
            return found
        return found

    async def _delete(self, answer_id: str) -> None:
        from azure.core.exceptions import HttpResponseError

        rows = self._table.query_entities(
            "PartitionKey eq @id", parameters={"id": answer_id}, select=["PartitionKey", "RowKey"]
        )
        # The head is deleted last, so that the next purge finds an answer whose deletion failed.
        keys = [str(row["RowKey"]) async for row in rows]
        keys.sort(key=lambda key: key == _HEAD)
        for at in range(0, len(keys), MAX_OPERATIONS):
            chunk = keys[at : at + MAX_OPERATIONS]
            try:
                await self._table.submit_transaction(
                    [("delete", {"PartitionKey": answer_id, "RowKey": key}) for key in chunk]
                )
            except HttpResponseError as error:
                if error.status_code != HTTPStatus.NOT_FOUND:
                    raise
                return  # Another purge is deleting the answer.

    @property
    def _table(self) -> "TableClient":
        loop = asyncio.get_running_loop()
        table = self._tables.get(loop)
        if table is None:
            table = self._tables[loop] = open_table(self._storage, self._table_name)
        return table

    async def _create_table(self) -> None:
        from azure.core.exceptions import ResourceExistsError

        try:
            await self._table.create_table()
        except ResourceExistsError:
            return


def _trim(version: _Version, max_bytes: int, most: int) -> list[int]:
    """Return the numbers of the oldest pieces to delete, up to ``most``."""
    dropped: list[int] = []
    while version.size > max_bytes and len(version.rows) > 1 and len(dropped) < most:
        seq, size = version.rows.popleft()
        version.size -= size
        dropped.append(seq)
    return dropped


def _copy(version: _Version) -> _Version:
    return _Version(version.etag, version.size, version.rows.copy())


def _if_unmodified() -> Any:
    from azure.core import MatchConditions

    return MatchConditions.IfNotModified
