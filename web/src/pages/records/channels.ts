/** Which side of a stereo recording is heard. */
export type Listen = "both" | "outside" | "ours";

/** Sends one side of a recording, or each to its own ear, to the loudspeakers. */
export class Channels {
  readonly #context = new AudioContext();
  readonly #splitter = this.#context.createChannelSplitter(2);
  readonly #merger = this.#context.createChannelMerger(2);

  constructor(media: HTMLMediaElement) {
    this.#context.createMediaElementSource(media).connect(this.#splitter);
    this.#merger.connect(this.#context.destination);
    this.listen("both");
  }

  listen(side: Listen): void {
    const [left, right] = { both: [0, 1], outside: [0, 0], ours: [1, 1] }[side] as [number, number];
    this.#splitter.disconnect();
    this.#splitter.connect(this.#merger, left, 0);
    this.#splitter.connect(this.#merger, right, 1);
  }

  /** Browsers let a page sound only after the person touched it. */
  resume(): void {
    void this.#context.resume();
  }

  close(): void {
    void this.#context.close();
  }
}
