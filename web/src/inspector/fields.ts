// A form made from the signature of a hub method: one field for each parameter.

import { make } from "./dom.js";
import type { Parameter } from "./events.js";

/** Show one field for each parameter; where the signature is not known, one for all arguments. */
export function showFields(parent: HTMLElement, parameters: readonly Parameter[] | null): void {
  const wanted: readonly Parameter[] = parameters ?? [{ name: "arguments", type: "a list in JSON", rest: true }];
  parent.replaceChildren(
    ...wanted.map((parameter, index) => {
      const field = make("div", "field");
      const id = `argument-${index}`;
      const label = make("label", "", parameter.name);
      label.htmlFor = id;
      label.append(make("small", "", ` ${parameter.rest === true && parameters !== null ? "..." : ""}${parameter.type}${parameter.optional === true ? ", optional" : ""}`));
      const input = inputFor(parameter);
      input.id = id;
      input.dataset["type"] = parameter.type;
      input.toggleAttribute("data-rest", parameter.rest === true);
      input.toggleAttribute("data-optional", parameter.optional === true);
      field.append(label, input);
      return field;
    }),
  );
}

/** Return the arguments that the fields hold. Raise an Error, with a sentence, for what is none. */
export function readFields(parent: HTMLElement): unknown[] {
  const values: unknown[] = [];
  for (const input of parent.querySelectorAll<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>("[data-type]")) {
    const name = parent.querySelector(`label[for="${input.id}"]`)?.firstChild?.textContent ?? "";
    if (input.hasAttribute("data-rest")) {
      values.push(...listOf(input.value, name));
    } else if (input.value === "" && input.hasAttribute("data-optional")) {
      // What follows an optional argument that is left out is left out as well.
      break;
    } else {
      values.push(valueOf(input.value, input.dataset["type"] ?? "any", name));
    }
  }
  return values;
}

/** Return a list from a text of JSON; nothing is an empty list. */
export function listOf(text: string, name: string): unknown[] {
  if (text.trim() === "") return [];
  const value = parse(text, name);
  if (!Array.isArray(value)) throw new Error(`${name}: a list in JSON is expected, such as ["hello", 1].`);
  return value as unknown[];
}

/** Return a value from a text of JSON. */
export function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${name}: this is not valid JSON.`);
  }
}

function inputFor(parameter: Parameter): HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement {
  switch (parameter.rest === true ? "list" : parameter.type) {
    case "string":
      return make("input", "");
    case "integer":
    case "number": {
      const input = make("input", "");
      input.type = "number";
      if (parameter.type === "number") input.step = "any";
      return input;
    }
    case "boolean": {
      const select = make("select", "");
      if (parameter.optional === true) select.append(new Option("left out", ""));
      select.append(new Option("true", "true"), new Option("false", "false"));
      return select;
    }
    default: {
      const area = make("textarea", "");
      area.rows = 2;
      area.spellcheck = false;
      area.placeholder = parameter.rest === true ? '["hello", 1]' : 'JSON, such as {"a": 1}, or a text';
      return area;
    }
  }
}

function valueOf(text: string, type: string, name: string): unknown {
  if (type === "string") return text;
  if (text.trim() === "") {
    if (type === "any") return "";
    throw new Error(`${name} is missing.`);
  }
  if (type === "any") {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return parse(text, name);
}
