import { useEffect, useReducer } from "preact/hooks";

/** A value that tells its readers when it is replaced. Values are never changed in place. */
export class Store<T> {
  #value: T;
  readonly #readers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const reader of [...this.#readers]) reader(value);
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  subscribe(reader: (value: T) => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }
}

/** The store's value, or what `select` picks of it; the component is drawn again when that changes. */
export function useStore<T>(store: Store<T>): T;
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S;
export function useStore<T, S>(store: Store<T>, select?: (value: T) => S): T | S {
  const pick = (value: T): T | S => (select ? select(value) : value);
  const picked = pick(store.value);
  const [, redraw] = useReducer((count: number, _: void) => count + 1, 0);
  useEffect(() => {
    let seen: T | S = pick(store.value);
    // It may have changed between drawing and this effect.
    if (!Object.is(seen, picked)) redraw();
    return store.subscribe((value) => {
      const now = pick(value);
      if (Object.is(now, seen)) return;
      seen = now;
      redraw();
    });
  }, [store]);
  return picked;
}
