/** The telephone's own sounds, made of oscillators: it rings, it rings at the other side, somebody waits. */

export type Tone = "" | "ring" | "ringback" | "waiting";

const PATTERNS = {
  ring: { hertz: [740, 932], on: 0.9, every: 2.6, level: 0.16, wobble: 18 },
  ringback: { hertz: [400], on: 1, every: 3, level: 0.08, wobble: 16 },
  waiting: { hertz: [400], on: 0.25, every: 3, level: 0.05, wobble: 16 },
} as const;

export class Tones {
  #context: AudioContext | null = null;
  #playing: Tone = "";
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Call it from a click: browsers let no page make sounds before one. */
  unlock(): void {
    this.#context ??= new AudioContext();
    void this.#context.resume();
  }

  play(tone: Tone): void {
    if (tone === this.#playing) return;
    clearInterval(this.#timer);
    this.#playing = tone;
    if (tone === "") return;
    this.#burst(tone);
    this.#timer = setInterval(() => this.#burst(tone), PATTERNS[tone].every * 1000);
  }

  #burst(tone: keyof typeof PATTERNS): void {
    // Where no click is needed, or was made before the page was loaded again, it works without one.
    const context = (this.#context ??= new AudioContext());
    if (context.state === "suspended") void context.resume();
    if (context.state !== "running" || this.#playing !== tone) return;
    const { hertz, on, level, wobble } = PATTERNS[tone];
    const begin = context.currentTime + 0.02;
    const volume = context.createGain();
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(level, begin + 0.02);
    volume.gain.setValueAtTime(level, begin + on - 0.03);
    volume.gain.linearRampToValueAtTime(0, begin + on);
    volume.connect(context.destination);
    const depth = context.createGain();
    depth.gain.value = level / 2;
    depth.connect(volume.gain);
    const sources = [...hertz, wobble].map((frequency, index) => {
      const source = context.createOscillator();
      source.frequency.value = frequency;
      source.connect(index < hertz.length ? volume : depth);
      return source;
    });
    for (const source of sources) {
      source.start(begin);
      source.stop(begin + on);
    }
  }
}
