import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { CallView } from "../../api/types";
import { ApiError, call as ask } from "../../api/http";
import { useSpeech } from "../../i18n";
import { live } from "../../live";
import { Icon, type IconName } from "../../parts/icon";
import { explain, say } from "../../parts/toast";

export type RecordAction = "start" | "stop" | "pause" | "resume";

/** What can be asked for now, by the rule of the call: what is always recorded can be paused only. */
export function recordActions(call: Pick<CallView, "state" | "record" | "recording" | "recording_paused">): RecordAction[] {
  if (call.record === "never" || (call.state !== "talking" && call.state !== "held")) return [];
  if (call.recording_paused) return ["resume"];
  if (call.record === "always") return ["pause"];
  // On hold nothing is being recorded whatever was asked for.
  if (call.state === "held") return [];
  return call.recording ? ["pause", "stop"] : ["start"];
}

const ICONS: Record<RecordAction, IconName> = { start: "record", stop: "stop", pause: "pause", resume: "record" };

/** Says whether the call is being recorded, or is paused. */
export function RecordState({ call }: { call: CallView }): JSX.Element | null {
  const { t } = useSpeech();
  if (call.recording) return <span class="rec" title={t.calls.recorded}><i aria-hidden="true" />{t.calls.recording}</span>;
  if (call.recording_paused && call.record !== "never") return <span class="rec paused" title={t.calls.pausedWhy}><i aria-hidden="true" />{t.calls.paused}</span>;
  return null;
}

/** Starts, stops, pauses and resumes the recording of a live call. */
export function RecordButtons({ call }: { call: CallView }): JSX.Element {
  const { t } = useSpeech();
  const [busy, setBusy] = useState(false);
  const act = async (action: RecordAction): Promise<void> => {
    setBusy(true);
    try {
      await ask("POST", `calls/${encodeURIComponent(call.id)}/record`, { action });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) say(t.calls.gone);
      else say(explain(error), true);
    }
    setBusy(false);
    live.touch("calls");
  };
  return (
    <>
      {recordActions(call).map((action) => (
        <button key={action} type="button" class={`button quiet square record-${action}`} disabled={busy} aria-label={t.calls.record[action]} title={t.calls.record[action]} onClick={() => void act(action)}><Icon name={ICONS[action]} /></button>
      ))}
    </>
  );
}
