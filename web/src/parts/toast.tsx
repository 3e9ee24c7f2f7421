import type { JSX } from "preact";
import { ApiError } from "../api/http";
import { hourMinute } from "../format";
import { speech } from "../i18n";
import { serverClock } from "../live/clock";
import { Store, useStore } from "../store";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const toasts = new Store<Toast[]>([]);
let last = 0;

export function say(text: string, bad = false): void {
  last += 1;
  const id = last;
  toasts.update((shown) => [...shown.slice(-2), { id, text, bad }]);
  setTimeout(() => toasts.update((shown) => shown.filter((each) => each.id !== id)), bad ? 8_000 : 4_000);
}

/** An error in the person's words. */
export function explain(error: unknown): string {
  const { t, manner } = speech();
  if (!(error instanceof ApiError)) return t.errors.other(String(error));
  if (error.status === 0 || error.status >= 502) return t.errors.unreachable;
  if (error.status === 403) return t.errors.forbidden;
  if (error.status === 404) return t.errors.notFound;
  if (error.status === 501) return t.errors.notBuilt;
  if (error.status === 429) return t.errors.throttled(hourMinute(serverClock.now() + error.retryAfter * 1000, manner));
  return t.errors.other(error.message);
}

export function Toasts(): JSX.Element {
  const shown = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, bad }) => <p key={id} class={bad ? "toast bad" : "toast"}>{text}</p>)}
    </div>
  );
}
