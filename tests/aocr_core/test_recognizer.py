import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from aocr_core.config import ReadOptions
from aocr_core.errors import AocrError, UsageError
from aocr_core.export import export
from aocr_core.reading import Reading
from aocr_core.recognizer import Recognizer
from tests.aocr_core import small

WORDS = ("a", "dabbe", "bed")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return small.write_model(tmp_path_factory.mktemp("model"), small.config())


@pytest.fixture(scope="module")
def recognizer(model: str) -> Recognizer:
    return Recognizer.load(model)


@pytest.fixture(scope="module")
def detailed(recognizer: Recognizer) -> list[Reading]:
    return recognizer.read([small.picture(word) for word in WORDS], attention=True)


def test_all_forms_of_an_image_read_alike(recognizer: Recognizer, tmp_path):
    data = small.picture("cab")
    (tmp_path / "cab.png").write_bytes(data)
    image = Image.open(io.BytesIO(data))
    forms = [data, tmp_path / "cab.png", str(tmp_path / "cab.png"), image, np.asarray(image)]
    readings = recognizer.read(forms)
    assert len({reading.text for reading in readings}) == 1
    assert [r.probability for r in readings] == pytest.approx([readings[0].probability] * len(forms), rel=1e-4)


def test_brief_and_detailed_readings_agree(recognizer: Recognizer, detailed: list[Reading]):
    brief = recognizer.read([small.picture(word) for word in WORDS])
    assert [reading.text for reading in brief] == [reading.text for reading in detailed]
    np.testing.assert_allclose([r.probability for r in brief], [r.probability for r in detailed], rtol=1e-5)


READINGS = [
    ReadOptions(decoder="attention"),
    ReadOptions(decoder="ctc"),
    ReadOptions(beam_width=4),
    ReadOptions(decoder="attention", beam_width=4),
]


@pytest.mark.parametrize("options", READINGS, ids=str)
def test_every_way_to_read_gives_symbols_that_make_the_text_and_its_probability(model: str, options: ReadOptions):
    recognizer = Recognizer.load(model, options)
    images = [small.picture(word) for word in WORDS]
    for brief, detailed in zip(recognizer.read(images), recognizer.read(images, attention=True), strict=True):
        assert brief.text == detailed.text == "".join(detailed.symbols)
        assert np.prod(detailed.symbol_probabilities) == pytest.approx(brief.probability, rel=1e-4)


def test_text_from_right_to_left_is_read_in_its_mirror_image_and_shown_where_it_is(detailed: list[Reading], tmp_path):
    config = small.config()
    mirrored = config.model_copy(update={"image": config.image.model_copy(update={"mirrored": True})})
    recognizer = Recognizer.load(small.write_model(tmp_path, mirrored))
    images = [ImageOps.mirror(Image.open(io.BytesIO(small.picture(word)))) for word in WORDS]
    for plain, turned in zip(detailed, recognizer.read(images, attention=True), strict=True):
        assert turned.text == plain.text
        np.testing.assert_allclose(turned.attention, plain.attention[:, ::-1], atol=1e-5)


def test_the_ways_to_read_differ(model: str):
    images = [small.picture(word) for word in WORDS]
    ways = [Recognizer.load(model, options).read(images) for options in READINGS[:2]]
    assert [reading.text for reading in ways[0]] != [reading.text for reading in ways[1]]


@pytest.mark.slow
def test_an_export_reads_as_it_was_exported(model: str, tmp_path):
    options = ReadOptions(decoder="attention")
    exported = export(model, str(tmp_path), reading=options)
    images = [small.picture(word) for word in WORDS]
    texts = [[r.text for r in Recognizer.load(*way).read(images)] for way in ((exported,), (model, options), (model,))]
    assert texts[0] == texts[1] != texts[2]
    with pytest.raises(UsageError, match="reads as it was exported"):
        Recognizer.load(exported, ReadOptions(beam_width=2))


