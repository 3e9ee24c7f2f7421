"""The receiving half of the endpoint: bytes to messages, messages to transactions, dialogs and our user."""

from __future__ import annotations

import traceback
from collections import deque

from appliance.clock import Entropy, Instant
from appliance.errors import RemoteProtocolError, UndefinedTransition
from appliance.sip import endpoint_answers
from appliance.sip.client_transaction import ClientTransaction
from appliance.sip.events import CloseFlow, Event, IncomingRequest, IncomingSession, Send
from appliance.sip.flow import Flow
from appliance.sip.limits import Limits, SessionTimerPolicy
from appliance.sip.message import Request, Response
from appliance.sip.multipart import unwrap
from appliance.sip.parser import PONG, FramingLost, MalformedMessage, Ping, StreamFramer, is_keep_alive, parse_message
from appliance.sip.registration import Registration
from appliance.sip.server_transaction import ServerKey, ServerTransaction
from appliance.sip.session import Session
from appliance.sip.session_layer import SessionLayer
from appliance.sip.session_uas import InboundSession
from appliance.sip.timers import Timers
from appliance.sip.transaction import TransactionLayer, mark_source


class ReceivingEndpoint:
    """What an endpoint holds, and what it does with what comes in. Use `Endpoint`."""

    def __init__(
        self,
        entropy: Entropy,
        user_agent: str = "Hako",
        timers: Timers | None = None,
        limits: Limits | None = None,
        session_timer: SessionTimerPolicy | None = None,
    ) -> None:
        self.events: deque[Event] = deque()
        self.limits = limits or Limits()
        self.transactions = TransactionLayer(entropy, timers or Timers(), self.limits, self.events)
        self.layer = SessionLayer(self.transactions, user_agent, session_timer or SessionTimerPolicy(), self.limits)
        self.registrations: dict[int, Registration] = {}
        self.seen: dict[str, int] = {}
        """How often what happened that nobody else hears of: malformed, stray, overload, undefined, fault."""
        self.faults: deque[str] = deque(maxlen=20)
        """Tracebacks of our own errors that were contained, newest last."""
        self._framers: dict[Flow, StreamFramer] = {}
        self._early: dict[str, int] = {}
        self._asked = 0

    # -- in

    def receive(self, flow: Flow, data: bytes, now: Instant) -> None:
        """A datagram, or the next bytes of a stream."""
        if flow.transport == "udp":
            if is_keep_alive(data):
                return
            self._receive_message(flow, data, now, False)
            return
        framer = self._framers.get(flow)
        if framer is None:
            framer = self._framers[flow] = StreamFramer()
        lost = False
        try:
            frames = framer.feed(data)
        except FramingLost as error:
            frames, lost = error.frames, True
            self._count("malformed")
        for frame in frames:
            if isinstance(frame, Ping):
                self.events.append(Send(flow, PONG))
            else:
                self._receive_message(flow, frame, now, True)
        if lost:
            del self._framers[flow]
            self.events.append(CloseFlow(flow))

    def flow_failed(self, flow: Flow, reason: str, now: Instant) -> None:
        """A send failed, ICMP said so, or the connection closed. Only what waits for an answer on that flow ends."""
        for transaction in self.transactions.waiting_on(flow):
            try:
                transaction.transport_failed(now)
            except UndefinedTransition:
                self._count("undefined")
            except Exception:
                self._fault(transaction, now)
        if flow.transport != "udp":
            self._framers.pop(flow, None)
            self.transactions.streams.lost(flow)
            for session in self.layer.sessions.values():
                session.lose_flow(flow)
            for registration in list(self.registrations.values()):
                registration.lose_flow(flow, now)

    def resolved(self, query: int, flows: list[Flow], now: Instant) -> None:
        """The answer to a Resolve: the flows that reach the host, best first."""
        try:
            self.transactions.resolved(query, flows, now)
        except UndefinedTransition:
            self._count("undefined")
        except Exception:
            self._fault(None, now)

    def timeout(self, now: Instant) -> None:
        """Runs every timer that is due."""
        timers = self.layer.timers
        while (due := timers.pop_due(now.mono)) is not None:
            target, name = due
            try:
                target.fire(name, now)
            except UndefinedTransition:
                self._count("undefined")
            except Exception:
                self._fault(target, now)

    # -- messages

    def _receive_message(self, flow: Flow, data: bytes, now: Instant, stream: bool) -> None:
        try:
            message = parse_message(data, stream)
        except MalformedMessage as error:
            self._count("malformed")
            if error.partial is not None:
                response = error.partial.reply(error.status, to_tag=self.layer.token())
                self.events.append(Send(flow, response.encode()))
            return
        unwrap(message)
        try:
            if isinstance(message, Request):
                self._receive_request(message, flow, now)
            elif not self.transactions.receive_response(message, flow, now):
                self._stray(message, now)
        except RemoteProtocolError:
            self._count("malformed")
        except UndefinedTransition:
            self._count("undefined")
        except Exception:
            self._fault(self._asker(message), now)

    def _stray(self, response: Response, now: Instant) -> None:
        """A response without a transaction is dropped (RFC 6026 7.2), unless it answers an INVITE of our own dialog."""
        if response.cseq.method == "INVITE" and 200 <= response.status < 300:
            key = (response.call_id, response.from_.tag or "", response.to.tag or "")
            session = self.layer.dialogs.get(key)
            if session is not None and session.acknowledge_stray(response, now):
                return
        self._count("stray")

    def _asker(self, message: Request | Response) -> object:
        """Whose request a response answers."""
        transaction = self.transactions.clients.get((message.via.branch, message.cseq.method))
        return None if transaction is None else transaction.user

    def _receive_request(self, request: Request, flow: Flow, now: Instant) -> None:
        transactions = self.transactions
        key = transactions.server_key(request)
        known = transactions.servers.get(key)
        if request.method == "ACK":
            if known is not None:
                known.acknowledged(request, now)
            else:
                self._receive_ack(request, now)
            return
        if known is not None:
            known.repeated(now)
            return
        if self.layer.resumed and request.method == "INVITE" and request.to.tag is None:
            session = self.layer.resumed.get(request.call_id)
            if session is not None:
                # Its transaction was in the process before this one, which has answered.
                session.repeat_ok(now)
                return
        answer_flow = mark_source(request, flow)
        if len(transactions.servers) + len(transactions.clients) >= self.limits.transactions:
            self._overloaded(request, answer_flow)
            return
        merged = request.to.tag is None and transactions.merged(request)
        transaction = transactions.serve(request, key, answer_flow)
        try:
            self._dispatch(transaction, request, flow, key, merged, now)
        except RemoteProtocolError as error:
            self._count("malformed")
            self._answer(transaction, request.reply(error.status, to_tag=self.layer.token()), now)
        except UndefinedTransition:
            self._count("undefined")
            self._answer(transaction, request.reply(500, to_tag=self.layer.token()), now)
        except Exception:
            self._fault(transaction.user, now)
            self._answer(transaction, request.reply(500, to_tag=self.layer.token()), now)

    def _answer(self, transaction: ServerTransaction, response: Response, now: Instant) -> None:
        if not transaction.answered:
            response.headers.values["Server"] = [self.layer.user_agent]
            transaction.respond(response, now)

    def _dispatch(
        self,
        transaction: ServerTransaction,
        request: Request,
        flow: Flow,
        key: ServerKey,
        merged: bool,
        now: Instant,
    ) -> None:
        if request.method == "CANCEL":
            self._receive_cancel(transaction, request, key, now)
            return
        tag = request.to.tag
        if tag is not None:
            self._receive_in_dialog(transaction, request, tag, now)
            return
        token = self.layer.token()
        refusal = endpoint_answers.inspect(request, token, merged)
        if refusal is not None:
            self._answer(transaction, refusal, now)
        elif request.method == "INVITE":
            self._receive_invite(transaction, request, flow, now)
        else:
            transaction.guard(now)
            self.events.append(IncomingRequest(transaction, request, flow))

    def _receive_ack(self, request: Request, now: Instant) -> None:
        session = self.layer.dialogs.get((request.call_id, request.to.tag or "", request.from_.tag or ""))
        if session is None:
            self._count("stray")
        else:
            session.acknowledged(request, now)

    def _receive_cancel(self, transaction: ServerTransaction, request: Request, key: ServerKey, now: Instant) -> None:
        """CANCEL is answered 200 when its INVITE is here, whatever becomes of that (RFC 3261 9.2)."""
        invite = self.transactions.servers.get((*key[:-1], "INVITE"))
        if invite is None:
            self._answer(transaction, request.reply(481, to_tag=self.layer.token()), now)
            return
        self._answer(transaction, request.reply(200, to_tag=invite.tag or self.layer.token()), now)
        user = invite.user
        if not invite.answered and isinstance(user, Session):
            user.cancelled(invite, request, now)

    def _receive_in_dialog(self, transaction: ServerTransaction, request: Request, tag: str, now: Instant) -> None:
        session = self.layer.dialogs.get((request.call_id, tag, request.from_.tag or ""))
        if session is None:
            self._answer(transaction, request.reply(481), now)
            return
        refusal = endpoint_answers.unsupported(request, tag)
        if refusal is not None:
            self._answer(transaction, refusal, now)
            return
        transaction.user = session
        dialog = session.dialog_of(request.from_.tag or "")
        session.on_request(transaction, request, dialog, now)

    def _receive_invite(self, transaction: ServerTransaction, request: Request, flow: Flow, now: Instant) -> None:
        source = flow.remote[0]
        early = self._early.get(source, 0)
        if len(self.layer.sessions) >= self.limits.sessions or early >= self.limits.early_per_source:
            response = request.reply(503, to_tag=self.layer.token())
            response.headers.values["Retry-After"] = [str(self.limits.retry_after)]
            self._count("overload")
            self._answer(transaction, response, now)
            return
        asked, minimum = request.session_expires, self.layer.policy.minimum
        if asked is not None and asked.seconds < minimum and "timer" in request.supported:
            response = request.reply(422, to_tag=self.layer.token())
            response.headers.values["Min-SE"] = [str(minimum)]
            self._answer(transaction, response, now)
            return
        session = InboundSession(self.layer, transaction, request, flow, now, self._leave_early)
        self._early[source] = early + 1
        transaction.respond(request.reply(100), now)
        self.events.append(IncomingSession(session))

    def _leave_early(self, flow: Flow) -> None:
        source = flow.remote[0]
        left = self._early.get(source, 0) - 1
        if left > 0:
            self._early[source] = left
        else:
            self._early.pop(source, None)

    def _overloaded(self, request: Request, flow: Flow) -> None:
        """Refuses without keeping anything."""
        self._count("overload")
        response = request.reply(503, to_tag=self.layer.token())
        response.headers.values["Retry-After"] = [str(self.limits.retry_after)]
        self.events.append(Send(flow, response.encode()))

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1

    def _fault(self, concerned: object, now: Instant) -> None:
        """An error of ours: it is kept for the log and ends the call that it happened in, no other."""
        self._count("fault")
        self.faults.append(traceback.format_exc())
        if isinstance(concerned, ClientTransaction | ServerTransaction):
            concerned = concerned.user
        if isinstance(concerned, Session):
            try:
                concerned.end_for_fault(now)
            except Exception:
                self.faults.append(traceback.format_exc())
