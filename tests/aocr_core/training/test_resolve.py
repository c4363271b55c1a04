import pytest

from aocr_core.charset import Charset
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data.info import DatasetInfo, Tally
from aocr_core.data.records import Record
from aocr_core.errors import AocrError, FinalError, UsageError
from aocr_core.model_dir import ModelConfig
from aocr_core.training.resolve import resolve, validation_share, with_pretraining

WORDS = ("cab", "bead", "a")


def described(*labels: str, width: int = 80, height: int = 20) -> DatasetInfo:
    tally = Tally()
    for label in labels or WORDS:
        tally.add(Record(b"image", label, width=width, height=height))
    return tally.info(0)


def config(
    info: DatasetInfo | None = None,
    model: ModelOptions | None = None,
    data: DataOptions | None = None,
    train: TrainOptions | None = None,
    existing: ModelConfig | None = None,
    source: ModelConfig | None = None,
) -> ModelConfig:
    return resolve(
        info or described(), model or ModelOptions(), data or DataOptions(), train or TrainOptions(), existing, source
    )


@pytest.mark.parametrize("preset", ["fast", "aocr"])
def test_nothing_is_left_open(preset: str):
    resolved = config(model=ModelOptions(preset=preset))
    assert None not in resolved.options.model_dump().values()
    training = resolved.training
    assert None not in (training.num_epoch, training.optimizer, training.initial_learning_rate)
    assert resolved.charset.symbols == tuple("abcde")
    assert resolved.options.max_prediction >= 4
    assert set(resolved.versions) == {"aocr", "tensorflow", "keras"}


def test_a_training_that_began_with_words_is_shorter_also_when_it_goes_on():
    plain = config()
    begun = with_pretraining(plain, TrainOptions(), described().rows, 30.0)
    assert begun.training.num_epoch < plain.training.num_epoch and begun.pretraining_seconds == 30
    again = config(existing=begun)
    assert (again.training.num_epoch, again.pretraining_seconds) == (begun.training.num_epoch, 30)
    other = config(described("cab", "bead", "ea"), existing=begun)
    assert other.training.num_epoch > begun.training.num_epoch and other.pretraining_seconds == 0
    asked = TrainOptions(num_epoch=7)
    assert with_pretraining(config(train=asked), asked, 3, 30.0).training.num_epoch == 7
    assert with_pretraining(begun, TrainOptions(), described().rows, 0.0) == plain


def test_images_of_the_data_fit_and_a_little_wider_ones_too():
    resolved = config(described(width=80, height=20))
    assert resolved.image.width >= 80 / 20 * resolved.image.height * 1.05


def test_a_training_that_goes_on_keeps_the_height():
    first = config(described("abc" * 20, width=900, height=60))
    assert first.image.height == 48 and first.network.height == 48
    for info in (described("cab"), described("abc" * 25, width=900, height=60)):
        assert config(info, existing=first).image.height == 48
        assert config(info, source=first).image.height == 48
    older = first.model_copy(update={"options": first.options.model_copy(update={"input_height": None})})
    assert config(described("cab"), existing=older).image.height == 48
    with pytest.raises(AocrError, match="height"):
        config(described("cab"), existing=first, model=ModelOptions(input_height=32))


def test_a_training_that_goes_on_keeps_the_layers_that_the_preset_had_then():
    first = config()
    older = first.model_copy(update={"network": first.network.model_copy(update={"encoder_units": 100})})
    for begun in ({"existing": older}, {"source": older}):
        assert config(**begun).network == older.network
    assert config(source=older, model=ModelOptions(attn_num_hidden=192)).network.encoder_units == 100
    silent = older.model_copy(update={"network": older.network.model_copy(update={"joint_decoding": False})})
    assert not config(existing=silent).network.joint_decoding
    assert config(source=silent).network.joint_decoding  # its CTC head is to learn now


