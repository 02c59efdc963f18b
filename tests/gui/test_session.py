"""The session against a real engine: what is asked for is played, what is refused is taken back, nothing is left."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import soundfile
from advsep.gui.session import Session
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.rack_spec import PluginSpec, RackSpec
from pytestqt.qtbot import QtBot
from waiting import is_running

LONG_MS = 60_000


class Notes(list[tuple[str, str]]):
    """What a session has noted since."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        session.noted.connect(lambda level, words: self.append((level, words)))

    def has(self, level: str, part: str) -> bool:
        return any(noted == level and part in words for noted, words in self)


def with_gain(rack: RackSpec, name: str, gain_db: float) -> RackSpec:
    return rack.with_strip(name, replace(rack.named(name), gain_db=gain_db))


def test_a_dragged_fader_is_one_step_and_is_heard(session: Session, qtbot: QtBot) -> None:
    session.undo_stack.clear()
    before = session.rack
    for gain_db in (-1.0, -5.0, -9.0):
        session.edit_rack(with_gain(session.rack, "vocals", gain_db), "voice gain", merge="gain vocals")
    session.edit_rack(with_gain(session.rack, "accompaniment", -3.0), "band gain", merge="gain accompaniment")
    assert session.undo_stack.count() == 2
    qtbot.waitUntil(lambda: session.status.gains_db == {"vocals": -9.0, "accompaniment": -3.0})
    session.undo_stack.undo()
    assert session.undo_stack.undoText() == "voice gain"
    session.undo_stack.undo()
    assert session.rack == before
    qtbot.waitUntil(lambda: session.status.gains_db == {"vocals": 0.0, "accompaniment": 0.0})


def test_what_does_not_change_is_no_step(session: Session) -> None:
    session.undo_stack.clear()
    session.edit_rack(session.rack, "nothing")
    assert session.undo_stack.count() == 0


def test_plugins_and_levels_in_a_row_all_arrive(session: Session, qtbot: QtBot) -> None:
    session.undo_stack.clear()
    notes = Notes(session)
    strip = session.rack.named("vocals")
    quieter = PluginSpec("gain", {"db": -20.0})
    session.edit_rack(session.rack.with_strip("vocals", replace(strip, chain=(quieter,))), "add gain")
    session.edit_rack(with_gain(session.rack, "vocals", -2.0), "voice gain")  # while the plugin is on its way
    for gain_db in (-21.0, -22.0, -23.0):
        louder = PluginSpec("gain", {"db": gain_db})
        strip = replace(session.rack.named("vocals"), chain=(louder,))
        session.edit_rack(session.rack.with_strip("vocals", strip), "gain", merge="a parameter")
    engine = session._engine
    assert engine is not None
    qtbot.waitUntil(lambda: engine.settings.rack.named("vocals") == session.rack.named("vocals"))
    assert notes == []
    assert session.rack.named("vocals").chain == (PluginSpec("gain", {"db": -23.0}),)
    qtbot.waitUntil(lambda: session.status.gains_db["vocals"] == -2.0)
    while session.undo_stack.canUndo():
        session.undo_stack.undo()
    qtbot.waitUntil(lambda: engine.settings.rack.named("vocals").chain == ())


def test_a_rack_that_is_refused_is_taken_back_and_said(session: Session, qtbot: QtBot) -> None:
    session.undo_stack.clear()
    notes = Notes(session)
    session.edit_rack(with_gain(session.rack, "vocals", -4.0), "voice gain")
    kept = session.rack
    bad = replace(kept.named("vocals"), chain=(PluginSpec("no-such-plugin"),))
    session.edit_rack(kept.with_strip("vocals", bad), "add a plugin")
    qtbot.waitUntil(lambda: notes.has("error", "no-such-plugin"))
    assert session.rack == kept
    assert (session.undo_stack.count(), session.undo_stack.undoText()) == (1, "voice gain")
    session.undo_stack.undo()
    qtbot.waitUntil(lambda: session.status.gains_db["vocals"] == 0.0)


