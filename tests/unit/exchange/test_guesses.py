"""Wrong SIP passwords: who is told, who is slowed down, and who must notice nothing of it."""

from __future__ import annotations

from functools import partial

from appliance import events as ev
from appliance.exchange import guesses
from appliance.exchange.guesses import Guesses
from tests.sim.phones import Phone
from tests.unit.exchange.office import LONG, Office


def stranger(office: Office, name: str = "201", host: str = "10.9.0.1") -> Phone:
    """A phone at an address of its own that is not registered."""
    phone = Phone(office, name, (host, office.next_port()), office.box.address)
    office._join(phone)
    return phone


def seconds_to_answer(office: Office, phone: Phone, secret: str, number: str = "*43") -> tuple[float, int]:
    """How long a call with this password waits for its fate, and its status (0: it is up)."""
    begun = office.clock.mono
    call = phone.call(number, phone.name, LONG, secret=secret)
    assert office.until(lambda: call.over or call.up, 40)
    taken = office.clock.mono - begun
    if call.up:
        call.hang_up()
    return taken, call.status if not call.up else 0


def test_many_wrong_passwords_of_one_source_are_answered_late() -> None:
    office = Office()
    phone = stranger(office)
    times = [seconds_to_answer(office, phone, "wrong") for _ in range(8)]
    assert {status for _, status in times} == {401}
    assert all(seconds < 1.0 for seconds, _ in times[:5])
    assert all(2.0 <= seconds < 4.0 for seconds, _ in times[5:])
    # The right password comes through all the same: after the pause it is looked at.
    office.run(3.0)
    assert seconds_to_answer(office, phone, "secret-201")[1] == 0
    office.close()


def test_others_notice_nothing_of_it() -> None:
    office = Office()
    desk = office.desk("201")
    phone = stranger(office)
    for _ in range(8):
        phone.call("*43", "201", LONG, secret="wrong")
    assert seconds_to_answer(office, desk, "secret-201")[1] == 0, "the same extension elsewhere"
    assert seconds_to_answer(office, stranger(office, "202"), "secret-202")[1] == 0, "another behind the same router"
    office.run(40.0)
    office.close()


def test_what_comes_too_fast_is_not_even_looked_at() -> None:
    office = Office()
    phone = stranger(office)
    for _ in range(6):
        seconds_to_answer(office, phone, "wrong")
    guess = phone.call("*43", "201", LONG, secret="wrong")
    office.run(0.3)
    lucky = phone.call("*43", "201", LONG, secret="secret-201")
    assert office.until(lambda: guess.over and lucky.over, 40)
    assert lucky.status == 401
    office.close()


def test_a_registered_phone_is_never_slowed_down() -> None:
    office = Office()
    desk = office.desk("201")
    for _ in range(7):
        seconds_to_answer(office, desk, "wrong")
    assert seconds_to_answer(office, desk, "secret-201")[1] == 0
    office.close()


def test_the_page_says_who_it_is_and_how_often() -> None:
    office = Office()
    phone = stranger(office)
    for _ in range(2):
        seconds_to_answer(office, phone, "wrong")
    assert not office.told(ev.FaultRaised)
    seconds_to_answer(office, phone, "wrong")
    (fault,) = office.told(ev.FaultRaised)
    assert fault.text["en"] == "The phone at 10.9.0.1 gave a wrong password for extension 201 3 times."
    assert "内線 201" in fault.text["ja"] and fault.remedy["ja"]
    for _ in range(7):
        seconds_to_answer(office, phone, "wrong")
    assert "10 times" in office.told(ev.FaultRaised)[-1].text["en"]
    office.run(3.0)
    seconds_to_answer(office, phone, "secret-201")
    assert [one.fault for one in office.told(ev.FaultCleared)] == [fault.fault]
    office.close()


def test_strangers_outside_who_try_names_are_only_counted() -> None:
    office = Office()
    for name in ("100", "admin", "100", "admin") * 3:
        seconds_to_answer(office, stranger(office, name, "9.9.9.9"), "wrong")
    assert not office.told(ev.FaultRaised)
    assert office.exchange.context.phones.refused == 12
    inside = stranger(office, "301")
    for _ in range(3):
        seconds_to_answer(office, inside, "wrong")
    assert '"301", which is no extension' in office.told(ev.FaultRaised)[0].text["en"]
    office.run(1000.0)
    assert office.told(ev.FaultCleared), "it goes when nothing is tried any more"
    office.close()


def test_the_table_is_bounded() -> None:
    office = Office()
    table = Guesses(office.exchange.context)
    for number in range(3 * guesses.KEPT):
        table.wrong(f"198.51.100.{number % 250}", str(number), known=False)
    assert len(table._tries) == guesses.KEPT
    sent: list[int] = []
    for _ in range(6):
        table.wrong("198.51.100.7", "201", known=False)

    def refuse(*_: object) -> None:
        for number in range(guesses.LATE + 5):
            table.answer("198.51.100.7", "201", partial(sent.append, number))

    office.box.do(refuse)
    assert sent == list(range(guesses.LATE, guesses.LATE + 5)), "what need not wait is sent at once"
    office.run(3.0)
    assert len(sent) == guesses.LATE + 5
