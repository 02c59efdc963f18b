"""Keys through real pseudo-terminals: decoded, never echoed, and the terminal is put back whatever happens."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from advsep.realtime.keys import SEQUENCE_S, KeyDecoder, Keys, console_keys
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

pytestmark = pytest.mark.live

TYPED = [
    (b"a", ["a"]),
    (b"qV0?", ["q", "V", "0", "?"]),
    (b" \r\n\t\x7f\x04", ["space", "enter", "enter", "tab", "backspace", "ctrl-d"]),
    (b"\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]),
    (b"\x1bOA\x1bOB", ["up", "down"]),  # in the keypad's application mode
    (b"\x1b[1;2A\x1b[1;5D", ["up", "left"]),  # with shift, with control
    (b"\x1b[3~\x1b[5~\x1b[6;5~", ["delete", "page-up", "page-down"]),
    (b"\x1b[15~a\x1b[[Aa\x1b[200~a\x1b[I", ["a", "a", "a"]),  # F5, F1 of the console, a paste begins, focus: no keys
    (b"\x1b\x1b[A", ["escape", "up"]),
    (b"\x1bq", ["alt-q"]),
    (b"\x1b[\ra", ["enter", "a"]),
    ("é×漢".encode(), ["é", "×", "漢"]),
    (b"\xff\xfea", ["a"]),
]


@pytest.mark.parametrize(("typed", "keys"), TYPED)
def test_decoding(typed: bytes, keys: list[str]) -> None:
    assert KeyDecoder().feed(typed, 0.0) == keys


@pytest.mark.parametrize(("typed", "keys"), TYPED)
def test_bytes_may_come_one_by_one(typed: bytes, keys: list[str]) -> None:
    decoder = KeyDecoder()
    found: list[str] = []
    for i in range(len(typed)):
        found += decoder.feed(typed[i : i + 1], 0.01 * i) + decoder.feed(b"", 0.01 * i + 0.005)
    assert found == keys


@given(st.lists(st.sampled_from(TYPED)), st.data())
def test_any_cut_gives_the_same_keys(parts: list[tuple[bytes, list[str]]], data: st.DataObject) -> None:
    typed = b"".join(part for part, _ in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(typed)), max_size=8)))
    decoder, found = KeyDecoder(), list[str]()
    for begin, end in zip([0, *cuts], [*cuts, len(typed)], strict=True):
        found += decoder.feed(typed[begin:end], 0.0)
    assert found == [key for _, keys in parts for key in keys]


def test_a_lone_escape_is_one_after_a_while() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b", 10.0) == []
    assert decoder.feed(b"", 10.0 + 0.9 * SEQUENCE_S) == []
    assert decoder.feed(b"", 10.0 + 1.1 * SEQUENCE_S) == ["escape"]
    assert decoder.feed(b"A", 11.0) == ["A"]
    assert decoder.feed(b"\x1b", 20.0) == []
    assert decoder.feed(b"q", 20.0 + 1.1 * SEQUENCE_S) == ["escape", "q"]


def test_a_sequence_that_came_late_because_nobody_asked_is_no_letter() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b", 10.0) == []
    assert decoder.feed(b"[A", 15.0) == ["up"]
    assert decoder.feed(b"\x1b[", 20.0) == []
    assert decoder.feed(b"A", 25.0) == ["up"]
    assert decoder.feed(b"\x1b[1;", 30.0) == []
    assert decoder.feed(b"", 31.0) == []  # never finished: forgotten
    assert decoder.feed(b"A", 32.0) == ["A"]


def test_windows_console() -> None:
    def keys(typed: str) -> list[str]:
        waiting = list(typed)
        return console_keys(lambda: bool(waiting), lambda: waiting.pop(0))

    assert keys("aA \r\x00H\xe0P\xe0K\xe0M\x00;q") == ["a", "A", "space", "enter", "up", "down", "left", "right", "q"]
    assert keys("à") == ["à"]
    assert keys("") == []
    with pytest.raises(KeyboardInterrupt):
        keys("a\x03")


@pytest.mark.parametrize("stream", [io.StringIO("q"), None])
def test_without_a_terminal_nothing_happens(stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with Keys(stream) as keys:
        assert not keys.available
        assert keys.pressed() == []


def test_a_pipe_is_left_alone() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"song")
    with os.fdopen(ours, closefd=False) as stream, Keys(stream) as keys:
        assert keys.pressed() == []
    assert os.read(ours, 10) == b"song"
    os.close(ours)
    os.close(theirs)


if sys.platform != "win32":
    import pty
    import select
    import signal
    import subprocess
    import termios

    def cooked(descriptor: int) -> bool:
        """Whether the terminal echoes and waits for Enter."""
        return termios.tcgetattr(descriptor)[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO

    @contextlib.contextmanager
    def terminal() -> Generator[tuple[int, int]]:
        """Both ends of a pseudo-terminal."""
        ours, theirs = pty.openpty()
        try:
            yield ours, theirs
        finally:
            for descriptor in (ours, theirs):
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def seen(ours: int) -> bytes:
        """What the terminal shows."""
        return os.read(ours, 4096) if select.select([ours], [], [], 0.05)[0] else b""

    def test_keys_of_a_terminal() -> None:
        with terminal() as (ours, theirs), os.fdopen(theirs, closefd=False) as stream:
            before = termios.tcgetattr(theirs)
            with Keys(stream) as keys:
                assert keys.available
                assert not cooked(theirs)
                assert keys.pressed() == []
                os.write(ours, b"v\x1b[")
                until(lambda: keys.pressed() == ["v"], what="v")
                os.write(ours, b"Aq")
                until(lambda: keys.pressed() == ["up", "q"], what="the rest")
                assert seen(ours) == b""
                os.write(ours, b"typed too late")
            assert termios.tcgetattr(theirs) == before
            os.set_blocking(theirs, False)
            with pytest.raises(BlockingIOError):
                os.read(theirs, 10)

    def test_an_error_puts_the_terminal_back() -> None:
        with terminal() as (_, theirs), os.fdopen(theirs, closefd=False) as stream:
            handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGTSTP, signal.SIGHUP)]
            with pytest.raises(ZeroDivisionError), Keys(stream):
                _ = 1 // cooked(theirs)
            assert cooked(theirs)
            assert handlers == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGTSTP, signal.SIGHUP)]

    def test_a_terminal_that_goes_away() -> None:
        with terminal() as (ours, theirs), os.fdopen(theirs, closefd=False) as stream, Keys(stream) as keys:
            os.close(ours)
            assert keys.pressed() == []
            assert keys.pressed() == []

    PROGRAM = """
