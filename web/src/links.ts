// Addresses in a text, made links.

const ADDRESS = /\bhttps?:\/\/[^\s<>"']+/g;

// Punctuation after an address belongs to the sentence, and so does a bracket that was opened before it.
const SENTENCE = /[.,:;!?…]+$/;

/** Append a text to an element: addresses as links that open in a window of their own, all else as text. */
export function appendLinked(element: HTMLElement, text: string): void {
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    if (!URL.canParse(address)) continue;
    element.append(text.slice(end, match.index), link(address));
    end = match.index + address.length;
  }
  element.append(text.slice(end));
}

function trimmed(found: string): string {
  let address = found.replace(SENTENCE, "");
  while (address.endsWith(")") && count(address, ")") > count(address, "(")) {
    address = address.slice(0, -1).replace(SENTENCE, "");
  }
  return address;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function link(address: string): HTMLAnchorElement {
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  anchor.textContent = address;
  return anchor;
}
