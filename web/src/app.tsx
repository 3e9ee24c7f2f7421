import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Role } from "./api/types";
import { onLoggedOut } from "./api/http";
import { timeOfDay } from "./format";
import { manner, useSpeech } from "./i18n";
import { live, useLive } from "./live";
import { runTicking, ticking } from "./live/clock";
import { Icon, type IconName } from "./parts/icon";
import { Mark } from "./parts/mark";
import { explain, Toasts } from "./parts/toast";
import { applyAppearance, chooseLanguage, preferences } from "./preferences";
import { CertificatePage } from "./pages/certificate";
import { LivePage } from "./pages/live/live-page";
import { LoginPage } from "./pages/login";
import { RecordsPage } from "./pages/records/records-page";
import { SystemPage } from "./pages/system";
import { Link, usePlace } from "./router";
import { endSession, maySeeRecords, resume, session } from "./session";
import { useStore } from "./store";
import { TelephoneBar } from "./telephone/bar";

onLoggedOut(endSession);

/** The words follow the person, the zone and the number formats follow the site. */
function settle(): void {
  const { user } = session.value;
  const { system } = live.state.value;
  const language = chooseLanguage(preferences.value.language, user?.language ?? "", navigator.languages, system?.language ?? user?.site?.language ?? "");
  const now = manner.value;
  const timezone = system?.timezone || user?.site?.timezone || now.timezone;
  const country = system?.country || user?.site?.country || now.country;
  if (language !== now.language || timezone !== now.timezone || country !== now.country) manner.set({ language, timezone, country });
  document.documentElement.lang = language;
}

function follow(): () => void {
  const ends = [
    session.subscribe(() => {
      settle();
      if (session.value.user) live.start(session.value.user.role);
      else live.stop();
    }),
    preferences.subscribe((chosen) => {
      settle();
      applyAppearance(chosen);
    }),
    live.state.subscribe((state) => {
      settle();
      runTicking(state.connection === "live");
    }),
  ];
  const hurry = (): void => {
    if (document.visibilityState === "visible") live.hurry();
  };
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  applyAppearance(preferences.value);
  settle();
  return () => {
    for (const end of ends) end();
    removeEventListener("online", hurry);
    document.removeEventListener("visibilitychange", hurry);
  };
}

export function App(): JSX.Element {
  const { known, user } = useStore(session);
  const { t } = useSpeech();
  const { parts } = usePlace();
  const [problem, setProblem] = useState("");
  useEffect(follow, []);
  useEffect(() => {
    if (known) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      resume().catch((error: unknown) => {
        setProblem(explain(error));
        timer = setTimeout(ask, 3_000);
      });
    };
    ask();
    return () => clearTimeout(timer);
  }, [known]);
  if (parts[0] === "certificate") return <CertificatePage />;
  if (!known) return <main class="splash"><p>{problem || t.common.loading}</p></main>;
  if (!user) return <><LoginPage /><Toasts /></>;
  return <Frame role={user.role} />;
}

interface Page {
  path: string;
  icon: IconName;
  label: string;
}

function Frame({ role }: { role: Role }): JSX.Element {
  const { t } = useSpeech();
  const { parts } = usePlace();
  const [page = "live", detail] = parts;
  const { user } = useStore(session);
  const pages: Page[] = [{ path: "live", icon: "live", label: t.nav.live }];
  if (maySeeRecords(user)) pages.push({ path: "records", icon: "records", label: t.nav.records });
  pages.push({ path: "system", icon: "system", label: t.nav.system });
  const current = pages.find((each) => each.path === page);
  useEffect(() => {
    document.title = current ? `${current.label} – ${t.product}` : t.product;
  }, [current?.label]);
  return (
    <div class={`frame role-${role}`}>
      <a class="skip" href="#content">{t.nav.skip}</a>
      <header class="top">
        <Brand />
        <nav class="tabs" aria-label={t.nav.menu}>
          {pages.map(({ path, icon, label }) => (
            <Link key={path} to={`/${path}`} class="tab" aria-current={path === page ? "page" : undefined}><Icon name={icon} /><span>{label}</span></Link>
          ))}
        </nav>
        <ConnectionState />
      </header>
      <StaleNotice />
      <TelephoneBar />
      <main id="content" tabIndex={-1}>
        {page === "live" && <LivePage />}
        {page === "records" && maySeeRecords(user) && <RecordsPage selected={detail ?? ""} />}
        {page === "system" && <SystemPage />}
        {!current && <NotFound />}
      </main>
      <Toasts />
    </div>
  );
}

function Brand(): JSX.Element {
  const { t } = useSpeech();
  const { user } = useStore(session);
  const site = useLive((state) => state.system?.name ?? "") || user?.site?.name;
  return <Link to="/live" class="brand"><Mark /><b>{t.product}</b>{site && <span class="site">{site}</span>}</Link>;
}

function ConnectionState(): JSX.Element {
  const { t, manner } = useSpeech();
  const connection = useLive((state) => state.connection);
  const now = useStore(ticking);
  return (
    <div class={`connection is-${connection}`}>
      <span class="connection-word" role="status"><i class="dot" aria-hidden="true" />{t.connection[connection]}</span>
      {connection === "live" && <time class="clock" title={t.connection.boxTime}>{timeOfDay(now, manner)}</time>}
    </div>
  );
}

function StaleNotice(): JSX.Element | null {
  const { t, manner } = useSpeech();
  const stale = useLive((state) => state.connection === "reconnecting");
  if (!stale) return null;
  return <p class="stale-notice" role="alert"><Icon name="warning" />{t.connection.stale(timeOfDay(live.state.value.confirmed, manner))}</p>;
}

function NotFound(): JSX.Element {
  const { t } = useSpeech();
  return (
    <section class="card not-found">
      <h1>{t.notFound.title}</h1>
      <p>{t.notFound.text}</p>
      <Link to="/live" class="button">{t.notFound.home}</Link>
    </section>
  );
}
