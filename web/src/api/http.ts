import { serverClock } from "../live/clock";

/** The box answered with an error, or could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string = "",
    /** Seconds after which trying again makes sense, from Retry-After. */
    readonly retryAfter: number = 0,
  ) {
    super(message);
  }
}

const ROOT = "/api/v1/";
let loggedOut: () => void = () => undefined;

/** Called when the box no longer knows our session. */
export function onLoggedOut(then: () => void): void {
  loggedOut = then;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function apiPath(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return ROOT + path + (text ? `?${text}` : "");
}

async function send(method: string, url: string, body: unknown, timeout: number): Promise<Response> {
  const asked = Date.now();
  const init: RequestInit = { method, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(timeout) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new ApiError(0, "unreachable", "unreachable");
  }
  serverClock.learn(asked, Date.now(), response.headers.get("Date"));
  return response;
}

async function errorOf(response: Response): Promise<ApiError> {
  let code = String(response.status);
  let message = response.statusText;
  let field = "";
  try {
    const body = (await response.json()) as { error?: { code?: string; message?: string; field?: string } };
    code = body.error?.code ?? code;
    message = body.error?.message ?? message;
    field = body.error?.field ?? "";
  } catch {
    // No JSON: a proxy or a box that is just starting; the status line does.
  }
  const after = Number(response.headers.get("Retry-After") ?? 0);
  return new ApiError(response.status, code, message, field, Number.isFinite(after) ? after : 0);
}

export async function call<T>(method: string, path: string, body?: unknown, timeout = 15_000): Promise<T> {
  const response = await send(method, path.startsWith("/") ? path : apiPath(path), body, timeout);
  if (!response.ok) {
    const error = await errorOf(response);
    if (error.status === 401 && path !== "session") loggedOut();
    throw error;
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string, query: Query = {}): Promise<T> => call<T>("GET", apiPath(path, query));
