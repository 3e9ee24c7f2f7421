import type { EventMessage } from "../api/types";

/** What a connection does for its owner. Nothing is called after `close`. */
export interface SocketReader {
  opened(): void;
  message(message: EventMessage): void;
  lost(): void;
}

/** Opens the event stream from `after` on; returns how to close it. */
export type OpenSocket = (after: number, reader: SocketReader) => () => void;

export const openEvents: OpenSocket = (after, reader) => {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/api/v1/events?after=${after}`);
  let open = true;
  const lost = (): void => {
    if (!open) return;
    open = false;
    socket.close();
    reader.lost();
  };
  socket.onopen = () => open && reader.opened();
  socket.onclose = lost;
  socket.onerror = lost;
  socket.onmessage = (event) => {
    if (!open || typeof event.data !== "string") return;
    let message: unknown;
    try {
      message = JSON.parse(event.data);
    } catch {
      return lost();
    }
    if (typeof message === "object" && message !== null && "type" in message) reader.message(message as EventMessage);
  };
  return () => {
    open = false;
    socket.close();
  };
};
