// Elements whose text is shown as it is: what a client wrote must not reorder, hide or imitate what is beside it.

import * as plain from "../dom.js";

export { byId, KeyedList } from "../dom.js";

// Control characters but for tabs and line breaks, halves of surrogate pairs, and what reorders or takes no room.
const UNSEEN = /(?![\t\n]|\r\n)[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** Return a text in which the characters that nobody sees are escapes. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Make an element with a text that is visible. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ""): HTMLElementTagNameMap[K] {
  return plain.make(tag, className, visible(text));
}

/** Write a text that is visible, unless it is there already. */
export function setText(element: HTMLElement, text: string): void {
  plain.setText(element, visible(text));
}
