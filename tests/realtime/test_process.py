"""The engine's process: real ones on the null device, commanded, killed, stopped, left alone."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime import engine_child, process
from advsep.realtime.engine_settings import EngineSettings, is_sound_source
from advsep.realtime.errors import AdvsepError
from advsep.realtime.process import EngineProcess
from advsep.realtime.spec import SignalSpec
from advsep.realtime.status import EngineStatus
from advsep.realtime.telemetry import Telemetry
from advsep.realtime.telemetry_rings import RingReader
from waiting import is_running, until

pytestmark = pytest.mark.live

SHM = Path("/dev/shm")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and /dev/shm")


def blocks_of(pid: int) -> list[Path]:
    return list(SHM.glob(f"advsep-{pid}-*"))


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes at -20 dBFS rms, 44.1 kHz, stereo."""
    path = tmp_path_factory.mktemp("noise") / "noise.wav"
    samples = 0.1 * np.random.default_rng(1).standard_normal((120 * 44100, 2))
    soundfile.write(path, samples.astype(np.float32), 44100, subtype="FLOAT")
    return path


@pytest.fixture
def engine() -> Iterator[Callable[..., EngineProcess]]:
    """`engine(input="null", …)`: started; stopped at the end of the test, and nothing may be left."""
    made: list[EngineProcess] = []

    def make(**settings: object) -> EngineProcess:
        made.append(EngineProcess(EngineSettings(**{"input": "null", "output": "null", **settings})))  # type: ignore[arg-type]
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        pid = each.process_id
        began_s = time.perf_counter()
        each.stop()
        assert time.perf_counter() - began_s < 2
        assert pid is None or not is_running(pid)
    assert blocks_of(os.getpid()) == []


def output_dbfs(engine: EngineProcess) -> float:
    """Level of the output once all changes have been taken up: after 0.35 s of sound, however slowly it comes."""
    heard = engine.status().position_s + 0.35
    until(lambda: engine.status().position_s > heard)
    return engine.status().levels["output"].rms_dbfs


@on_linux
def test_it_plays_and_says_so_in_a_small_process_of_its_own(engine: Callable[..., EngineProcess]) -> None:
    playing = engine()
    pid = playing.process_id
    assert pid not in (None, os.getpid())
    until(lambda: playing.status().hops > 50)
    status = playing.status()
    assert (status.state, status.model, status.device) == ("playing", "live-12", "null")
    assert (status.rate_hz, status.period_samples, status.restarts) == (44100, 128, 0)
    assert status.latency_samples == sum(status.latency_parts.values()) == 512
    assert status.levels.keys() == {"input", "vocals", "accompaniment", "output"}
    assert 0 < status.hop_s_p50 <= status.hop_s_p99 <= status.hop_s_p99_9 <= status.hop_s_max
    facts = Path(f"/proc/{pid}/status").read_text()
    assert int(facts.split("VmRSS:")[1].split()[0]) < 350_000
    loaded = Path(f"/proc/{pid}/maps").read_text().lower()
    assert "onnxruntime" in loaded
    assert not any(heavy in loaded for heavy in ("torch", "pyside", "libqt"))
    later = status.position_s
    until(lambda: playing.status().position_s > later + 0.5)


def test_what_the_parent_imports_is_light() -> None:
    script = "import sys, advsep.realtime.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numba", "llvmlite", "onnxruntime", "sounddevice", "soundfile", "torch", "PySide6"} & set(loaded)


def test_commands_change_what_is_heard(engine: Callable[..., EngineProcess], noise: Path) -> None:
    playing = engine(input=str(noise))
    sources = ("vocals", "accompaniment")
    until(lambda: playing.status().position_s > 0.5)
    assert output_dbfs(playing) == pytest.approx(-20, abs=1)
    for source in sources:
        playing.set_gain_db(source, -30.0)
    assert output_dbfs(playing) == pytest.approx(-50, abs=1)
    assert playing.status().gains_db == dict.fromkeys(sources, -30.0)
    playing.set_bypassed(True)
    assert output_dbfs(playing) == pytest.approx(-20, abs=1)
    assert playing.status().bypassed
    playing.set_bypassed(False)
    playing.set_muted(sources)
    assert output_dbfs(playing) == -math.inf
    assert playing.status().muted == sources
    playing.set_soloed(["vocals"])
    until(lambda: playing.status().muted == ("accompaniment",))
    playing.set_soloed([])
    playing.set_muted([])
    for source in sources:
        playing.set_gain_db(source, 0.0)
    assert output_dbfs(playing) == pytest.approx(-20, abs=1)


