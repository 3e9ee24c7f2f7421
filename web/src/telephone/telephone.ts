import { get } from "../api/http";
import { Store } from "../store";
import { PhoneAudio, type AudioState, type MicrophoneProblem } from "./audio";
import { Line } from "./line";
import { withNews, type BrowserPhone, type PhoneCall, type Said, type Told } from "./messages";
import { Tones } from "./tones";

export interface PhoneState {
  /** Null until the box has said. */
  place: BrowserPhone | null;
  /** The person takes calls here. */
  on: boolean;
  linked: boolean;
  registered: boolean;
  audio: AudioState;
  microphone: MicrophoneProblem;
  muted: boolean;
  calls: PhoneCall[];
  /** What the box refused last, by its code; empty: nothing. */
  refused: string;
  /** Why it ended without having been asked to. */
  closed: string;
}

export interface Devices {
  microphone: string;
  loudspeaker: string;
}

const AT_FIRST: PhoneState = { place: null, on: false, linked: false, registered: false, audio: "off", microphone: "", muted: false, calls: [], refused: "", closed: "" };
const TOKEN_KEY = "hako.phone";
const DEVICES_KEY = "hako.phone-devices";

/** The telephone of this page. One for all of it. */
class Telephone {
  readonly state = new Store<PhoneState>(AT_FIRST);
  readonly #tones = new Tones();
  readonly #audio = new PhoneAudio({
    offer: (sdp) => void this.#send({ type: "offer", sdp }),
    state: (audio) => this.#set({ audio }),
  });
  #line: Line | null = null;
  #talking = false;
  #notice: Notification | null = null;
  #announce: (call: PhoneCall) => string = (call) => call.name || call.number;

  get devices(): Devices {
    try {
      const stored = JSON.parse(localStorage.getItem(DEVICES_KEY) ?? "{}") as Partial<Devices>;
      return { microphone: String(stored.microphone ?? ""), loudspeaker: String(stored.loudspeaker ?? "") };
    } catch {
      return { microphone: "", loudspeaker: "" };
    }
  }

  /** Asks whether the person has a telephone; goes on with it where the page was only loaded again. */
  async look(announce: (call: PhoneCall) => string): Promise<void> {
    this.#announce = announce;
    const place = await get<BrowserPhone>("phone");
    this.#set({ place });
    const token = sessionStorage.getItem(TOKEN_KEY);
    if (token && place.available && !this.#line) this.#begin(token);
  }

  /** From a click: takes calls here. */
  async turnOn(): Promise<void> {
    this.#tones.unlock();
    this.#set({ closed: "", refused: "" });
    if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
    const microphone = await this.#audio.openMicrophone(this.devices.microphone);
    this.#set({ microphone });
    if (microphone) return;
    this.#audio.closeMicrophone();
    this.#begin("");
  }

  turnOff(): void {
    this.#send({ type: "leave" });
    setTimeout(() => this.#end(""), 150);
  }

  /** Forgets everything: nobody is logged in any more. */
  reset(): void {
    this.#end("");
    this.state.set(AT_FIRST);
  }

  dial(number: string): void {
    this.#tones.unlock();
    this.#set({ refused: "" });
    this.#send({ type: "dial", number });
  }

  answer(call: string): void {
    this.#tones.unlock();
    this.#send({ type: "answer", call });
  }

  hangUp(call: string): void {
    this.#send({ type: "hang-up", call });
  }

  hold(call: string, on: boolean): void {
    this.#send({ type: "hold", call, on });
  }

  key(call: string, key: string): void {
    this.#send({ type: "key", call, key });
  }

  mute(muted: boolean): void {
    this.#audio.mute(muted);
    this.#set({ muted });
  }

  async choose(devices: Partial<Devices>): Promise<void> {
    const chosen = { ...this.devices, ...devices };
    localStorage.setItem(DEVICES_KEY, JSON.stringify(chosen));
    if (devices.loudspeaker !== undefined) await this.#audio.useLoudspeaker(devices.loudspeaker);
    if (devices.microphone !== undefined && this.#talking) this.#set({ microphone: await this.#audio.openMicrophone(devices.microphone) });
  }

  #begin(token: string): void {
    this.#line?.close();
    this.#set({ on: true });
    addEventListener("beforeunload", this.#warn);
    void this.#audio.useLoudspeaker(this.devices.loudspeaker);
    this.#line = new Line({ told: (message) => this.#told(message), connected: (linked) => this.#set({ linked }) }, token);
  }

  #end(closed: string): void {
    this.#line?.close();
    this.#line = null;
    sessionStorage.removeItem(TOKEN_KEY);
    removeEventListener("beforeunload", this.#warn);
    this.#audio.close();
    this.#talking = false;
    this.#set({ on: false, linked: false, registered: false, calls: [], muted: false, closed });
    this.#follow();
  }

  readonly #warn = (event: BeforeUnloadEvent): void => {
    if (this.state.value.calls.some((call) => call.state === "talking")) event.preventDefault();
  };

  #told(message: Told): void {
    switch (message.type) {
      case "ready":
        sessionStorage.setItem(TOKEN_KEY, message.token);
        // What is still there is told next.
        this.#set({ calls: [] });
        if (!message.resumed || !this.#audio.connected) void this.#audio.connect();
        break;
      case "media":
        void this.#audio.answer(message.sdp);
        break;
      case "registered":
        this.#set({ registered: message.on });
        break;
      case "call":
        this.#set({ calls: withNews(this.state.value.calls, message, Date.now()) });
        this.#follow();
        break;
      case "refused":
        if (message.code === "media") this.#audio.again();
        else if (message.code !== "no-such-call") this.#set({ refused: message.code });
        break;
      case "closed":
        this.#end(message.reason === "left" ? "" : message.reason);
        break;
    }
  }

  /** Microphone, ringing and notice follow the calls. */
  #follow(): void {
    const { calls } = this.state.value;
    const rings = calls.find((call) => call.direction === "in" && call.state === "ringing");
    const talking = calls.some((call) => call.state !== "ringing" || call.direction === "out");
    if (talking && !this.#talking) void this.#audio.openMicrophone(this.devices.microphone).then((microphone) => this.#microphoneOpened(microphone));
    else if (!talking && this.#talking) {
      this.#audio.closeMicrophone();
      this.mute(false);
    }
    this.#talking = talking;
    const ringback = calls.some((call) => call.direction === "out" && call.state === "ringing");
    this.#tones.play(rings && !calls.some((call) => call.state === "talking") ? "ring" : ringback ? "ringback" : "");
    this.#notify(rings);
  }

  #microphoneOpened(microphone: MicrophoneProblem): void {
    this.#set({ microphone });
    if (!this.#talking) this.#audio.closeMicrophone();
  }

  #notify(rings: PhoneCall | undefined): void {
    if (!rings) {
      this.#notice?.close();
      this.#notice = null;
    } else if (!this.#notice && document.hidden && "Notification" in window && Notification.permission === "granted") {
      this.#notice = new Notification(this.#announce(rings), { tag: "hako-call", requireInteraction: true });
      this.#notice.onclick = () => window.focus();
    }
  }

  #send(message: Said): boolean {
    return this.#line?.send(message) ?? false;
  }

  #set(news: Partial<PhoneState>): void {
    this.state.update((state) => ({ ...state, ...news }));
  }
}

export const telephone = new Telephone();
