"""Keys of the karaoke window beside those of `SHORTCUTS`; single letters stay with whatever is typed in."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QAbstractSpinBox, QApplication, QComboBox, QLineEdit

from ..shortcuts import Shortcut

SING, WORDS = "&Sing", "&Words"

KARAOKE_SHORTCUTS = (
    Shortcut(name="next_song", menu=SING, text="Next song", keys=("N",), help="Go on with the queue"),
    Shortcut(
        name="take", menu=SING, text="Record take", keys=("R",), can_be_on=True, help="Keep what is sung, or stop"
    ),
    Shortcut(
        name="monitor", menu=SING, text="Hear yourself", keys=("M",), can_be_on=True, help="Your voice on the output"
    ),
    Shortcut(
        name="guide_off",
        menu=SING,
        text="Guide voice off or back",
        keys=("G",),
        help="The song's voice silent, or as loud as it was before",
    ),
    Shortcut(
        name="guide_more", menu=SING, text="More guide voice", keys=("Ctrl+Shift+Up",), help="The song's voice by 10 %"
    ),
    Shortcut(
        name="guide_less",
        menu=SING,
        text="Less guide voice",
        keys=("Ctrl+Shift+Down",),
        help="The song's voice by 10 %",
    ),
    Shortcut(
        name="band_more", menu=SING, text="Band louder", keys=("Ctrl+Shift+PgUp",), help="The accompaniment by 1 dB"
    ),
    Shortcut(
        name="band_less", menu=SING, text="Band softer", keys=("Ctrl+Shift+PgDown",), help="The accompaniment by 1 dB"
    ),
    Shortcut(name="mic_more", menu=SING, text="Microphone louder", keys=("Ctrl+PgUp",), help="Your voice by 1 dB"),
    Shortcut(name="mic_less", menu=SING, text="Microphone softer", keys=("Ctrl+PgDown",), help="Your voice by 1 dB"),
    Shortcut(name="echo_more", menu=SING, text="More echo", keys=("Ctrl+E",), help="Room around your voice by 5 %"),
    Shortcut(
        name="echo_less", menu=SING, text="Less echo", keys=("Ctrl+Shift+E",), help="Room around your voice by 5 %"
    ),
    Shortcut(name="key_up", menu=SING, text="Key up", keys=("Ctrl+Up",), help="The song a semitone higher"),
    Shortcut(name="key_down", menu=SING, text="Key down", keys=("Ctrl+Down",), help="The song a semitone lower"),
    Shortcut(name="faster", menu=SING, text="Faster", keys=("Ctrl+Shift+Right",), help="The tempo by 5 %"),
    Shortcut(name="slower", menu=SING, text="Slower", keys=("Ctrl+Shift+Left",), help="The tempo by 5 %"),
    Shortcut(
        name="as_recorded",
        menu=SING,
        text="Key and tempo as recorded",
        keys=("Ctrl+Shift+Home",),
        help="The song's own key and 100 %",
    ),
    Shortcut(
        name="count_in", menu=SING, text="Count in", keys=("C",), can_be_on=True, help="Four beats before it goes on"
    ),
    Shortcut(name="loop_a", menu=SING, text="Loop from here", keys=("A",), help="The loop begins at the position"),
    Shortcut(name="loop_b", menu=SING, text="Loop to here", keys=("B",), help="The loop ends at the position"),
    Shortcut(name="loop_clear", menu=SING, text="No loop", keys=("X",), help="Let the song go on behind the loop"),
    Shortcut(
        name="calibrate", menu=SING, text="Measure delay…", keys=("Ctrl+D",), help="From the output to the microphone"
    ),
    Shortcut(name="words_earlier", menu=WORDS, text="Words earlier", keys=("[",), help="By 0.05 s"),
    Shortcut(name="words_later", menu=WORDS, text="Words later", keys=("]",), help="By 0.05 s"),
    Shortcut(name="words_much_earlier", menu=WORDS, text="Words much earlier", keys=("Shift+[", "{"), help="By 0.5 s"),
    Shortcut(name="words_much_later", menu=WORDS, text="Words much later", keys=("Shift+]", "}"), help="By 0.5 s"),
    Shortcut(name="words_larger", menu=WORDS, text="Larger words", keys=("Ctrl++", "Ctrl+="), help="The type by 10 %"),
    Shortcut(name="words_smaller", menu=WORDS, text="Smaller words", keys=("Ctrl+-",), help="The type by 10 %"),
    Shortcut(
        name="pitch", menu=WORDS, text="Pitch", keys=("P",), can_be_on=True, help="Show notes and singing, or hide them"
    ),
    Shortcut(
        name="tv", menu=WORDS, text="TV window", keys=("T",), can_be_on=True, help="Words on a second screen, or not"
    ),
    Shortcut(name="tv_full", menu=WORDS, text="TV full screen", keys=("F11",), help="The TV window, full or not"),
)


class LettersOfFields(QObject):
    """Lets letters be typed where they mean something: in fields, and in lists, which look for what begins so.

    Args:
        parent: owner, as long as which it counts for the whole application.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """As Qt has it."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            is_letter = is_plain and event.text().strip() != "" and event.text().isprintable()
            fields = QLineEdit | QAbstractSpinBox | QComboBox | QAbstractItemView
            if is_letter and isinstance(watched, fields):
                event.accept()
                return True
        return False
