import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useSpeech } from "../i18n";
import { Dialog } from "../parts/dialog";
import { telephone, type Devices } from "./telephone";

/** Which microphone, which loudspeaker; remembered by this browser. */
export function DevicesDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { t } = useSpeech();
  const [found, setFound] = useState<MediaDeviceInfo[]>([]);
  const [chosen, setChosen] = useState<Devices>(telephone.devices);
  useEffect(() => {
    const look = (): void => void navigator.mediaDevices.enumerateDevices().then(setFound);
    look();
    navigator.mediaDevices.addEventListener("devicechange", look);
    return () => navigator.mediaDevices.removeEventListener("devicechange", look);
  }, []);
  const choose = (news: Partial<Devices>): void => {
    setChosen({ ...chosen, ...news });
    void telephone.choose(news);
  };
  const options = (kind: MediaDeviceKind): JSX.Element[] =>
    found.filter((each) => each.kind === kind && each.deviceId !== "default" && each.deviceId !== "").map((each, index) => <option key={each.deviceId} value={each.deviceId}>{each.label || `${index + 1}`}</option>);
  const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;
  return (
    <Dialog title={t.telephone.devices} onClose={onClose}>
      <div class="telephone-devices">
        <label class="field"><span>{t.telephone.chooseMicrophone}</span>
          <select value={chosen.microphone} onChange={(event) => choose({ microphone: event.currentTarget.value })}><option value="">{t.telephone.usual}</option>{options("audioinput")}</select>
        </label>
        {canChooseSpeaker && (
          <label class="field"><span>{t.telephone.chooseLoudspeaker}</span>
            <select value={chosen.loudspeaker} onChange={(event) => choose({ loudspeaker: event.currentTarget.value })}><option value="">{t.telephone.usual}</option>{options("audiooutput")}</select>
          </label>
        )}
        <p class="hint">{t.telephone.devicesHint}</p>
      </div>
    </Dialog>
  );
}