def test_a_ctc_head_that_has_learnt_nothing_is_not_asked(tmp_path):
    config = small.config()
    config = config.model_copy(update={"training": config.training.model_copy(update={"ctc_weight": 0.0})})
    with pytest.raises(UsageError, match="only the decoder `attention`"):
        Recognizer.load(small.write_model(tmp_path, config), ReadOptions(decoder="ctc"))


def test_symbols_make_the_text_and_their_probabilities_its_probability(detailed: list[Reading]):
    for reading in detailed:
        assert "".join(reading.symbols) == reading.text
        assert len(reading.symbol_probabilities) - len(reading.symbols) in (0, 1)
        assert np.prod(reading.symbol_probabilities) == pytest.approx(reading.probability, rel=1e-4)


def test_attention_lies_within_the_image(recognizer: Recognizer, detailed: list[Reading]):
    steps = []
    for reading in detailed:
        assert reading.attention is not None and len(reading.attention) == len(reading.symbols)
        np.testing.assert_allclose(reading.attention.sum(axis=1), 1.0, atol=1e-5)
        steps.append(reading.attention.shape[1])
    assert steps[0] < steps[2] < steps[1]  # as the words are wide


def test_the_number_of_images_read_at_a_time_does_not_matter(recognizer: Recognizer):
    images = [small.picture(word) for word in WORDS * 2]
    together, alone = recognizer.read(images), recognizer.read(images, batch_size=1)
    assert [reading.text for reading in together] == [reading.text for reading in alone]


@pytest.mark.parametrize("form", ["path", "bytes", "picture", "gray", "channel", "colour", "transparent"])
def test_a_single_image_gives_a_list_of_one(recognizer: Recognizer, tmp_path, form: str):
    data = small.picture(WORDS[0])
    (tmp_path / "word.png").write_bytes(data)
    picture = Image.open(io.BytesIO(data))
    forms = {
        "path": str(tmp_path / "word.png"),
        "bytes": data,
        "picture": picture,
        "gray": np.asarray(picture),
        "channel": np.asarray(picture)[..., None],
        "colour": np.asarray(picture.convert("RGB")),
        "transparent": np.asarray(picture.convert("RGBA")),
    }
    (reading,) = recognizer.read(forms[form])
    assert reading.text == recognizer.read([data])[0].text


def test_a_batch_as_one_array(recognizer: Recognizer):
    picture = np.asarray(Image.open(io.BytesIO(small.picture(WORDS[0]))))
    assert len(recognizer.read(np.stack([picture] * 2))) == 2


def test_no_images(recognizer: Recognizer):
    assert recognizer.read([]) == []


def test_an_unreadable_image_is_named(recognizer: Recognizer, tmp_path):
    path = tmp_path / "word.png"
    path.write_text("no image")
    with pytest.raises(AocrError, match=r"word\.png"):
        recognizer.read([path])


def test_the_place_of_an_opened_image_that_breaks_off_is_named(recognizer: Recognizer):
    data = small.picture(WORDS[0])
    with pytest.raises(AocrError, match="image 1: damaged image"):
        recognizer.read([data, Image.open(io.BytesIO(data[: len(data) // 2]))])


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_nothing_to_load(tmp_path, place: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(AocrError, match=place):
        Recognizer.load(tmp_path / place)


@pytest.mark.slow
def test_an_export_needs_no_model_directory(model: str, recognizer: Recognizer, tmp_path):
    export(model, str(tmp_path))
    loaded = Recognizer.load(tmp_path)
    assert (loaded.config, loaded.charset) == (recognizer.config, recognizer.charset)
    images = [small.picture(word) for word in WORDS]
    assert [r.text for r in loaded.read(images)] == [r.text for r in recognizer.read(images)]


@pytest.mark.slow
def test_a_damaged_export_is_one_line(model: str, tmp_path):
    export(model, str(tmp_path))
    (tmp_path / "1" / "assets" / "config.json").write_text("{}")
    with pytest.raises(AocrError, match="cannot load the export") as caught:
        Recognizer.load(tmp_path)
    assert "\n" not in str(caught.value)
