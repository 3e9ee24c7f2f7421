/**
 * Fetches what is marked, together, at most `delay` ms after the first mark; never two rounds at once. Marks made during a
 * round go into the next. A round that fails is tried again with growing pauses.
 */
export class Refresher<Name> {
  #marked = new Set<Name>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #failures = 0;
  #generation = 0;

  constructor(
    private readonly fetchAll: (names: Name[]) => Promise<void>,
    private readonly failed: (error: unknown) => void,
    private readonly delay = 120,
    private readonly longestPause = 8_000,
  ) {}

  mark(names: Iterable<Name>): void {
    for (const name of names) this.#marked.add(name);
    if (this.#marked.size > 0) this.#plan(this.#failures === 0 ? this.delay : this.#pause());
  }

  /** Forgets the marks and what is under way. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#marked.clear();
    this.#running = false;
    this.#failures = 0;
    this.#generation += 1;
  }

  #pause(): number {
    return Math.min(this.longestPause, this.delay * 2 ** Math.min(this.#failures, 10));
  }

  #plan(delay: number): void {
    if (this.#running || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#round(), delay);
  }

  async #round(): Promise<void> {
    this.#timer = undefined;
    const names = [...this.#marked];
    const generation = this.#generation;
    this.#marked.clear();
    this.#running = true;
    try {
      await this.fetchAll(names);
      if (generation !== this.#generation) return;
      this.#failures = 0;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#failures += 1;
      for (const name of names) this.#marked.add(name);
      this.failed(error);
      if (generation !== this.#generation) return;
    }
    this.#running = false;
    if (this.#marked.size > 0) this.#plan(this.#failures === 0 ? this.delay : this.#pause());
  }
}
