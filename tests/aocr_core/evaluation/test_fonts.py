from aocr_core.evaluation import fonts


def test_latin_always_has_a_font():
    assert fonts.for_text("Az 09", 14) is not None


def test_what_no_font_can_draw():
    assert fonts.for_text("A\U0010fffe", 14) is None
