import type { PhoneCall } from "./messages";

const TURN_MS = 1_000;

/** What tells of a call that rings while another tab or window is in front: a notice of the system, and the tab's title. */
export class Alarm {
  words: (call: PhoneCall) => string = (call) => call.name || call.number;
  #notice: Notification | null = null;
  #turns: ReturnType<typeof setInterval> | undefined;
  #text = "";
  #title = "";

  /** The call that rings now; undefined: none. */
  ring(call: PhoneCall | undefined): void {
    if (!call) this.#quiet();
    else {
      this.#text = `☎ ${this.words(call)}`;
      if (this.#turns === undefined) this.#begin(this.words(call));
    }
  }

  #begin(words: string): void {
    this.#turn();
    this.#turns = setInterval(() => this.#turn(), TURN_MS);
    if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    try {
      this.#notice = new Notification(words, { tag: "hako-call", requireInteraction: true });
      this.#notice.onclick = () => window.focus();
    } catch {
      // Android's browsers have notices of service workers alone.
    }
  }

  /** The title is now the page's, now ours; whatever the page makes of it meanwhile counts. */
  #turn(): void {
    if (document.title === this.#text) document.title = this.#title;
    else {
      this.#title = document.title;
      document.title = this.#text;
    }
  }

  #quiet(): void {
    clearInterval(this.#turns);
    this.#turns = undefined;
    if (this.#text && document.title === this.#text) document.title = this.#title;
    this.#text = "";
    this.#notice?.close();
    this.#notice = null;
  }
}