def test_the_height_is_that_of_the_symbols_also_if_a_file_makes_them_tokens(tmp_path):
    (tmp_path / "tokens.txt").write_text("\\frac\n{\n}\nx\n2\n+\n", encoding="utf-8")
    info = described(*LATEX, width=200, height=64)
    assert config(info).image.height > 32
    assert config(info, data=DataOptions(charset=str(tmp_path / "tokens.txt"))).image.height < config(info).image.height


def test_the_height_asked_for_is_taken():
    resolved = config(described("abc" * 20, width=900, height=60), model=ModelOptions(input_height=40))
    assert resolved.image.height == resolved.network.height == 40


def test_the_originals_network_is_not_made_taller():
    assert config(described("abc" * 20, width=900, height=60), model=ModelOptions(preset="aocr")).image.height == 32


@pytest.mark.parametrize(("rows", "share"), [(10, 0.1), (5000, 0.1), (50_000, 0.01)])
def test_of_a_large_data_set_a_smaller_share_is_held_out(rows: int, share: float):
    assert validation_share(rows, TrainOptions()) == pytest.approx(share)
    assert validation_share(rows, TrainOptions(validation_share=0.25)) == 0.25


def test_no_images():
    with pytest.raises(AocrError, match=r"^the data set is empty$"):
        config(DatasetInfo(rows=0))


def test_a_label_longer_than_the_model_can_write():
    with pytest.raises(AocrError, match="longest label has 4 symbols, more than --max-prediction 3: raise it"):
        config(model=ModelOptions(max_prediction=3))
    assert config(model=ModelOptions(max_prediction=4)).steps == 5


def test_a_charset_that_lacks_symbols():
    with pytest.raises(AocrError, match=r"5 symbols of the labels are not in the charset digits: 'a' 'b'"):
        config(data=DataOptions(charset="digits"))
    with pytest.raises(UsageError, match="unknown charset 'runes'"):
        config(data=DataOptions(charset="runes"))


def test_folding_to_upper_case():
    resolved = config(data=DataOptions(charset="alphanumeric-upper", force_uppercase=True))
    assert len(resolved.charset) == 36
    assert config(data=DataOptions(force_uppercase=True)).charset.symbols == tuple("ABCDE")


LATEX = ("\\frac { x } { 2 }", "x + 2")


def test_tokens():
    resolved = config(described(*LATEX), data=DataOptions(label_kind="tokens"))
    assert resolved.charset == Charset.from_labels(LATEX, "tokens")
    assert resolved.options.max_prediction >= 7


@pytest.mark.parametrize("symbols", ["\\frac\n{\n}\nx\n2\n+", "x\n2\n+"])
def test_tokens_by_a_charset_file(tmp_path, symbols: str):
    """The file is of tokens because one is longer than a character, or because the option says so."""
    path = tmp_path / "symbols.txt"
    path.write_text(symbols)
    labels = LATEX if "frac" in symbols else ("x + 2", "2 2")
    kind = "characters" if "frac" in symbols else "tokens"
    resolved = config(described(*labels), data=DataOptions(charset=str(path), label_kind=kind))
    assert resolved.charset.kind == "tokens"
    assert not any(resolved.charset.unknown(label) for label in labels)


def test_going_on_repeats_no_option(tmp_path):
    path = tmp_path / "symbols.txt"
    path.write_text("A\nB\nC\nD\nE\nF")
    first = config(
        model=ModelOptions(max_width=300, max_height=60, use_gru=True, attn_num_layers=2, max_prediction=9),
        data=DataOptions(charset=str(path), force_uppercase=True),
    )
    path.unlink()
    again = config(existing=first)
    assert again.network_part() == first.network_part()
    assert again.data == first.data


