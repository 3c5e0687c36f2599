// What a reload of the page keeps: who is in the chat, and which groups they joined. It belongs to one tab and
// ends with it; a second window starts with the form.

const KEY = "chat.session";

interface Kept {
  readonly name: string;
  readonly groups: readonly string[];
}

export class Session {
  #kept: Kept | null = read();

  /** The name of who is in the chat in this tab, or null. */
  get name(): string | null {
    return this.#kept?.name ?? null;
  }

  get groups(): readonly string[] {
    return this.#kept?.groups ?? [];
  }

  start(name: string): void {
    this.#write({ name, groups: this.#kept?.name === name ? this.#kept.groups : [] });
  }

  setGroups(groups: readonly string[]): void {
    if (this.#kept) this.#write({ ...this.#kept, groups });
  }

  end(): void {
    this.#write(null);
  }

  #write(kept: Kept | null): void {
    this.#kept = kept;
    // A browser that blocks storage throws at its mere mention. Then a reload starts with the form.
    try {
      if (kept === null) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      return;
    }
  }
}

function read(): Kept | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return isKept(kept) ? kept : null;
  } catch {
    return null;
  }
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const { name, groups } = value as Record<string, unknown>;
  return typeof name === "string" && Array.isArray(groups) && groups.every((group) => typeof group === "string");
}
