// A coloured initial for each person, the same wherever the person appears.

import { make } from "./dom.js";

/** As many as style.css has colours. */
const COLOURS = 7;
const SEGMENTER = new Intl.Segmenter();

/** Make the avatar of a name. Screen readers skip it: the name is always beside it. */
export function avatarOf(name: string): HTMLSpanElement {
  const avatar = make("span", "avatar", initialOf(name));
  avatar.dataset["colour"] = String(colourOf(name));
  avatar.setAttribute("aria-hidden", "true");
  return avatar;
}

/** The first character as people count them, so that an emoji or a letter with its accent stays whole. */
function initialOf(name: string): string {
  const [first] = SEGMENTER.segment(name.trim());
  return first?.segment.toLocaleUpperCase() ?? "";
}

function colourOf(name: string): number {
  // FNV-1a, whose remainder differs for names that are alike too.
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  return hash % COLOURS;
}
