"""The lists show what is in force, and what is chosen from them is asked for."""

from __future__ import annotations

import pytest
from advsep.gui.pickers import INPUTS, OPEN_SONG, Picker, Pickers
from advsep.gui.window_devices import DeviceFinder, read_answer
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.errors import AdvsepError
from advsep.realtime.rack_file import find_preset
from advsep.realtime.registry import model_names
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot


@pytest.fixture
def pickers(qtbot: QtBot) -> Pickers:
    made = Pickers()
    qtbot.addWidget(made)
    made.show_settings(EngineSettings(input="/songs/a song.flac", output="null"))
    return made


def texts(picker: Picker) -> list[str]:
    return [picker.itemText(at) for at in range(picker.count())]


def test_what_is_in_force_is_shown(pickers: Pickers) -> None:
    assert pickers.input.currentText() == "a song.flac"
    assert texts(pickers.input) == ["a song.flac", *(choice.text for choice in INPUTS), OPEN_SONG.text]
    assert pickers.output.currentText() == "Nothing"
    assert pickers.model.currentText() == "live-12"
    assert set(model_names()) <= set(texts(pickers.model))


def test_what_is_chosen_by_keys_is_asked_for(pickers: Pickers, qtbot: QtBot) -> None:
    pickers.show()
    pickers.input.setFocus()
    with qtbot.waitSignal(pickers.input.chosen) as asked:
        qtbot.keyClick(pickers.input, Qt.Key.Key_Down)
    assert asked.args == ["mic"]


def test_the_last_line_asks_for_a_file_and_what_is_in_force_stays(pickers: Pickers, qtbot: QtBot) -> None:
    pickers.show()
    pickers.input.setFocus()
    with qtbot.waitSignal(pickers.input.asked_for_file), qtbot.assertNotEmitted(pickers.input.chosen):
        qtbot.keyClick(pickers.input, Qt.Key.Key_End)
    assert pickers.input.currentText() == "a song.flac"


def test_devices_come_behind_the_words_that_always_work(pickers: Pickers) -> None:
    pickers.show_devices(["ALSA: card"], ["ALSA: card", "JACK: system"])
    assert texts(pickers.input)[-2:] == ["ALSA: card", OPEN_SONG.text]
    assert texts(pickers.output)[-2:] == ["ALSA: card", "JACK: system"]
    assert (pickers.input.currentText(), pickers.output.currentText()) == ("a song.flac", "Nothing")


def test_a_preset_is_named_as_long_as_the_rack_is_what_it_says(pickers: Pickers) -> None:
    karaoke = find_preset("karaoke").rack
    pickers.show_rack(karaoke)
    assert pickers.preset.currentText() == "karaoke"
    pickers.show_rack(karaoke.with_levels(muted=frozenset()))
    assert pickers.preset.currentText() == "Own rack"


def test_devices_are_looked_for_by_another_process(qtbot: QtBot) -> None:
    finder = DeviceFinder()
    answers: list[object] = []
    finder.found.connect(lambda inputs, outputs: answers.append((inputs, outputs)))
    finder.failed.connect(answers.append)
    finder.look()
    finder.look()  # one at a time
    qtbot.waitUntil(lambda: bool(answers), timeout=60_000)
    (answer,) = answers
    if isinstance(answer, tuple):
        assert all(isinstance(label, str) and ": " in label for labels in answer for label in labels)
    else:
        assert "PortAudio" in str(answer)


def test_answers_that_make_no_sense_are_said() -> None:
    device = b'[{"label": "JACK: system", "input_channels": 2, "output_channels": 0}]'
    assert read_answer(device) == (["JACK: system"], [])
    with pytest.raises(AdvsepError, match="PortAudio ended"):
        read_answer(b"")
    with pytest.raises(AdvsepError, match="needs the library"):
        read_answer(b'"sound needs the library"')
