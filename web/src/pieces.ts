// What an answer consists of: the argument of the client method answerPiece.

interface PieceBase {
  readonly id: string;
  /** The pieces of an answer are numbered from 1, without a gap. */
  readonly seq: number;
}

export interface TextPiece extends PieceBase {
  readonly kind: "text";
  readonly text: string;
}

export interface StatusPiece extends PieceBase {
  readonly kind: "status";
  readonly text: string;
}

export interface ToolCallPiece extends PieceBase {
  readonly kind: "toolCall";
  readonly data: { readonly id?: string; readonly name: string; readonly arguments: unknown };
}

export interface CitationPiece extends PieceBase {
  readonly kind: "citation";
  readonly data: Readonly<Record<string, unknown>>;
}

export interface DonePiece extends PieceBase {
  readonly kind: "done";
  /** What the model says of its usage. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface ErrorPiece extends PieceBase {
  readonly kind: "error";
  readonly text: string;
}

export interface CancelledPiece extends PieceBase {
  readonly kind: "cancelled";
}

/**
 * Pieces were missed that are gone. Put `text`, the whole text so far, in place of what is shown. It is null where
 * its beginning is gone too; the text that follows then comes after a gap. Pieces of other kinds follow again.
 */
export interface ResetPiece extends PieceBase {
  readonly kind: "reset";
  readonly text: string | null;
}

export type ServerPiece =
  | TextPiece
  | StatusPiece
  | ToolCallPiece
  | CitationPiece
  | DonePiece
  | ErrorPiece
  | CancelledPiece;

export type AnswerPiece = ServerPiece | ResetPiece;

/** What the hub method resumeAnswer returns. */
export interface Resumed {
  readonly state: "streaming" | "done" | "error" | "cancelled" | "unknown";
  readonly recovered: boolean;
  readonly seq: number;
  readonly text: string | null;
  readonly pieces: readonly ServerPiece[];
}
