// The few lines that every view needs.

/** Return the element of an id in index.html, which must be of the class. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} with the id ${id}`);
  return element;
}

/** Make an element. Text goes in as text, whoever wrote it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Write a text, unless it is there already: screen readers announce every write to a live region. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Show one child per item, in order. A child stays the same element as long as its item's key is among the
 * items, so that it keeps the focus when the list around it changes.
 */
export class KeyedList<T, E extends HTMLElement> {
  readonly #children = new Map<string, E>();

  constructor(
    private readonly parent: HTMLElement,
    private readonly key: (item: T) => string,
    private readonly create: (item: T) => E,
    private readonly update: (child: E, item: T) => void,
  ) {}

  show(items: readonly T[]): void {
    const keys = new Set(items.map(this.key));
    for (const [key, child] of this.#children) {
      if (keys.has(key)) continue;
      child.remove();
      this.#children.delete(key);
    }
    items.forEach((item, index) => {
      const key = this.key(item);
      const child = this.#children.get(key) ?? this.create(item);
      this.#children.set(key, child);
      this.update(child, item);
      // Moving an element takes the focus from it, so it is moved only when it has to be.
      const there = this.parent.children[index];
      if (there !== child) this.parent.insertBefore(child, there ?? null);
    });
  }
}
