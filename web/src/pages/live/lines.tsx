import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hourMinute } from "../../format";
import { inLanguage, useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { Dialog } from "../../parts/dialog";
import { Card, Empty, Pill } from "../../parts/pieces";

const TRUNK_TONES = { up: "free", down: "bad", registering: "ring", unchecked: "plain" } as const;

export function Trunks(): JSX.Element {
  const { t, manner } = useSpeech();
  const trunks = useLive((state) => state.trunks);
  return (
    <Card title={t.lines.trunks} class="trunks">
      {trunks.length === 0 ? <Empty>{t.lines.noTrunks}</Empty> : (
        <ul class="rows">
          {trunks.map((trunk) => (
            <li key={trunk.id} class="trunk" data-trunk={trunk.id} data-state={trunk.state}>
              <span class="who"><b>{trunk.id}</b><small>{trunk.host}</small></span>
              <Pill tone={TRUNK_TONES[trunk.state]}>{t.trunkState[trunk.state]}</Pill>
              <span class="trunk-use">
                <progress max={Math.max(1, trunk.channels)} value={trunk.busy} aria-label={t.lines.channels(trunk.busy, trunk.channels)} />
                <small>{t.lines.channels(trunk.busy, trunk.channels)}</small>
              </span>
              {trunk.state !== "up" && inLanguage(trunk.reason, manner.language) && <small class="trunk-reason">{inLanguage(trunk.reason, manner.language)}</small>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function Phones(): JSX.Element {
  const { t } = useSpeech();
  const phones = useLive((state) => state.registrations);
  const [open, setOpen] = useState(false);
  const registered = phones.filter((phone) => phone.contacts.length > 0).length;
  return (
    <Card title={t.lines.phones} class="phones" aside={phones.length > 0 && <span class="note">{t.lines.registered(registered, phones.length)}</span>}>
      {phones.length === 0 ? <Empty>{t.lines.noPhones}</Empty> : (
        <>
          <ul class="phone-chips">
            {phones.map((phone) => {
              const state = phone.contacts.length === 0 ? "none" : phone.busy ? "busy" : "free";
              const word = state === "none" ? t.lines.notRegistered : t.lines[state];
              return (
                <li key={phone.extension} class={`phone-chip is-${state}`} data-extension={phone.extension} title={`${phone.extension} ${phone.name}: ${word}`}>
                  <i class="dot" aria-hidden="true" /><b>{phone.extension}</b><span>{phone.name}</span><span class="hidden">{word}</span>
                </li>
              );
            })}
          </ul>
          <button type="button" class="link" onClick={() => setOpen(true)}>{t.lines.showPhones}</button>
        </>
      )}
      {open && <PhoneTable onClose={() => setOpen(false)} />}
    </Card>
  );
}

function PhoneTable({ onClose }: { onClose: () => void }): JSX.Element {
  const { t, manner } = useSpeech();
  const phones = useLive((state) => state.registrations);
  return (
    <Dialog title={t.lines.phones} onClose={onClose} side>
      <ul class="phone-list">
        {phones.map((phone) => (
          <li key={phone.extension}>
            <b>{phone.extension} {phone.name}</b>
            {phone.contacts.length === 0 && <span class="muted">{t.lines.notRegistered}</span>}
            {phone.contacts.map((contact) => (
              <span key={contact.uri} class="contact">
                <span>{contact.user_agent || contact.uri}</span>
                <small>{contact.address} · {contact.transport.toUpperCase()} · {t.lines.expires} {hourMinute(contact.expires, manner)}</small>
              </span>
            ))}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