import sys, time
from advsep.realtime.keys import Keys
with Keys() as keys:
    print("ready", flush=True)
    while True:
        for key in keys.pressed():
            print("<" + key + ">", flush=True)
            if key == "q":
                sys.exit(3)
        time.sleep(0.01)
"""

    class Session:
        """A program whose controlling terminal is ours, in a session of its own, as in a window."""

        def __init__(self, program: str = PROGRAM) -> None:
            self.ours, self.theirs = pty.openpty()
            self.shown = b""
            # The first terminal that the leader of a session opens becomes its own.
            owning = "import os; os.open(os.ttyname(0), os.O_RDWR)\n"

            self.process = subprocess.Popen(
                [sys.executable, "-c", owning + program],
                stdin=self.theirs,
                stdout=self.theirs,
                stderr=self.theirs,
                start_new_session=True,
            )

        def expect(self, text: bytes) -> None:
            def there() -> bool:
                self.shown += seen(self.ours)
                return text in self.shown

            until(there, what=f"{text!r}")
            self.shown = self.shown.split(text, 1)[1]

        def state(self) -> str:
            return Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

        def close(self) -> None:
            self.process.kill()
            self.process.wait()
            os.close(self.ours)
            os.close(self.theirs)

    @pytest.fixture
    def session() -> Generator[Session]:
        made = Session()
        try:
            made.expect(b"ready")
            yield made
        finally:
            made.close()

    def test_a_program_in_its_own_terminal(session: Session) -> None:
        assert not cooked(session.theirs)
        os.write(session.ours, b"a\x1b[Bq")
        session.expect(b"<a>\r\n<down>\r\n<q>")
        assert session.process.wait(10) == 3
        assert cooked(session.theirs)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
    def test_a_signal_that_ends_it(session: Session, number: int) -> None:
        session.process.send_signal(number)
        code = session.process.wait(10)
        assert code == -number
        assert cooked(session.theirs)

    def test_control_c_still_works(session: Session) -> None:
        os.write(session.ours, b"\x03")
        session.expect(b"KeyboardInterrupt")
        session.process.wait(10)
        assert cooked(session.theirs)

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    @pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP])
    def test_stopped_and_gone_on_with(number: int) -> None:
        # Stopping needs a shell that is there to go on with it; one that leaves would leave its jobs unstoppable.
        shell = f"""
import os, signal, subprocess, sys, time, termios
child = subprocess.Popen([sys.executable, "-c", {PROGRAM!r}], process_group=0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.tcsetpgrp(0, child.pid)
_, status = os.waitpid(child.pid, os.WUNTRACED)
assert os.WIFSTOPPED(status), status
echoes = bool(termios.tcgetattr(0)[3] & termios.ECHO)
os.tcsetpgrp(0, os.getpgrp())
modes = termios.tcgetattr(0); modes[3] |= termios.ECHO | termios.ICANON
termios.tcsetattr(0, termios.TCSANOW, modes)  # as shells do
print("stopped, echo", echoes, flush=True)
os.kill(child.pid, signal.SIGCONT)  # bg
time.sleep(0.3)
alive = os.waitpid(child.pid, os.WUNTRACED | os.WNOHANG) == (0, 0)
print("background", alive, bool(termios.tcgetattr(0)[3] & termios.ECHO), flush=True)
os.tcsetpgrp(0, child.pid)  # fg
os.kill(child.pid, signal.SIGCONT)
_, status = os.waitpid(child.pid, 0)
os.tcsetpgrp(0, os.getpgrp())
print("ended", os.WEXITSTATUS(status), bool(termios.tcgetattr(0)[3] & termios.ECHO), flush=True)
"""
        session = Session(shell)
        try:
            session.expect(b"ready")
            until(lambda: not cooked(session.theirs), what="taken")
            if number == signal.SIGTSTP:
                os.write(session.ours, b"\x1a")
            else:
                os.killpg(os.tcgetpgrp(session.ours), number)
            # After SIGSTOP nobody could put it back; the shell did.
            session.expect(b"stopped, echo True" if number == signal.SIGTSTP else b"stopped, echo False")
            session.expect(b"background True True")
            until(lambda: not cooked(session.theirs), what="taken again")
            os.write(session.ours, b"s\x1b[Cq")
            session.expect(b"<s>\r\n<right>\r\n<q>")
            session.expect(b"ended 3 True")
        finally:
            session.close()
