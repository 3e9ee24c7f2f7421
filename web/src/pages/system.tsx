import type { ComponentChildren, JSX } from "preact";
import type { AddressView, ByLanguage, SystemView } from "../api/types";
import { fullDay, hourMinute, timeOfDay } from "../format";
import { inLanguage, useSpeech } from "../i18n";
import { useLive } from "../live";
import { ticking } from "../live/clock";
import { LanguageSwitch } from "../parts/language-switch";
import { Card } from "../parts/pieces";
import { explain, say } from "../parts/toast";
import { prefer, preferences } from "../preferences";
import { logOut, maySupervise, session } from "../session";
import { useStore } from "../store";
import { Faults } from "./live/faults";
import { Sound } from "./sound";

export function SystemPage(): JSX.Element {
  const { t } = useSpeech();
  const system = useLive((state) => state.system);
  const { user } = useStore(session);
  return (
    <div class="system">
      <h1>{t.system.title}</h1>
      <Faults />
      <div class="system-grid">
        {system && <Box system={system} />}
        {system && maySupervise(user) && <DeskPhone system={system} />}
        {maySupervise(user) && <Sound />}
        <Display />
        {system && <Off system={system} />}
        {system && maySupervise(user) && <Programs system={system} />}
      </div>
    </div>
  );
}

/** Words between backticks are typed as they stand. */
function Typed({ text }: { text: string }): JSX.Element {
  return <>{text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>;
}

function Row({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return <div class="setting"><dt>{label}</dt><dd>{children}</dd></div>;
}

const splitAddress = (address: string): { host: string; port: string } => {
  const [, host = address, port = ""] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return { host, port };
};

/** An address a phone can be given: "any" addresses are the one this page came from. */
function registrar(system: SystemView, use: string): { host: string; port: string } | null {
  const found = system.addresses.find((each) => each.use === use);
  if (!found) return null;
  const { host, port } = splitAddress(found.address);
  const any = host === "" || host === "0.0.0.0" || host === "[::]" || host === "*";
  return { host: any ? location.hostname : host, port };
}

/** A row for each address: SIP over UDP and TCP share the one they have in common. */
export function addressRows(addresses: readonly AddressView[]): { uses: string[]; address: string }[] {
  const rows = new Map<string, string[]>();
  for (const { use, address } of addresses) rows.set(address, [...(rows.get(address) ?? []), use]);
  return [...rows].map(([address, uses]) => ({ address, uses }));
}

function Box({ system }: { system: SystemView }): JSX.Element {
  const { t, manner } = useSpeech();
  const now = useStore(ticking);
  const transport: Record<string, string> = { "sip-udp": "UDP", "sip-tcp": "TCP" };
  const named = (uses: readonly string[]): string => {
    const [use = ""] = uses;
    if (use in transport) return `${t.system.sip} ${uses.map((each) => transport[each] ?? each).join(" / ")}`;
    return use === "web" ? t.system.web : use === "rtp" ? t.system.audio : use;
  };
  return (
    <Card title={t.system.box}>
      <dl class="settings">
        <Row label={t.system.site}>{system.name}</Row>
        <Row label={t.system.version}>{system.version}{system.board && system.board !== "none" && ` · ${system.board}`}</Row>
        <Row label={t.system.started}>{fullDay(system.started, manner)} {hourMinute(system.started, manner)}</Row>
        <Row label={t.system.clock}>{timeOfDay(now, manner)} <small>{system.timezone}</small></Row>
        {addressRows(system.addresses).map(({ uses, address }) => (
          <Row key={address} label={named(uses)}>{uses.includes("web") ? <a href={address}>{address}</a> : <code>{address}</code>}</Row>
        ))}
        <Row label={t.certificate.title}><a href="/certificate">{t.certificate.install}</a></Row>
      </dl>
    </Card>
  );
}

function DeskPhone({ system }: { system: SystemView }): JSX.Element {
  const { t } = useSpeech();
  const phones = useLive((state) => state.registrations);
  const address = registrar(system, "sip-udp") ?? registrar(system, "sip-tcp");
  return (
    <Card title={t.system.phoneTitle} class="desk-phone">
      <div class="card-body">
        <p>{t.system.phoneIntro}</p>
        <ol class="steps">
          <li><span>{t.system.registrar}</span><b>{address?.host ?? location.hostname}</b><small>{t.system.port} {address?.port || "5060"} · {t.system.transport} UDP</small></li>
          <li><span>{t.system.user}</span><b>{phones.slice(0, 4).map((phone) => phone.extension).join(", ")}{phones.length > 4 && " …"}</b><small>{t.system.userHint}</small></li>
          <li><span>{t.system.password}</span><small><Typed text={t.system.passwordHint(system.command, system.data)} /></small></li>
        </ol>
        <p class="hint">{t.system.tryIt}</p>
        <details>
          <summary>{t.system.models}</summary>
          <ul class="models">{(["yealink", "snom", "grandstream", "panasonic"] as const).map((model) => <li key={model}>{t.system[model]}</li>)}</ul>
        </details>
      </div>
    </Card>
  );
}

function Display(): JSX.Element {
  const { t } = useSpeech();
  const { user } = useStore(session);
  const chosen = useStore(preferences);
  const leave = (): void => void logOut().catch((error: unknown) => say(explain(error), true));
  return (
    <Card title={t.system.you}>
      <dl class="settings">
        <Row label={t.login.name}><b>{user?.name}</b> <span class="tag">{user && t.role[user.role]}</span></Row>
        <Row label={t.system.language}><LanguageSwitch /></Row>
        <Row label={t.system.theme}>
          <div class="segments" role="group" aria-label={t.system.theme}>
            {(["", "light", "dark"] as const).map((theme) => <button key={theme} type="button" class="segment" aria-pressed={chosen.theme === theme} onClick={() => prefer({ theme })}>{t.system[theme || "auto"]}</button>)}
          </div>
          <label class="check"><input type="checkbox" checked={chosen.contrast === "more"} onChange={(event) => prefer({ contrast: event.currentTarget.checked ? "more" : "" })} />{t.system.contrast}</label>
        </Row>
      </dl>
      <div class="card-body"><button type="button" class="button" onClick={leave}>{t.system.logout}</button></div>
    </Card>
  );
}

function Off({ system }: { system: SystemView }): JSX.Element {
  const { t, manner } = useSpeech();
  const say = (text: ByLanguage): string => inLanguage(text, manner.language);
  return (
    <Card title={t.system.off}>
      {system.off.length === 0 ? <p class="empty">{t.system.nothingOff}</p> : (
        <dl class="settings">{system.off.map((each) => <Row key={each.feature} label={say(each.name)}>{say(each.why)}{say(each.remedy) && <small class="remedy"><Typed text={say(each.remedy)} /></small>}</Row>)}</dl>
      )}
    </Card>
  );
}

function Programs({ system }: { system: SystemView }): JSX.Element {
  const { t } = useSpeech();
  return (
    <Card title={t.system.api}>
      <div class="card-body">
        <p>{t.system.apiText}<a href="/api/v1/openapi.json">{t.system.apiLink}</a></p>
        {system.command && <p class="hint"><Typed text={t.system.apiToken(system.command, system.data)} /></p>}
      </div>
    </Card>
  );
}