def test_a_device_that_is_not_there_is_said_and_the_old_one_plays_on(session: Session, qtbot: QtBot) -> None:
    notes, process_id = Notes(session), session.process_id
    session.open_output("no such loudspeaker")
    assert session.settings.output == "no such loudspeaker"
    qtbot.waitUntil(lambda: notes.has("error", "no such loudspeaker"), timeout=LONG_MS)
    assert session.settings.output == "null"
    hops = session.status.hops
    qtbot.waitUntil(lambda: session.status.state == "playing" and session.status.hops > hops, timeout=LONG_MS)
    assert session.process_id == process_id


def test_another_model_plays_in_the_same_process(
    session: Session, qtbot: QtBot, bundled_model: Path, tmp_path: Path
) -> None:
    notes, process_id = Notes(session), session.process_id
    copy = shutil.copy(bundled_model, tmp_path / "mine.onnx")
    session.open_model(str(copy))
    qtbot.waitUntil(lambda: notes.has("info", "mine.onnx"), timeout=LONG_MS)
    session.open_model(str(tmp_path / "other.onnx"))
    qtbot.waitUntil(lambda: notes.has("error", "other.onnx"), timeout=LONG_MS)
    assert session.settings.model == str(copy)
    assert session.process_id == process_id


def test_pause_stands_still_and_seek_goes_elsewhere(session: Session, qtbot: QtBot) -> None:
    session.set_paused(True)
    qtbot.waitUntil(lambda: session.status.paused)
    session.seek(20.0)
    qtbot.waitUntil(lambda: abs(session.status.position_s - 20.0) < 0.1)
    session.set_paused(False)
    qtbot.waitUntil(lambda: not session.status.paused and session.status.position_s > 20.2)


def test_a_place_that_no_song_has_is_said(session: Session, qtbot: QtBot) -> None:
    notes = Notes(session)
    session.seek(float("nan"))
    qtbot.waitUntil(lambda: notes.has("error", "nan"))


def test_a_recording_has_every_stem_of_one_length(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    notes, seen = Notes(session), []
    session.recording_changed.connect(seen.append)
    session.start_recording(tmp_path / "take")
    qtbot.waitUntil(lambda: session.recording is not None and session.recording.seconds > 0.4, timeout=LONG_MS)
    session.stop_recording()
    session.recording_changed.disconnect(seen.append)
    lengths = {name: soundfile.info(tmp_path / "take" / f"{name}.wav").frames for name in ("vocals", "accompaniment")}
    assert lengths["vocals"] == lengths["accompaniment"] > 0.4 * 44100
    assert seen[-1] is None
    assert session.recording is None
    assert notes.has("info", "vocals.wav, accompaniment.wav")


def test_a_recording_that_cannot_be_made_is_said(session: Session, tmp_path: Path) -> None:
    notes = Notes(session)
    (tmp_path / "file").write_text("")
    session.start_recording(tmp_path / "file" / "take")
    assert session.recording is None
    assert notes.has("error", str(tmp_path / "file"))


def test_everything_may_be_asked_where_there_is_no_engine(quiet: Session) -> None:
    notes = Notes(quiet)
    quiet.seek(3.0)
    quiet.set_paused(True)
    quiet.set_bypassed(True)
    quiet.start_recording(None)
    quiet.edit_rack(with_gain(quiet.rack, "vocals", -4.0), "voice gain")
    assert (quiet.layout, quiet.telemetry, quiet.recording, quiet.process_id) == (None, None, None, None)
    assert quiet.settings.rack.named("vocals").gain_db == -4.0
    assert quiet.settings.bypassed
    assert notes == [("warning", "nothing plays that could be recorded: choose an input first")]
    assert quiet.status.state == "ended"


def test_an_engine_that_cannot_start_is_said_and_another_input_starts_one(qtbot: QtBot, tmp_path: Path) -> None:
    made = Session(EngineSettings(input=str(tmp_path / "none.wav"), output="null"))
    notes = Notes(made)
    made.start()
    assert made.status.state == "starting"
    qtbot.waitUntil(lambda: made.status.state == "failed", timeout=LONG_MS)
    assert notes.has("error", "none.wav")
    assert made.telemetry is None
    made.open_input("demo")
    qtbot.waitUntil(lambda: made.process_id is not None)
    process_id = made.process_id
    assert process_id is not None
    made.close()  # while it loads
    qtbot.waitUntil(lambda: not is_running(process_id), timeout=5000)
    assert (made.telemetry, made.status.state) == (None, "ended")
    made.close()  # more than once is fine