def test_rates_that_are_not_the_models_are_converted(engine: Callable[..., EngineProcess], noise: Path) -> None:
    playing = engine(input=str(noise), rate_hz=96000)
    until(lambda: playing.status().position_s > 1.0)
    status = playing.status()
    assert status.rate_hz == 96000
    assert status.latency_samples == sum(status.latency_parts.values())
    assert status.latency_parts["window"] == 512
    assert status.latency_parts["resampling"] > 0
    assert output_dbfs(playing) == pytest.approx(-20, abs=1)


def test_a_file_plays_from_where_it_is_told_to_where_it_is_told(
    engine: Callable[..., EngineProcess], noise: Path
) -> None:
    playing = engine(input=str(noise), start_s=100.0, seconds=1.5)
    assert playing.status().position_s >= 100
    assert playing.status().length_s == pytest.approx(101.5)
    until(lambda: playing.status().state == "ended")
    assert playing.status().position_s == pytest.approx(101.5, abs=1 / 44100)


def test_a_device_plays_as_long_as_it_is_told(engine: Callable[..., EngineProcess]) -> None:
    playing = engine(seconds=1.0)
    until(lambda: playing.status().state == "ended")
    playing.stop()
    assert playing.status().state == "ended"
    assert playing.status().position_s == 1.0


@on_linux
def test_a_killed_engine_comes_back_as_it_was(engine: Callable[..., EngineProcess], noise: Path) -> None:
    playing = engine(input=str(noise), start_s=10.0)
    playing.set_gain_db("vocals", -7.5)
    playing.set_muted(["accompaniment"])
    playing.set_bypassed(True)
    reader = RingReader(playing.telemetry, "stems")
    until(lambda: reader.read() is not None)
    until(lambda: playing.status().position_s > 11.5 and playing.status().bypassed)
    before, pid = playing.status(), playing.process_id
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: playing.status().state == "starting") < 1
    assert "SIGKILL" in playing.status().note
    assert playing.status().restarts == 1
    until(lambda: playing.status().state == "playing")
    after = playing.status()
    assert playing.process_id != pid
    assert after.restarts == 1
    assert after.gains_db == {"vocals": -7.5, "accompaniment": 0.0}
    assert after.muted == ("accompaniment",)
    assert after.bypassed
    assert before.position_s <= after.position_s < before.position_s + 2
    assert after.hops >= before.hops
    position = reader.position
    until(lambda: (frames := reader.read()) is not None and frames.position >= position)


@on_linux
def test_it_gives_up_after_five_crashes_in_a_row(
    engine: Callable[..., EngineProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "CRASHES_WITHIN_S", 300.0)  # this machine may be slow
    playing = engine()
    for crash in range(5):
        until(lambda: playing.status().state == "playing")
        assert playing.status().restarts == crash
        pid = playing.process_id
        assert pid is not None
        os.kill(pid, signal.SIGSEGV)
        until(lambda was=pid: not is_running(was))  # type: ignore[misc]
        until(lambda: playing.status().state != "playing")
    until(lambda: playing.status().state == "failed")
    assert "5 times within" in playing.status().note
    assert "SIGSEGV" in playing.status().note
    assert playing.process_id is None
    with pytest.raises(AdvsepError, match="has ended"):
        playing.swap_model("live-12").result(1)


BROKEN = """
from advsep.realtime import engine_main

def run_child(*arguments):
    from advsep.realtime.live_path import LivePath
    process = LivePath.process
    def broken(self, samples, mix):
        self.hops = getattr(self, "hops", 0) + 1
        if self.hops == 100:
            raise ArithmeticError("the hundredth hop")
        process(self, samples, mix)
    LivePath.process = broken
    engine_main.run_child(*arguments)
"""


def test_an_error_in_the_worker_ends_in_words_and_a_restart(
    engine: Callable[..., EngineProcess],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "broken_engine.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    import broken_engine  # type: ignore[import-not-found]

    monkeypatch.setattr(engine_child, "run_child", broken_engine.run_child)
    playing = engine()
    until(lambda: playing.status().restarts == 1)
    assert "ArithmeticError: the hundredth hop" in playing.status().note
    monkeypatch.undo()
    until(lambda: playing.status().state == "playing" and playing.status().restarts > 0)
    playing.stop()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"output": "no such thing"}, "no such thing"),
        ({"model": "live-99"}, "live-99"),
        ({"model": "missing.onnx"}, "no such model file"),
        ({"input": "missing.wav"}, "missing.wav"),
    ],
)
def test_a_first_start_that_fails_is_an_error_in_the_engines_words(settings: dict[str, object], words: str) -> None:
    engine = EngineProcess(EngineSettings(**{"input": "null", "output": "null", **settings}))  # type: ignore[arg-type]
    with pytest.raises(AdvsepError, match=words) as raised:
        engine.start()
    assert "Traceback" not in str(raised.value)
    assert engine.process_id is None
    assert blocks_of(os.getpid()) == []


