"""Read images with a model that `aocr export` wrote for ONNX Runtime or LiteRT. Nothing of aocr is needed.

    pip install numpy pillow onnxruntime        # or ai-edge-litert in place of onnxruntime
    python read.py word.png other.jpg           # path, text and probability of each, with tabs between

Lies beside the model and `model.json`, whose words it puts into code: copy from it what your program needs.
"""

import json
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageOps, ImageStat


def prepare(image: Image.Image, spec: dict[str, Any]) -> np.ndarray:
    """8-bit pixels of the model's height, `[height, width, channels]`.

    Args:
        image: As it was opened, not decoded yet.
        spec: The part `image` of `model.json`.
    """
    if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB") and spec["channels"] == 1:
        image.draft("L", None)  # the brightness that the file holds, not one made from its colours
    image = ImageOps.exif_transpose(image)
    if image.mode[0] in "IF":
        raise ValueError(f"bring the image to 8 bits first (it has the mode {image.mode})")
    gray = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        image = on_paper(image.convert("RGBA"))
    values = np.asarray(image.convert("L" if gray else "RGB")).astype(np.int32)
    if spec["channels"] == 1:
        values = (values if gray else values @ np.array([9798, 19235, 3735]) >> 15)[..., None]
    elif gray:
        values = np.stack([values] * 3, axis=-1)
    height, width = values.shape[:2]
    width = round(np.float32(width) * spec["height"] / np.float32(height))
    size = (min(max(width, spec["narrowest"]), spec["widest"]), spec["height"])
    bands = [Image.fromarray(values[..., band].astype(np.float32)) for band in range(spec["channels"])]
    resized = np.stack([np.asarray(band.resize(size, Image.Resampling.BILINEAR)) for band in bands], axis=-1)
    pixels = np.clip(np.round(resized), 0, 255).astype(np.uint8)
    return pixels[:, ::-1] if spec["mirrored"] else pixels


def on_paper(image: Image.Image) -> Image.Image:
    """A transparent image of mode RGBA on white; on black where its ink is light and covers three quarters at most."""
    alpha = image.getchannel("A")
    light = ImageStat.Stat(ImageChops.multiply(image.convert("L"), alpha)).mean[0]
    covered = ImageStat.Stat(alpha).mean[0]
    black = covered <= 0.75 * 255 and light * 255 > 127 * covered
    return Image.alpha_composite(Image.new("RGBA", image.size, "black" if black else "white"), image)


def pad(pixels: np.ndarray, spec: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """What the model is given: values in [-1, 1], `[1, height, width, channels]`, and the width before the padding."""
    width = pixels.shape[1]
    filled = np.pad(pixels, [(0, 0), (0, -width % spec["width_step"]), (0, 0)])
    return filled[None] * np.float32(spec["scale"]) + np.float32(spec["offset"]), np.array([width], np.int32)


class Reader:
    """An exported model: `Reader(folder).read(Image.open(path))`."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self._infer = _session(str(folder / self.about["model"]))

    def read(self, image: Image.Image) -> tuple[str, float]:
        """The text in an image that was opened and not decoded yet, and how probable the text is."""
        spec = self.about["image"]
        return self.run(*pad(prepare(image, spec), spec))[0]

    def run(self, images: np.ndarray, widths: np.ndarray) -> list[tuple[str, float]]:
        """Texts and probabilities of images that are padded to the same width; LiteRT takes one at a time."""
        outputs = self._infer(images=images, widths=widths)
        rows = zip(outputs["ids"], outputs["log_probabilities"], strict=True)
        return [(self._text(ids), float(np.exp(logs.sum()))) for ids, logs in rows]

    def _text(self, ids: np.ndarray) -> str:
        before_end = takewhile(lambda number: number != self.about["end"], ids)
        symbols = (self.about["symbols"][number] for number in before_end)
        return self.about["separator"].join(filter(None, symbols))  # "" are ids that stand for nothing


def _session(model: str) -> Any:
    """Inputs by name -> outputs by name. One thread: the many small steps cost more to share out than to do."""
    if not model.endswith(".onnx"):
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model, num_threads=1).get_signature_runner("serving_default")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda **inputs: dict(zip(names, session.run(names, inputs), strict=True))


def main(paths: list[str]) -> int:
    """Print what is read; a file that cannot be read is named on standard error, and makes the exit code 1."""
    reader, failed = Reader(Path(__file__).parent), 0
    for path in paths:
        try:
            text, probability = reader.read(Image.open(path))
        except Exception as error:  # Pillow has a dozen kinds for damaged files
            print(f"{path}: {error or type(error).__name__}", file=sys.stderr)
            failed = 1
        else:
            print(path, text, f"{probability:.4f}", sep="\t")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
