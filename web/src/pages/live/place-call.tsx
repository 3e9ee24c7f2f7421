import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { AgentView, RegistrationView } from "../../api/types";
import { ApiError, call as ask } from "../../api/http";
import { useSpeech } from "../../i18n";
import { live, useLive, useNames } from "../../live";
import { Dialog } from "../../parts/dialog";
import { Icon } from "../../parts/icon";
import { explain, say } from "../../parts/toast";
import { maySupervise, session, type User } from "../../session";
import { useStore } from "../../store";
import { dialled } from "../../telephone/messages";

/** From which telephones a person may have the box call: `own` is that of the agent who asks. Null: from none, ever. */
export function phonesFor(user: User | null, agents: readonly AgentView[], phones: readonly RegistrationView[]): { own: string; choices: string[] } | null {
  const agent = user?.agent ? agents.find((each) => each.id === user.agent) : undefined;
  const reachable = phones.filter((phone) => phone.contacts.length > 0).map((phone) => phone.extension);
  const own = agent && reachable.includes(agent.extension) ? agent.extension : "";
  if (maySupervise(user)) return { own, choices: reachable };
  return user?.role === "agent" && agent ? { own, choices: own ? [own] : [] } : null;
}

/** Click to call: a telephone rings, and when it is picked up the box calls the number for it. */
export function PlaceCall(): JSX.Element | null {
  const { t } = useSpeech();
  const { user } = useStore(session);
  const agents = useLive((state) => state.agents);
  const registrations = useLive((state) => state.registrations);
  const [open, setOpen] = useState(false);
  const phones = phonesFor(user, agents, registrations);
  if (!phones) return null;
  return (
    <>
      <button type="button" class="button small-button" onClick={() => setOpen(true)}><Icon name="phone" />{t.place.open}</button>
      {open && (
        <Dialog title={t.place.title} onClose={() => setOpen(false)}>
          {phones.choices.length > 0 ? <CallForm {...phones} mayChoose={maySupervise(user)} onDone={() => setOpen(false)} /> : <p class="notice bad">{maySupervise(user) ? t.place.nobody : t.place.ownAway}</p>}
        </Dialog>
      )}
    </>
  );
}

interface CallFormProps {
  own: string;
  choices: string[];
  mayChoose: boolean;
  onDone: () => void;
}

function CallForm({ own, choices, mayChoose, onDone }: CallFormProps): JSX.Element {
  const { t } = useSpeech();
  const names = useNames();
  const [from, setFrom] = useState(own || (choices.length === 1 ? (choices[0] ?? "") : ""));
  const [typed, setTyped] = useState("");
  const [judge, setJudge] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const number = dialled(typed);
  const place = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!number || !from || busy) return;
    setBusy(true);
    setProblem("");
    try {
      await ask("POST", "calls", { extension: from, number, answering_machine: judge });
      say(t.place.placed(names.extension(from)));
      live.touch("calls");
      onDone();
    } catch (error) {
      const refused: Record<string, string> = { not_registered: t.place.nobody, own_number: t.place.itself };
      setProblem((error instanceof ApiError && refused[error.code]) || explain(error));
      setBusy(false);
    }
  };
  return (
    <form class="place-call" onSubmit={(event) => void place(event)}>
      <p class="hint">{t.place.intro}</p>
      {mayChoose ? (
        <label class="field">
          <span>{t.place.from}</span>
          <select name="from" value={from} onChange={(event) => setFrom(event.currentTarget.value)}>
            <option value="">{t.place.choose}</option>
            {choices.map((extension) => <option key={extension} value={extension}>{names.extension(extension)}</option>)}
          </select>
        </label>
      ) : <p>{t.place.from}: <b>{names.extension(from)}</b></p>}
      <label class="field">
        <span>{t.place.number}</span>
        <input name="number" type="tel" autocomplete="off" maxLength={64} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} aria-invalid={typed !== "" && !number} />
      </label>
      <label class="check"><input name="judge" type="checkbox" checked={judge} onChange={(event) => setJudge(event.currentTarget.checked)} />{t.place.judge}</label>
      {problem && <p class="notice bad" role="alert">{problem}</p>}
      <div class="dialog-actions"><button class="button good" disabled={!number || !from || busy}><Icon name="phone" />{t.place.call}</button></div>
    </form>
  );
}
