// Markdown as elements. Nothing of the text becomes HTML: elements are made one by one, and text stays text.

import { lexer, type Token, type Tokens } from "marked";

const SAFE: readonly string[] = ["http:", "https:", "mailto:"];
const ENTITY = /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/gi;

/** Return what a Markdown text looks like. HTML in it is shown as it is written. */
export function rendered(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(lexer(text)));
  return fragment;
}

function blocks(tokens: readonly Token[]): Node[] {
  return tokens.flatMap(block);
}

function block(token: Token): Node[] {
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "heading":
      // The page has an h1 and an h2 of its own.
      return [element(`h${Math.min((token as Tokens.Heading).depth + 2, 6)}`, inlines(token))];
    case "paragraph":
      return [element("p", inlines(token))];
    case "code": {
      const pre = element("pre", [element("code", [token.text])]);
      pre.tabIndex = 0; // It may scroll.
      return [pre];
    }
    case "blockquote":
      return [element("blockquote", blocks((token as Tokens.Blockquote).tokens))];
    case "list": {
      const list = token as Tokens.List;
      const made = element(
        list.ordered ? "ol" : "ul",
        list.items.map((item) => element("li", blocks(item.tokens))),
      );
      if (list.ordered && typeof list.start === "number") made.setAttribute("start", String(list.start));
      return [made];
    }
    case "table": {
      const table = token as Tokens.Table;
      const row = (cells: readonly Tokens.TableCell[], name: string) =>
        element(
          "tr",
          cells.map((cell) => element(name, cell.tokens.flatMap(inline))),
        );
      return [
        element("table", [
          element("thead", [row(table.header, "th")]),
          element(
            "tbody",
            table.rows.map((cells) => row(cells, "td")),
          ),
        ]),
      ];
    }
    case "hr":
      return [element("hr", [])];
    case "html":
      return [element("p", [token.raw.trimEnd()])];
    default:
      return inline(token);
  }
}

function inlines(token: Token): Node[] {
  return "tokens" in token && token.tokens ? token.tokens.flatMap(inline) : [text(token.raw)];
}

function inline(token: Token): Node[] {
  switch (token.type) {
    case "strong":
      return [element("strong", inlines(token))];
    case "em":
      return [element("em", inlines(token))];
    case "del":
      return [element("del", inlines(token))];
    case "codespan":
      return [element("code", [token.text])];
    case "br":
      return [element("br", [])];
    case "link": {
      const href = decoded((token as Tokens.Link).href);
      if (!isSafe(href)) return inlines(token);
      const link = element("a", inlines(token));
      link.setAttribute("href", href);
      link.setAttribute("rel", "noopener noreferrer nofollow");
      link.setAttribute("target", "_blank");
      return [link];
    }
    case "image":
      // An address that the model chose is not fetched: it could carry away what the page shows.
      return [text(decoded((token as Tokens.Image).text) || "image")];
    case "text":
      return "tokens" in token && token.tokens ? token.tokens.flatMap(inline) : [text(decoded(token.text))];
    case "escape":
      return [text(token.text)];
    default:
      return [text(token.raw)];
  }
}

/** Whether the browser takes an address for one of a scheme that runs nothing. */
function isSafe(href: string): boolean {
  try {
    return SAFE.includes(new URL(href).protocol);
  } catch {
    return false; // Not an address, or one within this page's own site.
  }
}

/** Return a text with the characters that its entities, such as `&copy;`, stand for. */
function decoded(value: string): string {
  return value.replace(ENTITY, (entity) => {
    const field = document.createElement("textarea"); // Its content is text, whatever it is.
    field.innerHTML = entity;
    return field.value;
  });
}

function text(value: string): Text {
  return document.createTextNode(value);
}

function element(name: string, children: readonly (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}