def test_going_on_with_tokens():
    first = config(described(*LATEX), data=DataOptions(label_kind="tokens"))
    assert config(described(*LATEX), existing=first).charset == first.charset


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (ModelOptions(attn_num_hidden=64), r"decoder_units \(192, not 64\)"),
        (ModelOptions(use_gru=True), r"decoder_cell \(lstm, not gru\)"),
        (ModelOptions(max_width=1000), r"width \(\d+, not 1000\)"),
        (ModelOptions(color=True), r"channels \(1, not 3\)"),
        (ModelOptions(direction="right-to-left"), r"direction \(left-to-right, not right-to-left\)"),
        (ModelOptions(max_prediction=77), r"max_prediction \(\d+, not 77\)"),
    ],
)
def test_an_option_that_contradicts_the_existing_model(model: ModelOptions, what: str):
    with pytest.raises(FinalError, match=f"holds a model with another {what}: leave the options out.* --no-resume"):
        config(model=model, existing=config())


def test_new_data_with_symbols_that_the_model_has_not_learnt():
    with pytest.raises(FinalError, match=r"'x' 'y'\. Start anew with --no-resume"):
        config(described("abxy"), existing=config())


def test_another_charset_for_an_existing_model():
    with pytest.raises(AocrError, match="another charset"):
        config(data=DataOptions(charset="alphanumeric"), existing=config())


def test_a_training_that_begins_with_another_model_takes_its_network_and_the_sizes_of_the_data():
    source = config(model=ModelOptions(use_gru=True, attn_num_hidden=64, color=True), data=DataOptions(charset="ascii"))
    resolved = config(described("xy" * 9, width=400), source=source)
    assert (resolved.network, resolved.image.channels) == (source.network, 3)
    assert resolved.charset.symbols == ("x", "y")
    assert resolved.options.max_prediction > 18 and resolved.image.width > source.image.width


def test_beginning_with_a_model_of_tokens_means_tokens(tmp_path):
    (tmp_path / "symbols.txt").write_text("\\frac\n{\n}\nx\n2\n+")
    source = config(described(*LATEX), data=DataOptions(charset=str(tmp_path / "symbols.txt")))
    assert config(described(*LATEX), source=source).charset.kind == "tokens"


@pytest.mark.parametrize(
    ("model", "what"),
    [(ModelOptions(attn_num_hidden=64), "decoder_units"), (ModelOptions(color=True), "channels")],
)
def test_an_option_that_contradicts_the_model_to_begin_with(model: ModelOptions, what: str):
    with pytest.raises(AocrError, match=rf"words holds a model with another {what} \(.*\): leave the options out"):
        config(model=model, train=TrainOptions(init_from="words"), source=config())


@pytest.mark.parametrize(("labels", "mirrored"), [(["سلام (OCR)"], True), (["ocr שלום in Tel Aviv"], False)])
def test_images_of_text_that_runs_from_right_to_left_are_turned_round(labels: list[str], mirrored: bool):
    begun = config(described(*labels))
    assert begun.image.mirrored == mirrored
    # Going on, or beginning with its weights, the network sees other data as it is used to.
    begun = begun.model_copy(update={"charset": config().charset})
    assert config(described("a"), existing=begun).image.mirrored == mirrored
    assert config(described("a"), source=begun).image.mirrored == mirrored
    assert config(described(*labels), model=ModelOptions(direction="left-to-right")).image.mirrored is False


def test_an_optimiser_for_each_preset():
    assert config(model=ModelOptions(preset="aocr")).training.optimizer == "adadelta"
    assert config().training.optimizer == "adamw"
    given = config(train=TrainOptions(optimizer="adadelta", initial_learning_rate=0.5)).training
    assert (given.optimizer, given.initial_learning_rate) == ("adadelta", 0.5)


def test_a_ctc_head_that_never_learnt_has_no_say_and_does_not_hinder_going_on():
    alone = resolve(described(), ModelOptions(), DataOptions(), TrainOptions(ctc_weight=0))
    both = resolve(described(), ModelOptions(), DataOptions(), TrainOptions())
    assert both.network.joint_decoding and not alone.network.joint_decoding
    for existing, weight in ((alone, 0.3), (both, 0.0)):
        again = resolve(described(), ModelOptions(), DataOptions(), TrainOptions(ctc_weight=weight), existing)
        assert not again.network.joint_decoding
