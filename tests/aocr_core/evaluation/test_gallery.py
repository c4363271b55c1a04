from collections import Counter

from aocr_core.evaluation.gallery import Gallery
from aocr_core.evaluation.results import Row


def wrong(number: int, probability: float) -> Row:
    return Row(f"#{number}", "A", "B", probability, 1)


def test_the_surest_mistakes_stay():
    gallery = Gallery(mistakes=3)
    for number, probability in enumerate([0.1, 0.9, 0.5, 0.7, 0.7, 0.2]):
        gallery.offer(wrong(number, probability), b"image")
    assert [exhibit.row.path for exhibit in gallery.mistakes] == ["#1", "#3", "#4"]
    assert gallery.right == []


def test_right_ones_are_sampled_evenly():
    chosen: Counter[str] = Counter()
    for seed in range(300):
        gallery = Gallery(right=5, seed=seed)
        for number in range(20):
            gallery.offer(Row(f"#{number}", "A", "A", 0.9, 0), b"image")
        chosen.update(exhibit.row.path for exhibit in gallery.right)
    assert len(chosen) == 20 and min(chosen.values()) > 40  # 75 are expected, with a deviation of 7.5
