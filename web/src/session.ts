import type { AgentView, Language, Role } from "./api/types";
import { ApiError, call, get } from "./api/http";
import { Store } from "./store";

export interface User {
  name: string;
  role: Role;
  language?: Language | "";
  /** Id of the agent that this user is, if any. */
  agent?: string;
  /** The ways of the site, for those who may not read the system. */
  site?: { name: string; language: string; timezone: string; country: string };
}

/** Unknown until the box answered; `user` is null when nobody is logged in. */
export interface Session {
  known: boolean;
  user: User | null;
  /** It was logged in and is no more, without having asked for it. */
  ended: boolean;
}

export const session = new Store<Session>({ known: false, user: null, ended: false });

const userOf = (answer: User | { user: User }): User => ("user" in answer ? answer.user : answer);

export async function resume(): Promise<void> {
  try {
    session.set({ known: true, user: userOf(await get<User | { user: User }>("session")), ended: false });
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 404)) throw error;
    session.set({ known: true, user: null, ended: false });
  }
}

export async function logIn(name: string, password: string): Promise<void> {
  session.set({ known: true, user: userOf(await call<User | { user: User }>("POST", "session", { name, password })), ended: false });
}

export async function logOut(): Promise<void> {
  try {
    await call("DELETE", "session");
  } finally {
    session.set({ known: true, user: null, ended: false });
  }
}

export function endSession(): void {
  if (session.value.user) session.set({ known: true, user: null, ended: true });
}

export const maySupervise = (user: User | null): boolean => user?.role === "admin" || user?.role === "supervisor";
export const maySeeRecords = (user: User | null): boolean => user !== null && user.role !== "wallboard";
export const maySetStatus = (user: User | null, agent: AgentView): boolean => maySupervise(user) || (user?.role === "agent" && user.agent === agent.id);
