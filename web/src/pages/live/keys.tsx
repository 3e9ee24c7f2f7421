import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { CallView } from "../../api/types";
import { ApiError, call as ask } from "../../api/http";
import { useSpeech } from "../../i18n";
import { explain, say } from "../../parts/toast";

const KEYS = "123456789*0#";
const MOST = 32;

/** Whether there is somebody to press keys for: people talk, or a line outside says what it wants before it answers. */
export function mayPress(call: Pick<CallView, "state" | "legs">): boolean {
  return call.state === "talking" || call.legs.some((leg) => leg.trunk !== "" && leg.direction === "out" && leg.state !== "calling" && leg.codec !== "");
}

/** Sends what is pressed in its order, whatever a request takes: what is pressed meanwhile goes with the next one. */
export class KeySender {
  private waiting = "";
  private busy = false;
  constructor(private readonly send: (keys: string) => Promise<void>) {}

  press(key: string): void {
    this.waiting += key;
    if (!this.busy) void this.run();
  }

  private async run(): Promise<void> {
    this.busy = true;
    while (this.waiting !== "") {
      const keys = this.waiting.slice(0, MOST);
      this.waiting = this.waiting.slice(MOST);
      try {
        await this.send(keys);
      } catch (error) {
        this.waiting = "";
        this.fail(error);
      }
    }
    this.busy = false;
  }

  fail: (error: unknown) => void = () => undefined;
}

/** A telephone's keys, for the menus of others. */
export function KeyPad({ call }: { call: CallView }): JSX.Element {
  const { t } = useSpeech();
  const [pressed, setPressed] = useState("");
  const sender = useRef<KeySender | null>(null);
  sender.current ??= new KeySender(async (keys) => { await ask("POST", `calls/${encodeURIComponent(call.id)}/keys`, { keys }); });
  sender.current.fail = (error) => {
    if (error instanceof ApiError && error.status === 404) say(t.calls.gone);
    else say(explain(error), true);
  };
  const press = (key: string): void => {
    sender.current?.press(key);
    setPressed((before) => (before + key).slice(-16));
  };
  const typed = (event: KeyboardEvent): void => {
    if (event.key.length !== 1 || !KEYS.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    press(event.key);
  };
  return (
    <div class="keypad" role="group" aria-label={t.calls.keys} onKeyDown={typed}>
      <output aria-live="off">{pressed || t.calls.keysFor}</output>
      <div class="keypad-keys">
        {[...KEYS].map((key) => <button key={key} type="button" class="button" onClick={() => press(key)}>{key}</button>)}
      </div>
    </div>
  );
}
