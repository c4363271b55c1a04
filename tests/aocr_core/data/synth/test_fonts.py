import json
import shutil
from pathlib import Path
from random import Random

import pytest

from aocr_core.charset import PRESETS
from aocr_core.data.synth import fonts
from aocr_core.errors import AocrError, UsageError

ALPHABET = PRESETS["ascii"] + "éαβγωабвя日"


@pytest.fixture(scope="module")
def installed():
    return fonts.find_fonts(ALPHABET)


def package(face: fonts.Face) -> Path:
    return Path(face.path).parents[1]


def test_there_are_families_of_many_kinds_in_several_weights(installed):
    assert len(installed.families) >= 24
    assert sum(len(faces) > 1 for faces in installed.families.values()) >= 12
    for faces in installed.families.values():
        assert len({(face.path, face.weight) for face in faces}) == len(faces)


def test_the_order_is_the_same_every_time(installed):
    again = fonts.find_fonts(ALPHABET)
    assert list(again.families.items()) == list(installed.families.items())


@pytest.mark.parametrize(("subset", "sample"), [("greek", "αβγω"), ("cyrillic", "абвя")])
def test_a_font_is_known_to_have_what_its_maker_says(installed, subset, sample):
    for faces in installed.families.values():
        declared = json.loads((package(faces[0]) / "metadata.json").read_text())["subsets"]
        for face in faces:
            assert (set(sample) <= face.symbols) == (subset in declared), face
            assert subset in declared or not set(sample) & face.symbols, face


def test_missing_glyphs_are_seen(installed):
    assert "^" not in installed.families["Orbitron"][0].symbols
    assert all("日" not in face.symbols for faces in installed.families.values() for face in faces)


def test_a_font_without_small_letters_is_not_asked_for_them(installed):
    capitals_only = {family for family, faces in installed.families.items() if not {*"abcdefghijk"} & faces[0].symbols}
    assert {"BebasNeue", "PermanentMarker"} <= capitals_only
    assert not capitals_only & {"Arimo", "AlfaSlabOne", "Oswald", "PressStart2P", "DancingScript"}
    assert {*"ABC123"} <= installed.families["BebasNeue"][0].symbols


def test_the_chosen_font_has_every_character(installed):
    rng = Random(1)
    for text in ["Word", "UPPER", "12^3", "αβγ", "абв", "café"]:
        chosen = [installed.choose(text, rng) for _ in range(60)]
        assert all(set(text) <= face.symbols for face in chosen)
        assert len({face.family for face in chosen}) > 3


def test_a_text_that_no_font_can_write_is_refused(installed):
    with pytest.raises(UsageError, match=r"'a日'.*none with '日'.*--fonts"):
        installed.choose("a日", Random(1))


def test_own_fonts_take_the_place_of_the_installed(installed, tmp_path):
    for family in ("Arvo", "Caveat"):
        for face in installed.families[family]:
            shutil.copy(face.path, tmp_path)
    (tmp_path / "readme.txt").write_text("no font")
    own = fonts.find_fonts("abc", tmp_path)
    assert list(own.families) == ["Arvo", "Caveat"]


def test_hairlines_are_left_out(installed):
    assert not [face for face in installed.families["IBMPlexMono"] if "Thin" in face.path]
    assert min(face.weight for face in installed.families["Montserrat"]) == 300


def test_a_folder_without_fonts_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no font file"):
        fonts.find_fonts("abc", tmp_path)


def test_a_broken_font_is_named(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(AocrError, match=r"broken\.ttf is not a font"):
        fonts.find_fonts("abc", tmp_path)


def test_without_font_packages_the_user_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(fonts, "entry_points", lambda group: ())
    with pytest.raises(UsageError, match=r"pip install 'aocr-pipeline\[fonts\]'"):
        fonts.find_fonts("abc")
