"""The rows of an answer's pieces in Azure Table Storage, and the transactions that write them.

https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model and
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions have the limits.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind

__all__ = ["MAX_OPERATIONS", "chunks_of", "key_of", "piece_of", "row_of"]

MAX_OPERATIONS = 100
"""The maximum number of operations in one transaction."""

_CHUNK = 30_000
"""The number of UTF-16 code units in one property. The limit is 32 Ki."""

_MAX_BYTES = 64 * 1024
"""The number of bytes of pieces in one transaction, unless one piece alone is larger. The limit is 4 MiB, but
escaped text can take seven times as much."""


def chunks_of(pieces: Sequence[AnswerPiece], max_bytes: int) -> list[list[AnswerPiece]]:
    """Return the pieces of each transaction, of which there is at least one.

    Pieces are left out if those that follow take ``max_bytes`` already: they would be deleted at once.
    """
    kept = 0
    first = len(pieces)
    while first and (first == len(pieces) or kept + pieces[first - 1].size <= max_bytes):
        first -= 1
        kept += pieces[first].size
    chunks: list[list[AnswerPiece]] = [[]]
    size = 0
    for piece in pieces[first:]:
        if chunks[-1] and (len(chunks[-1]) == MAX_OPERATIONS // 2 or size + piece.size > _MAX_BYTES):
            chunks.append([])
            size = 0
        chunks[-1].append(piece)
        size += piece.size
    return chunks


def key_of(seq: int) -> str:
    """Return the row key of a piece. Keys are in the order of the pieces."""
    return f"p{seq:09}"


def row_of(piece: AnswerPiece) -> dict[str, Any]:
    """Return the row of a piece: its JSON, cut into properties of a size that the service accepts."""
    value = piece.to_dict()
    del value["id"], value["seq"]
    text = json.dumps(value, ensure_ascii=False)
    row = {"PartitionKey": piece.answer_id, "RowKey": key_of(piece.seq)}
    encoded = text.encode("utf-16-le")
    at = count = 0
    while at < len(encoded):
        end = min(at + 2 * _CHUNK, len(encoded))
        if end < len(encoded) and 0xD8 <= encoded[end - 1] <= 0xDB:
            end -= 2  # Keep the halves of a surrogate pair together.
        row[f"json{count}"] = encoded[at:end].decode("utf-16-le")
        at, count = end, count + 1
    return row


def piece_of(answer_id: str, row: Mapping[str, Any]) -> AnswerPiece:
    """Return the piece of a row."""
    parts: list[str] = []
    while (part := row.get(f"json{len(parts)}")) is not None:
        parts.append(str(part))
    value = json.loads("".join(parts))
    seq = int(str(row["RowKey"])[1:])
    return AnswerPiece(answer_id, seq, PieceKind(value["kind"]), value.get("text"), value.get("data"))