@on_linux
def test_an_engine_that_hangs_is_ended_and_started_again(
    engine: Callable[..., EngineProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    playing = engine()
    monkeypatch.setattr(process, "HUNG_S", 1.0)
    pid = playing.process_id
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    until(lambda: playing.status().restarts >= 1, 10)
    assert "did not answer" in playing.status().note
    monkeypatch.undo()
    until(lambda: playing.status().state == "playing" and playing.process_id not in (pid, None))


@on_linux
def test_stop_ends_an_engine_that_does_not_listen(engine: Callable[..., EngineProcess]) -> None:
    playing = engine()
    pid = playing.process_id
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    began_s = time.perf_counter()
    playing.stop()
    assert time.perf_counter() - began_s < 2
    assert not is_running(pid)


PROGRAM = """
import sys, time
from advsep.realtime.process import EngineProcess
from advsep.realtime.engine_settings import EngineSettings
print("main", flush=True)
engine = EngineProcess(EngineSettings(input="null", output="null"))
engine.start()
print(engine.process_id, engine.telemetry.name, flush=True)
"""


def run_program(tmp_path: Path, ending: str) -> tuple[subprocess.Popen[str], int, Path]:
    """A program with an engine, as a script without a guard; returns it, the engine's id, and its block."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM + ending)
    program = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "main\n"
    pid, name = program.stdout.readline().split()
    return program, int(pid), SHM / name


@on_linux
def test_a_killed_program_takes_its_engine_and_its_memory_with_it(tmp_path: Path) -> None:
    program, pid, block = run_program(tmp_path, "time.sleep(60)")
    assert block.exists()
    assert is_running(pid)
    program.kill()
    assert until(lambda: not is_running(pid)) < 2
    assert not block.exists()
    out, errors = program.communicate(timeout=10)
    assert (out, errors) == ("", "")


@on_linux
def test_a_program_that_just_ends_leaves_nothing_and_says_nothing(tmp_path: Path) -> None:
    program, pid, block = run_program(tmp_path, "")
    out, errors = program.communicate(timeout=20)
    assert (program.returncode, out, errors) == (0, "", "")
    assert not is_running(pid)
    assert not block.exists()


@on_linux
def test_the_terminals_signals_are_the_programs_to_decide_on(tmp_path: Path) -> None:
    """Ctrl-C goes to both: the engine plays on until the program has stopped it."""
    program, pid, block = run_program(
        tmp_path,
        """
try:
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.5)
    print(engine.status().state, engine.status().restarts)
    engine.stop()
    print(engine.status().state)
""",
    )
    time.sleep(0.5)  # until it is inside `try`
    os.killpg(program.pid, signal.SIGINT)
    out, errors = program.communicate(timeout=20)
    assert (program.returncode, out.split(), errors) == (0, ["playing", "0", "ended"], "")
    assert not is_running(pid)
    assert not block.exists()


@on_linux
def test_a_signal_to_end_all_of_a_service_is_the_programs_to_decide_on(engine: Callable[..., EngineProcess]) -> None:
    playing = engine()
    pid = playing.process_id
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    hops = playing.status().hops
    until(lambda: playing.status().hops > hops + 50)
    assert playing.process_id == pid


def test_another_model_is_taken_up_while_the_first_plays(
    engine: Callable[..., EngineProcess],
    noise: Path,
    make_model: Callable[..., Path],
    with_signal: Callable[..., SignalSpec],
) -> None:
    playing = engine(input=str(noise))
    playing.set_gain_db("accompaniment", -40.0)
    reader = RingReader(playing.telemetry, "columns")
    until(lambda: (frames := reader.latest(1)) is not None and frames.layout.model == "live-12")
    position_s = playing.status().position_s
    path = make_model(with_signal(hop_samples=64, synthesis_samples=128))
    playing.swap_model(str(path)).result(30)
    until(lambda: playing.status().model == "tiny")
    after = playing.status()
    assert after.latency_samples == 64
    assert after.gains_db["accompaniment"] == -40.0
    assert position_s < after.position_s < position_s + 10
    assert after.restarts == 0
    until(lambda: (frames := reader.latest(5)) is not None and frames.layout.hop_samples == 64)
    # Its masks are 1: everything is voice.
    assert output_dbfs(playing) == pytest.approx(-20, abs=1)
    assert playing.status().levels["accompaniment"].rms_dbfs < -100
    with pytest.raises(AdvsepError, match="live-99"):
        playing.swap_model("live-99").result(30)
    assert playing.status().model == "tiny"
    assert playing.settings.model == str(path)


def test_other_devices_are_taken_up_or_the_old_ones_play_on(engine: Callable[..., EngineProcess], noise: Path) -> None:
    playing = engine()
    until(lambda: playing.status().hops > 20)
    hops = playing.status().hops
    playing.change_devices(str(noise), "null").result(30)
    assert playing.settings.input == str(noise)
    until(lambda: "noise.wav" in playing.status().device and playing.status().position_s > 0.5)
    assert playing.status().hops > hops
    assert output_dbfs(playing) == pytest.approx(-20, abs=1)
    position_s = playing.status().position_s
    with pytest.raises(AdvsepError, match="no such thing"):
        playing.change_devices(str(noise), "no such thing").result(30)
    assert playing.settings.output == "null"
    until(lambda: playing.status().position_s > position_s + 0.5)
    assert playing.status().position_s < position_s + 20
    playing.change_devices(str(noise), "null", rate_hz=48000).result(30)
    until(lambda: playing.status().rate_hz == 48000 and playing.status().position_s > position_s + 0.5)


PIPED = """
import sys, time
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.errors import AdvsepError
from advsep.realtime.process import EngineProcess
try:
    with EngineProcess(EngineSettings(input="-", output="null")) as engine:
        while engine.status().state == "playing":
            time.sleep(0.01)
        status = engine.status()
    print(status.state, round(status.position_s * 44100), status.device)
except AdvsepError as error:
    print(error)
"""


def test_standard_input_is_played_by_the_engines_process(noise: Path, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, soundfile.read(noise, frames=44100)[0], 44100)
    with song.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", PIPED], stdin=file, capture_output=True, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split(maxsplit=2)[:2] == ["ended", "44100"]
    assert "standard input" in done.stdout


def test_standard_input_that_is_no_sound_is_an_error_in_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PIPED], input="no sound", capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("standard input: expected a WAV stream")


READER = """
import json, sys, time
from advsep.realtime.telemetry import Telemetry
telemetry = Telemetry.attach(sys.argv[1])
seen = set()
until_s = time.perf_counter() + 1.0
while time.perf_counter() < until_s:
    seen.add(telemetry.status().hops)
    time.sleep(0.005)
print(json.dumps([len(seen), telemetry.status().state, telemetry.silent_s]))
"""


def test_any_process_can_watch_by_name(engine: Callable[..., EngineProcess]) -> None:
    playing = engine()
    until(lambda: playing.status().hops > 10)
    done = subprocess.run(
        [sys.executable, "-c", READER, playing.telemetry.name], capture_output=True, text=True, check=True
    )
    seen, state, silent_s = json.loads(done.stdout)
    assert seen > 8
    assert state == "playing"
    assert silent_s < 1
    assert done.stderr == ""
    assert isinstance(playing.status(), EngineStatus)
    Telemetry.attach(playing.telemetry.name).close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mic", False),
        ("null", False),
        ("3", False),
        ("HDA Intel PCH: ALC887-VD Analog (hw:0,0)", False),
        ("demo", True),
        ("-", True),
        ("song.mp3", True),
        ("music/song", True),
    ],
)
def test_inputs_are_told_apart(text: str, expected: bool) -> None:
    assert is_sound_source(text) is expected
